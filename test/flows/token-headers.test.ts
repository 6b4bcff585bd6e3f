/** What JWT access tokens say of themselves: `typ` as the API's readers expect it, and whom they are for. */
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { expect, it } from 'vitest';
import { postForm } from '../support/http.ts';
import { acme, engine, george } from '../support/realms.ts';
import { useServer } from '../support/use-server.ts';

const apis = [
  ['plain', {}],
  ['java', { typ: 'JWT' }],
  ['rfc', { typ: 'at+jwt' }],
].map(([id, tokens]) => ({
  id,
  audience: `https://${id}.test`,
  permissions: [{ name: `${id}:read` }],
  tokens: { format: 'jwt', ...(tokens as object) },
  ...(id === 'plain' ? { default: true } : {}),
}));
const clients = [
  { id: 'dc-ui', public: true, firstParty: true, grants: ['password'] },
  { id: 'itself', public: true, firstParty: true, grants: ['password'], audiences: ['itself'] },
  { id: 'ds-engine', secret: 'ds-engine-secret', grants: ['client_credentials'] },
];
const parts = { apis, roles: [], clients, users: [{ ...acme().users[0], roles: [] }] };
const server = useServer({
  realms: [acme(parts), acme({ ...parts, name: 'kc', profile: 'keycloak' })],
});

it.each([
  ['acme', 'plain', 'at+jwt'],
  ['acme', 'java', 'JWT'],
  ['acme', 'rfc', 'at+jwt'],
  ['kc', 'plain', 'JWT'],
  ['kc', 'java', 'JWT'],
  ['kc', 'rfc', 'at+jwt'],
])('in realm %s tokens for the API %s have the typ %s, on both paths', async (realm, api, typ) => {
  const resource = `https://${api}.test`;
  const service = { grant_type: 'client_credentials', resource };
  const address = server.endpoint(realm, 'token');

  const answers = [
    await postForm(address, { ...george, resource }),
    await postForm(address, service, { auth: engine }),
  ];

  for (const { json } of answers) expect(decodeProtectedHeader(json.access_token).typ).toBe(typ);
});

it.each([
  ['kc', 'dc-ui', 'https://plain.test'],
  ['kc', 'itself', ['https://plain.test', 'itself']],
])('in realm %s tokens of %s are for %j', async (realm, client_id, audience) => {
  const { json } = await postForm(server.endpoint(realm, 'token'), { ...george, client_id });

  const claims = decodeJwt(json.access_token);
  expect(claims.aud).toEqual(audience);
  expect(claims['resource_access']).toEqual({ plain: { roles: [] } });
});
