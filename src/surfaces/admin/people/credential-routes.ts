/** Passwords and locks of people: what a help desk does. */
import { z } from 'zod';
import { effectHeader } from '../shared/effects.ts';
import { type AdminRoute, type Answer, noteDeed, type RealmCall, realmRoute } from '../shared/route.ts';
import { requireGoodPassword, userChecks } from './changes.ts';
import { sessionsOf } from './session-routes.ts';
import { userEffect } from './user-effect.ts';
import { answerOf, storedUser, userIdIn } from './user-routes.ts';
import { shownUser } from './user-view.ts';

const permissions = ['users:write', 'users:credentials'] as const;

const newPassword = z.strictObject({
  password: z.string().min(1).max(1024),
  /** The person has to choose another one at the next login. */
  temporary: z.boolean().default(false),
});

/** A link may live for a week. */
const linkRequest = z.strictObject({ expiresIn: z.int().min(60).max(604_800).default(86_400) });

const link = z.strictObject({ link: z.url(), expiresAt: z.iso.datetime() });

export const credentialRoutes: readonly AdminRoute[] = [
  realmRoute({
    id: 'setUserPassword',
    method: 'POST',
    path: '/users/:user/password',
    summary: 'Gives a user a new password. Its sessions and tokens end, and so does a lock.',
    permissions,
    body: newPassword,
    answers: { 200: { description: 'The user.', schema: shownUser } },
    example: { password: 'correct horse battery staple', temporary: true },
    handler: setPassword,
  }),
  realmRoute({
    id: 'makePasswordLink',
    method: 'POST',
    path: '/users/:user/password-link',
    summary: 'Makes a link by which the person chooses a password, once. It is shown this once.',
    permissions,
    body: linkRequest,
    answers: { 201: { description: 'The link.', schema: link } },
    example: { expiresIn: 3600 },
    handler: makeLink,
  }),
  realmRoute({
    id: 'unlockUser',
    method: 'POST',
    path: '/users/:user/unlock',
    summary: 'Lifts the lock of too many wrong passwords.',
    permissions,
    answers: { 200: { description: 'The user.', schema: shownUser } },
    handler: unlock,
  }),
];

async function setPassword(call: RealmCall<unknown, z.output<typeof newPassword>>): Promise<Answer> {
  const { realm, changes, body } = call;
  const user = await storedUser(call);
  const { mayTouch } = await userChecks(call);
  mayTouch(user);
  await requireGoodPassword(call, body.password, user);
  const effect = await userEffect(call, user.id);
  if (realm.enabled) await (await sessionsOf(call)).endAll(user.id);
  const after = await changes.updateUser(realm.name, user.id, (before) => {
    mayTouch(before);
    effect.note(before);
    const others = before.requiredActions.filter((action) => action !== 'change_password');
    const requiredActions = body.temporary ? [...others, 'change_password' as const] : others;
    return { ...before, password: body.password, requiredActions };
  });
  return { ...answerOf(after), headers: effectHeader(effect.of(after)) };
}

async function makeLink(call: RealmCall<unknown, z.output<typeof linkRequest>>): Promise<Answer> {
  const { deps, realm, body } = call;
  const user = await storedUser(call);
  (await userChecks(call)).mayTouch(user);
  await noteDeed(call, 'user.password-link', { user: user.id });
  const { value, expiresAt } = await deps.passwordLinks.create(realm.name, user.id, body.expiresIn);
  const address = `${deps.publicUrl}/realms/${realm.name}/account/new-password?link=${value}`;
  return { status: 201, body: { link: address, expiresAt: new Date(expiresAt * 1000).toISOString() } };
}

async function unlock(call: RealmCall): Promise<Answer> {
  const { realm, changes } = call;
  const { mayTouch } = await userChecks(call);
  const after = await changes.updateUser(realm.name, userIdIn(call), (before) => {
    mayTouch(before);
    return { ...before, lockGeneration: (before.lockGeneration ?? 0) + 1 };
  });
  return answerOf(after);
}
