/** DataClarity calls the Keycloak underneath it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, postForm } from '../support/http.ts';
import { type FacadeServer, startFacades } from './support.ts';

let server: FacadeServer;
beforeAll(async () => {
  server = await startFacades();
});
afterAll(() => server.stop());

const login = {
  client_id: 'dc-ui',
  grant_type: 'password',
  username: 'george.becker',
  password: 'my_password',
};
const prefixes = ['/auth/realms', '/realms'];

const clients: Readonly<Record<string, string>> = { acme: 'dc-ui', globex: 'spa' };

const ask = (prefix: string, realm: string, more: object = {}): Promise<Answer> =>
  postForm(`${server.url}${prefix}/${realm}/protocol/openid-connect/token`, {
    ...login,
    client_id: clients[realm] ?? '',
    ...more,
  });

describe.each(prefixes)('below %s', (prefix) => {
  it('gives a bearer token of half an hour for the documented request', async () => {
    const answer = await ask(prefix, 'acme');

    expect(answer.status).toBe(200);
    expect(Object.keys(answer.json).sort()).toEqual([
      'access_token',
      'expires_in',
      'not-before-policy',
      'refresh_expires_in',
      'refresh_token',
      'scope',
      'session_state',
      'token_type',
    ]);
    expect(answer.json).toMatchObject({ expires_in: 1800, token_type: 'Bearer', 'not-before-policy': 0 });
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('pragma')).toBe('no-cache');
    expect((await server.introspect(answer.json.access_token)).username).toBe('george.becker');
  });

  it.each([
    ['acme', 400],
    ['globex', 401],
  ] as const)('tells a wrong password from an unknown user no more than %s: %d', async (realm, status) => {
    const answers = [
      await ask(prefix, realm, { password: 'wrong' }),
      await ask(prefix, realm, { username: 'nobody' }),
    ];

    for (const answer of answers) {
      expect(answer.status).toBe(status);
      expect(answer.json).toEqual({
        error: 'invalid_grant',
        error_description: 'Invalid user credentials',
      });
    }
  });
});

it.each([
  ['acme', 400],
  ['globex', 401],
] as const)('tells who is locked out no more, even with the right password: %s %d', async (realm, status) => {
  const username = realm === 'acme' ? 'ada.admin' : 'george.becker';
  for (let index = 0; index < 10; index += 1)
    await ask('/auth/realms', realm, { username, password: 'wrong' });

  const answer = await ask('/auth/realms', realm, {
    username,
    password: realm === 'acme' ? 'ada_password' : 'my_password',
  });

  expect([answer.status, answer.json]).toEqual([
    status,
    { error: 'invalid_grant', error_description: 'Invalid user credentials' },
  ]);
});
