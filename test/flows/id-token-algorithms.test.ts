/** OIDC Core §15.1: which algorithm signs ID tokens, by client and realm. */
import { decodeProtectedHeader } from 'jose';
import { expect, it } from 'vitest';
import { postForm } from '../support/http.ts';
import { acme, george } from '../support/realms.ts';
import { useServer } from '../support/use-server.ts';

const app = { public: true, firstParty: true, grants: ['password'] };
const clients = [
  { id: 'plain', ...app },
  { id: 'es', ...app, idTokenSignedResponseAlg: 'ES256' },
  { id: 'rs', ...app, idTokenSignedResponseAlg: 'RS256' },
];
const server = useServer({
  realms: [
    acme({ clients }),
    acme({ name: 'kc', profile: 'keycloak', clients }),
    acme({ name: 'eddsa', idTokenSignedResponseAlg: 'EdDSA', clients }),
  ],
});

it.each([
  ['acme', 'plain', 'RS256'],
  ['acme', 'es', 'ES256'],
  ['kc', 'plain', 'RS256'],
  ['kc', 'es', 'ES256'],
  ['eddsa', 'plain', 'EdDSA'],
  ['eddsa', 'rs', 'RS256'],
])('in realm %s the ID tokens of %s are %s', async (realm, client, alg) => {
  const form = { ...george, client_id: client, scope: 'openid' };

  const { json } = await postForm(server.endpoint(realm, 'token'), form);

  const header = decodeProtectedHeader(json.id_token);
  expect(header.alg).toBe(alg);
  const keys = (await (await fetch(server.endpoint(realm, 'certs'))).json()).keys;
  expect(keys).toContainEqual(expect.objectContaining({ kid: header.kid, alg }));
});
