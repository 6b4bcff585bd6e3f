/** `…/users`: people of a realm. */
import { z } from 'zod';
import { countedAs } from '../../../authn/lockout.ts';
import { Problem } from '../../../http/problem.ts';
import type { User } from '../../../registry/model/model.ts';
import { effectHeader } from '../shared/effects.ts';
import { requireMatch } from '../shared/etag.ts';
import { isSelf, refuseOwnEnd } from '../shared/granting.ts';
import { mergePatch } from '../shared/merge-patch.ts';
import { listOf, listSchema, pageOf, pageQuery } from '../shared/pages.ts';
import { type AdminRoute, type Answer, type RealmCall, realmRoute } from '../shared/route.ts';
import { requireGoodPassword, userChecks } from './changes.ts';
import { userEffect } from './user-effect.ts';
import { shownUser, userInFull, userInput, userShown } from './user-view.ts';

const query = z.strictObject({ ...pageQuery, search: z.string().max(256).optional() });
const reading = ['users:read', 'users:write'] as const;
const one = {
  path: '/users/:user',
  permissions: ['users:write'],
  params: { user: /^[0-9A-Fa-f-]{36}$/ },
} as const;
const patch = z.looseObject({});
const removed = z.strictObject({ removed: z.string(), effect: z.string() });

export const userRoutes: readonly AdminRoute[] = [
  realmRoute({
    id: 'listUsers',
    method: 'GET',
    path: '/users',
    summary: 'Lists users; `search`: those whose user name or e-mail address begins so, in that order.',
    permissions: reading,
    query,
    answers: { 200: { description: 'A page of users.', schema: listSchema(shownUser) } },
    async handler({ deps, realm, query: { search, ...page } }) {
      const { registry } = deps;
      const listed =
        search === undefined
          ? await registry.listUsers(realm.name, pageOf(page))
          : await registry.searchUsers(realm.name, search, pageOf(page));
      return { status: 200, body: listOf(listed, userShown) };
    },
  }),
  realmRoute({
    id: 'createUser',
    method: 'POST',
    path: '/users',
    summary: 'Creates a user, with a password, the hash of one, or none yet.',
    permissions: ['users:write'],
    body: userInput,
    answers: { 201: { description: 'The user.', schema: shownUser } },
    example: { username: 'erika', email: 'erika@example.com', name: 'Erika Example' },
    handler: createUser,
  }),
  realmRoute({
    id: 'getUser',
    method: 'GET',
    ...one,
    permissions: reading,
    summary: 'Shows a user, and whether wrong passwords have locked it.',
    answers: { 200: { description: 'The user.', schema: userInFull } },
    handler: showUser,
  }),
  realmRoute({
    id: 'changeUser',
    method: 'PATCH',
    ...one,
    summary: 'Changes a user. A lost role, a new password and `enabled: false` end what was issued to it.',
    body: patch,
    patches: userInput,
    media: 'application/merge-patch+json',
    isConditional: true,
    answers: { 200: { description: 'The user.', schema: shownUser } },
    example: { name: 'Erika Mustermann' },
    handler: changeUser,
  }),
  realmRoute({
    id: 'removeUser',
    method: 'DELETE',
    ...one,
    summary: 'Removes a user. Its sessions and tokens are dead at once.',
    isConditional: true,
    answers: { 200: { description: 'It is gone.', schema: removed } },
    handler: removeUser,
  }),
];

export function userIdIn({ params }: Pick<RealmCall, 'params'>): string {
  return params['user'] ?? '';
}

export async function storedUser(call: RealmCall): Promise<User> {
  const found = await call.deps.registry.findUser(call.realm.name, userIdIn(call));
  if (found === undefined) throw new Problem('not_found', 'there is no such user');
  return found;
}

async function createUser(call: RealmCall<unknown, z.output<typeof userInput>>): Promise<Answer> {
  const { deps, realm, changes, body } = call;
  const { check } = await userChecks(call);
  check(undefined, { ...body, id: body.id ?? '' });
  if (body.password !== undefined) await requireGoodPassword(call, body.password, body);
  const created = await changes.createUser(realm.name, body);
  const Location = `${deps.publicUrl}/admin/v1/realms/${realm.name}/users/${created.id}`;
  return { ...answerOf(created), status: 201, headers: { Location } };
}

async function showUser(call: RealmCall): Promise<Answer> {
  const { deps, realm } = call;
  const found = await storedUser(call);
  const lockedFor = await deps.lockout.lockedFor({ realm, step: 'password', who: countedAs(found) });
  return {
    ...answerOf(found),
    body: { ...userShown(found), ...(lockedFor > 0 && { lockedFor }) },
  };
}

async function changeUser(call: RealmCall<unknown, z.output<typeof patch>>): Promise<Answer> {
  const { ctx, deps, realm, changes } = call;
  const { check } = await userChecks(call);
  // Shown, and therefore sent back by whoever edits what was shown.
  const { hasPassword: _, lockedFor: __, updatedAt: ___, ...body } = call.body;
  const { password } = body;
  if (typeof password === 'string') await requireGoodPassword(call, password, await storedUser(call));
  const effect = await userEffect(call, userIdIn(call));
  const after = await changes.updateUser(realm.name, userIdIn(call), (before) => {
    requireMatch(ctx, deps.tag(tagged(before)));
    effect.note(before);
    const { passwordHash: _hash, ...rest } = before;
    // What the patch gives may be wrong: it is checked before it is used.
    const changed = mergePatch(password === undefined ? before : rest, body) as User;
    check(before, changed);
    return changed;
  });
  return { ...answerOf(after), headers: effectHeader(effect.of(after)) };
}

async function removeUser(call: RealmCall): Promise<Answer> {
  const { ctx, deps, realm, caller, changes } = call;
  const id = userIdIn(call);
  if (isSelf(caller, realm.name, 'user', id)) refuseOwnEnd();
  const { mayTouch } = await userChecks(call);
  const effect = await userEffect(call, id);
  const isGone = await changes.removeUser(realm.name, id, (before) => {
    requireMatch(ctx, deps.tag(tagged(before)));
    mayTouch(before);
    effect.note(before);
  });
  if (!isGone) throw new Problem('not_found', 'there is no such user');
  const text = effect.of(undefined);
  return { status: 200, body: { removed: id, effect: text ?? '' }, headers: effectHeader(text) };
}

export function answerOf(found: User): Answer {
  return { status: 200, body: userShown(found), tagged: tagged(found) };
}

/** A better hash of the same password, made at a login, is no change that anybody made. */
export function tagged({ passwordHash, updatedAt: _, appliedPassword: __, ...rest }: User): object {
  return { ...rest, hasPassword: passwordHash !== undefined };
}
