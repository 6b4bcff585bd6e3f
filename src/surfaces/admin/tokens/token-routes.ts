/** `…/tokens`: one token by its value. */
import { z } from 'zod';
import { Problem } from '../../../http/problem.ts';
import { revocationWrites } from '../../../oidc/endpoints/revoke.ts';
import { aliveProvider } from '../shared/alive.ts';
import { type AdminRoute, type Answer, noteDeed, type RealmCall, realmRoute } from '../shared/route.ts';
import { findToken, introspected } from './token-values.ts';

const byValue = z.strictObject({ token: z.string().min(1).max(16_384) });

const answer = z.looseObject({ active: z.boolean() });
const revoked = z.strictObject({ revoked: z.boolean() });

export const tokenRoutes: readonly AdminRoute[] = [
  realmRoute({
    id: 'introspectToken',
    method: 'POST',
    path: '/tokens/introspect',
    summary:
      'Shows what introspection says of a token to an API that it is for; of a guest token, what `GET /guest-tokens/{id}` shows. Counts no use.',
    isReadOnly: true,
    permissions: ['explain:read', 'sessions:read'],
    body: byValue,
    answers: { 200: { description: 'As RFC 7662 §2.2, or a guest token with `active`.', schema: answer } },
    example: { token: 'dpa_…' },
    handler: async (call) => ({
      status: 200,
      body: await introspected((await aliveProvider(call)).realm, call.body.token),
    }),
  }),
  realmRoute({
    id: 'revokeToken',
    method: 'POST',
    path: '/tokens/revoke',
    summary:
      'Revokes one token and what was made from it; a refresh token takes its consent and its access tokens along.',
    permissions: ['sessions:revoke'],
    body: byValue,
    answers: { 200: { description: 'It is dead.', schema: revoked } },
    handler: revoke,
  }),
];

async function revoke(call: RealmCall<unknown, z.output<typeof byValue>>): Promise<Answer> {
  const realm = (await aliveProvider(call)).realm;
  const found = await findToken(realm, call.body.token);
  if (found === undefined) throw new Problem('not_found', 'the realm has no such token');
  const { id = '', kind, source } = call.caller.actor;
  if ('guest' in found) {
    const guest = found.guest.record.id;
    await noteDeed(call, 'token.revoke', { guest });
    await realm.guests.revoke(realm.name, guest, { by: id === '' ? kind : id, ...source });
  } else {
    await noteDeed(call, 'token.revoke', { client: found.record.clientId });
    await realm.store.commit(await revocationWrites(realm, found));
  }
  return { status: 200, body: { revoked: true } };
}
