/** What a client of a `keycloak` realm is told of its refresh token that is of no use any more. */
import { decodeJwt } from 'jose';
import { expect, it } from 'vitest';
import { sha256 } from '../../src/base/hash.ts';
import { tokenKey } from '../../src/revocation/nodes.ts';
import { decodeToken, encodeToken } from '../../src/tokens/record.ts';
import { postForm } from '../support/http.ts';
import { acme, george } from '../support/realms.ts';
import { useServer } from '../support/use-server.ts';

const server = useServer({
  realms: [acme({ name: 'strict' }), acme({ name: 'keycloak', profile: 'keycloak' })],
});

const token = (realm: string, form: Record<string, string>) =>
  postForm(server.endpoint(realm, 'token'), form);
const refusal = (error_description: string) => ({
  status: 400,
  json: { error: 'invalid_grant', error_description },
});

it('tells a keycloak client that its session has ended, and only that client', async () => {
  const { refresh_token } = (await token('keycloak', george)).json;
  const logout = server.endpoint('keycloak', 'logout');
  await postForm(logout, { client_id: 'dc-ui', refresh_token });
  const form = { grant_type: 'refresh_token', refresh_token };

  const own = await token('keycloak', { ...form, client_id: 'dc-ui' });
  const strict = (await token('strict', george)).json.refresh_token;
  await postForm(server.endpoint('strict', 'logout'), { client_id: 'dc-ui', refresh_token: strict });
  const inStrict = await token('strict', { ...form, client_id: 'dc-ui', refresh_token: strict });

  expect(own).toMatchObject(refusal('Session not active'));
  const unknown = await token('strict', { ...form, client_id: 'dc-ui', refresh_token: `dpr_${sha256('x')}` });
  expect(inStrict.text).toBe(unknown.text);
});

it.each([
  ['has expired', 'Token is not active', expire],
  ['has lost its grant', 'Session not active', removeGrant],
])('tells a keycloak client when its refresh token %s', async (_what, description, change) => {
  const { refresh_token } = (await token('keycloak', george)).json;
  await change(refresh_token);

  const answer = await token('keycloak', { grant_type: 'refresh_token', client_id: 'dc-ui', refresh_token });

  expect(answer).toMatchObject(refusal(description));
});

/** The record of a refresh token, and where it is. */
async function recordOf(refreshToken: string) {
  const key = tokenKey('keycloak', decodeJwt(refreshToken).jti ?? '');
  const [document] = await server.services.store.read([key]);
  const record = decodeToken(document?.value ?? '');
  if (record === undefined) throw new Error('there is no such token');
  return { key, record };
}

async function expire(refreshToken: string): Promise<void> {
  const { key, record } = await recordOf(refreshToken);
  const value = encodeToken({ ...record, exp: record.iat - 1 });
  await server.services.store.commit([{ put: key, value, ttl: 60 }]);
}

async function removeGrant(refreshToken: string): Promise<void> {
  const { record } = await recordOf(refreshToken);
  const grant = { realm: 'keycloak', kind: 'grant', id: sha256(record.grantId ?? '') };
  await server.services.store.commit([{ remove: grant }]);
}
