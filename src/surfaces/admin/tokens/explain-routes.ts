/** `…/explain`: why something is inactive, refused or narrowed. */
import { explanation } from '../../../explain/answer.ts';
import { explain, type Question, question } from '../../../explain/explain.ts';
import { guestRealmOf } from '../../../oidc/realm/guest-realm.ts';
import { type AdminRoute, type Answer, type RealmCall, realmRoute } from '../shared/route.ts';

export const explainRoutes: readonly AdminRoute[] = [
  realmRoute({
    id: 'explain',
    method: 'POST',
    path: '/explain',
    summary:
      'Tells why a token is inactive, why a redirect, login or mint is refused, and what a user, client or guest would ' +
      'get: the rule, and the setting that decides. Changes nothing.',
    isReadOnly: true,
    permissions: ['explain:read', 'audit:read'],
    body: question,
    answers: { 200: { description: 'The reasons; the first one decides.', schema: explanation } },
    example: { client: 'dc-ui', redirectUri: 'http://localhost:3000/demo/callback/' },
    handler: answer,
  }),
];

async function answer(call: RealmCall<unknown, Question>): Promise<Answer> {
  const { deps, realm, body } = call;
  const provider = await deps.pool.find(realm.name);
  const isThere = provider !== undefined && provider !== 'disabled';
  const guestRealm = isThere ? guestRealmOf(provider.realm) : undefined;
  return { status: 200, body: await explain({ ...deps, realm, guestRealm }, body) };
}
