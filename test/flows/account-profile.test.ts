/** The account as JSON, for pages that hold an access token. */
import { describe, expect, it } from 'vitest';
import { get, postForm } from '../support/http.ts';
import { acme, engine, george } from '../support/realms.ts';
import { useServer } from '../support/use-server.ts';

const users = [{ ...acme().users[0], givenName: 'George', familyName: 'Becker' }];
const server = useServer({ realms: [acme({ users }), acme({ users, name: 'kc', profile: 'keycloak' })] });
const json = 'application/json';
const tokenFor = async (realm: string, scope: string) =>
  (await postForm(server.endpoint(realm, 'token'), { ...george, scope })).json.access_token;
const ask = (realm: string, token: string, accept = json) =>
  get(`${server.issuer(realm)}/account`, { authorization: `Bearer ${token}`, accept });

describe('in a realm for Keycloak’s clients the account as JSON', () => {
  const realm = 'kc';

  it.each([
    ['openid', {}],
    ['openid profile', { firstName: 'George', lastName: 'Becker' }],
    ['openid email', { email: 'george@acme.test', emailVerified: false }],
  ])('says what the scopes %s give, to pages of any origin', async (scope, expected) => {
    const answer = await ask(realm, await tokenFor(realm, scope));

    expect(answer.status).toBe(200);
    expect(answer.json).toEqual({ id: expect.any(String), username: 'george.becker', ...expected });
    expect(answer.headers.get('access-control-allow-origin')).toBe('*');
  });

  it('is refused without a live token of a person with openid', async () => {
    const service = await postForm(
      server.endpoint(realm, 'token'),
      { grant_type: 'client_credentials' },
      { auth: engine },
    );
    const tokens = ['made-up', service.json.access_token, await tokenFor(realm, 'dashboards:read')];

    for (const token of tokens) expect((await ask(realm, token)).status).toBe(401);
  });

  it('is a page for browsers, closed to other origins', async () => {
    const answer = await ask(realm, await tokenFor(realm, 'openid'), 'text/html');

    expect(answer.status).toBe(303);
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
  });

  it('is announced to preflights', async () => {
    const answer = await fetch(`${server.issuer(realm)}/account`, {
      method: 'OPTIONS',
      headers: { origin: 'https://spa.example', 'access-control-request-method': 'GET' },
    });

    expect(answer.status).toBe(204);
    expect(answer.headers.get('access-control-allow-headers')).toContain('Authorization');
  });
});

it('is a page alone in a strict realm', async () => {
  const answer = await ask('acme', await tokenFor('acme', 'openid'));

  expect(answer.status).toBe(303);
  expect(answer.headers.get('access-control-allow-origin')).toBeNull();
});
