/** RFC 6749 §2.3.1: a public client that names itself by Basic has an empty secret. */
import { expect, it } from 'vitest';
import { postForm } from '../support/http.ts';
import { acme, george } from '../support/realms.ts';
import { useServer } from '../support/use-server.ts';

const log: string[] = [];
const clients = [
  ...acme().clients,
  { id: 'secretive', secret: 'secretive-secret', grants: ['password'], firstParty: true },
];
const server = useServer({
  realms: [acme({ clients }), acme({ name: 'kc', profile: 'keycloak', clients })],
  env: { DAYPASS_LOG: 'info' },
  log,
});

const basicOf = (id: string, secret: string) => ({
  authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
});
const { client_id, ...person } = george;
const login = (realm: string, headers: Record<string, string>, form: Record<string, string> = {}) =>
  postForm(server.endpoint(realm, 'token'), { ...person, ...form }, { headers });

it.each([
  ['acme', 'dc-ui', '', {}, 200],
  ['acme', 'dc-ui', '', { client_id }, 200],
  ['acme', 'dc-ui', 'x', {}, 401],
  ['kc', 'dc-ui', '', {}, 200],
  ['kc', 'dc-ui', 'anything', {}, 200],
  ['acme', 'secretive', '', {}, 401],
  ['kc', 'secretive', '', {}, 401],
  ['kc', 'secretive', 'wrong', {}, 401],
])('in realm %s %s with the secret "%s" by Basic, and %j', async (realm, id, secret, form, status) => {
  log.length = 0;

  const answer = await login(realm, basicOf(id, secret), form);

  expect(answer.status).toBe(status);
  expect(log.join('').includes('"wrong":"client_secret"')).toBe(status === 401);
});

it.each([
  ['acme', '', 200],
  ['kc', '', 200],
  ['kc', 'anything', 200],
])('in realm %s by the form with the secret "%s"', async (realm, secret, status) => {
  expect((await login(realm, {}, { client_id, client_secret: secret })).status).toBe(status);
});

it.each(['', 'Bearer x'])('not with a header of another method: "%s"', async (authorization) => {
  const answer = await login('acme', { authorization }, { client_id, client_secret: '' });

  expect(answer.status).not.toBe(200);
});
