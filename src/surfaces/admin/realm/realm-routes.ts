/** `/admin/v1/realms` and `/admin/v1/realms/{realm}`: realms and their settings. */
import { z } from 'zod';
import { Problem } from '../../../http/problem.ts';
import { type RealmSettings, realmSettings } from '../../../registry/model/model.ts';
import { effectHeader } from '../shared/effects.ts';
import { requireMatch } from '../shared/etag.ts';
import { problemOfFaults, refuseFaults } from '../shared/faults.ts';
import { mergePatch } from '../shared/merge-patch.ts';
import { listOf, listSchema, pageOf, pageQuery } from '../shared/pages.ts';
import { type AdminRoute, type Answer, type RealmCall, realmRoute, serverRoute } from '../shared/route.ts';
import { realmEffect } from './realm-effect.ts';
import { removalShown, removeRealm } from './realm-removal.ts';
import { changeSettings, storedSettings, withoutCompat } from './settings.ts';

const summary = realmSettings.pick({ name: true, displayName: true, enabled: true, profile: true });
const shown = realmSettings.omit({ compat: true });
const query = z.strictObject({ ...pageQuery, search: z.string().max(63).optional() });

const patch = z.looseObject({});

export const realmRoutes: readonly AdminRoute[] = [
  serverRoute({
    id: 'listRealms',
    method: 'GET',
    path: '/admin/v1/realms',
    summary: 'Lists realms, in the order of their names; `search`: only those whose name begins so.',
    permissions: ['realms:read'],
    query,
    answers: { 200: { description: 'A page of realms.', schema: listSchema(summary) } },
    async handler({ deps, query: { search, ...page } }) {
      const asked = { ...pageOf(page), ...(search !== undefined && { prefix: search }) };
      return { status: 200, body: listOf(await deps.registry.listRealms(asked), summaryOf) };
    },
  }),
  serverRoute({
    id: 'createRealm',
    method: 'POST',
    path: '/admin/v1/realms',
    summary: 'Creates a realm.',
    permissions: ['realms:create'],
    body: realmSettings,
    answers: { 201: { description: 'The realm.', schema: shown } },
    example: { name: 'initech', displayName: 'Initech' },
    async handler({ deps, changes, body }) {
      if (body.name === deps.adminRealm) {
        throw new Problem('conflict', "the administrators' realm is made by `daypass admin create`");
      }
      refuseFaults(deps.checkRealm(body), []);
      const created = await changes.createRealm(body);
      const headers = { Location: `${deps.publicUrl}/admin/v1/realms/${created.name}` };
      return { ...answerOf(created), status: 201, headers };
    },
  }),
  realmRoute({
    id: 'getRealm',
    method: 'GET',
    path: '',
    summary: 'Shows the settings of a realm. Sections of embed products are at `/compat`.',
    permissions: ['realm:read', 'realm:write'],
    answers: { 200: { description: 'The settings.', schema: shown } },
    handler: async (call) => answerOf(await storedSettings(call)),
  }),
  realmRoute({
    id: 'changeRealm',
    method: 'PATCH',
    path: '',
    summary: 'Changes settings of a realm. Disabling it ends everything that was issued in it.',
    permissions: ['realm:write'],
    body: patch,
    patches: shown,
    media: 'application/merge-patch+json',
    isConditional: true,
    answers: { 200: { description: 'The settings.', schema: shown } },
    example: { displayName: 'Initech Inc.', lifetimes: { accessToken: 900 } },
    handler: changeRealm,
  }),
  realmRoute({
    id: 'removeRealm',
    method: 'DELETE',
    path: '',
    summary:
      'Removes a realm with its clients, users, keys and tokens. What was issued in it is dead at once.',
    permissions: ['realms:delete'],
    isConditional: true,
    answers: {
      200: { description: 'It is gone.', schema: removalShown },
      202: { description: 'It is dead, and is being cleared away.', schema: removalShown },
    },
    handler: removeRealm,
  }),
];

async function changeRealm(call: RealmCall<unknown, z.output<typeof patch>>): Promise<Answer> {
  const { body, ctx, deps } = call;
  if ('compat' in body) {
    throw problemOfFaults([{ path: ['compat'], message: 'has an address of its own: …/compat/{product}' }]);
  }
  if ('name' in body && body['name'] !== call.realm.name) {
    throw problemOfFaults([{ path: ['name'], message: 'cannot be changed' }]);
  }
  let before: RealmSettings | undefined;
  const after = await changeSettings(call, {
    change(stored) {
      requireMatch(ctx, deps.tag(withoutCompat(stored)));
      before = stored;
      return patched(stored, body);
    },
    placeOf: () => [],
  });
  return { ...answerOf(after), headers: effectHeader(realmEffect(call, before, after)) };
}

/** The patch may be wrong: what it gives is checked before it is used. */
function patched(before: RealmSettings, body: object): RealmSettings {
  return mergePatch(before, body) as RealmSettings;
}

function answerOf(settings: RealmSettings): Answer {
  const body = withoutCompat(settings);
  return { status: 200, body, tagged: body };
}

function summaryOf({ name, displayName, enabled, profile }: RealmSettings) {
  return { name, ...(displayName !== undefined && { displayName }), enabled, profile };
}
