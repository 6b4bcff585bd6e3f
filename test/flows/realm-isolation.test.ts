/** Nothing of one realm is usable or even guessable from another: it is answered like a random string. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAgent, obtainCode } from '../support/browserless.ts';
import { type Answer, get, postForm } from '../support/http.ts';
import { assertionType, type ClientKey, clientAssertion, newKey } from '../support/proofs.ts';
import { acme, engine, gateway, george, warehouse } from '../support/realms.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

const onlyA = ['only-a', 'only-a-secret'] as const;

let server: TestServer;
let key: ClientKey;
beforeAll(async () => {
  key = await newKey();
  const byKey = {
    id: 'by-key',
    grants: ['client_credentials'],
    tokenEndpointAuthMethod: 'private_key_jwt',
    jwks: { keys: [key.publicJwk] },
  };
  server = await startTestServer({
    realms: [
      acme({
        name: 'a',
        clients: [
          ...acme().clients,
          byKey,
          {
            id: 'only-a',
            secret: 'only-a-secret',
            grants: ['client_credentials', 'refresh_token', 'password'],
          },
        ],
        users: [...acme().users, { username: 'anna', email: 'anna@acme.test', password: 'anna_password' }],
      }),
      acme({ name: 'b', clients: [...acme().clients, byKey] }),
      acme({ name: 'k', profile: 'keycloak' }),
    ],
  });
});
afterAll(() => server?.stop());

const post = (realm: string, name: string, form: Record<string, string>, auth?: readonly [string, string]) =>
  postForm(server.endpoint(realm, name), form, auth && { auth });
const token = (realm: string, form: Record<string, string>, auth?: readonly [string, string]) =>
  post(realm, 'token', form, auth);

/** Everything of an answer that a stranger could learn from. */
function payload({ status, text, headers }: Answer) {
  const kept = [...headers].filter(([name]) => !['date', 'x-request-id', 'content-length'].includes(name));
  return { status, text, headers: kept };
}

const uuid = '3f2b1c00-0000-4000-8000-000000000000';

describe.each(['b', 'k'])('in realm %s', (realm) => {
  it('a token of realm a is a random string at introspection, userinfo, revocation and refresh', async () => {
    const login = (await token('a', { ...george, scope: 'openid' })).json;
    const jwt = (await token('a', { grant_type: 'client_credentials', resource: warehouse }, engine)).json
      .access_token;
    const refresh = (refresh_token: string) => ({
      grant_type: 'refresh_token',
      client_id: 'dc-ui',
      refresh_token,
    });
    const random = 'dpa_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA';
    const userinfo = (value: string) =>
      get(server.endpoint(realm, 'userinfo'), { authorization: `Bearer ${value}` });

    for (const value of [login.access_token, jwt]) {
      expect(payload(await post(realm, 'token/introspect', { token: value }, gateway))).toEqual(
        payload(await post(realm, 'token/introspect', { token: random }, gateway)),
      );
      expect(payload(await userinfo(value))).toEqual(payload(await userinfo(random)));
      expect(payload(await post(realm, 'revoke', { client_id: 'dc-ui', token: value }))).toEqual(
        payload(await post(realm, 'revoke', { client_id: 'dc-ui', token: random })),
      );
    }
    expect(payload(await token(realm, refresh(login.refresh_token)))).toEqual(
      payload(await token(realm, refresh(random))),
    );
    expect(
      payload(await post(realm, 'logout', { client_id: 'dc-ui', refresh_token: login.refresh_token })),
    ).toEqual(payload(await post(realm, 'logout', { client_id: 'dc-ui', refresh_token: random })));
    const still = await post('a', 'token/introspect', { token: login.access_token }, gateway);
    expect(still.json.active).toBe(true);
  });

  it('a code of realm a is a random string', async () => {
    const { form } = await obtainCode(server, { realm: 'a' });

    const foreign = await token(realm, { ...form });
    const random = await token(realm, { ...form, code: 'random-random-random' });

    expect(payload(foreign)).toEqual(payload(random));
    expect((await token('a', form)).status).toBe(200);
  });

  it('a client of realm a is nobody', async () => {
    const form = { grant_type: 'client_credentials' };

    const foreign = await token(realm, form, onlyA);
    const unknown = await token(realm, form, ['only-x', 'only-x-secret']);

    expect(payload(foreign)).toEqual(payload(unknown));
    expect((await token('a', form, onlyA)).status).toBe(200);
  });

  it('a person of realm a is nobody, by name and by address', async () => {
    const answers = await Promise.all(
      ['anna', 'anna@acme.test', 'nobody'].map((username) =>
        token(realm, { ...george, username, password: 'anna_password' }),
      ),
    );

    const [byName, byAddress, nobody] = answers.map(payload);
    expect([byName, byAddress]).toEqual([nobody, nobody]);
    expect((await token('a', { ...george, username: 'anna', password: 'anna_password' })).status).toBe(200);
  });

  it('a browser that is signed in at realm a is not', async () => {
    const { agent } = await obtainCode(server, { realm: 'a' });
    const cookie = agent
      .cookies()
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ');
    const query = new URLSearchParams({
      client_id: 'dc-ui',
      redirect_uri: 'http://localhost:3000/demo/callback',
      response_type: 'code',
      prompt: 'none',
      code_challenge: 'c'.repeat(43),
      code_challenge_method: 'S256',
    });

    const byAgent = await agent.open(`${server.endpoint(realm, 'auth')}?${query}`);
    const byHand = await get(`${server.endpoint(realm, 'auth')}?${query}`, { cookie });
    const own = await agent.open(`${server.endpoint('a', 'auth')}?${query}`);

    expect(byAgent.headers.get('location')).toContain('error=login_required');
    expect(byHand.headers.get('location')).toContain('error=login_required');
    expect(own.headers.get('location')).toContain('code=');
  });

  it('a device code, a pushed request and an ID token of realm a mean nothing', async () => {
    const pushed = await post('a', 'ext/par/request', {
      client_id: 'dc-ui',
      redirect_uri: 'http://localhost:3000/demo/callback',
      response_type: 'code',
      code_challenge: 'c'.repeat(43),
      code_challenge_method: 'S256',
    });
    const { id_token } = (await token('a', { ...george, scope: 'openid' })).json;
    const auth = (request_uri: string) =>
      createAgent(server.url).open(
        `${server.endpoint(realm, 'auth')}?${new URLSearchParams({ client_id: 'dc-ui', request_uri })}`,
      );

    const foreign = await auth(pushed.json.request_uri);
    const made = await auth(`urn:ietf:params:oauth:request_uri:${uuid}`);
    const logout = await createAgent(server.url).open(
      `${server.endpoint(realm, 'logout')}?id_token_hint=${id_token}`,
    );

    expect(foreign.status).toBe(made.status);
    expect(foreign.headers.get('location')).toBe(made.headers.get('location'));
    expect(logout.status).toBe(400);
  });
});

it('takes a client assertion for the realm that it names only', async () => {
  const send = async (realm: string, audience: string) =>
    token(realm, {
      grant_type: 'client_credentials',
      client_assertion_type: assertionType,
      client_assertion: await clientAssertion(key, 'by-key', audience),
    });

  const statuses = [
    (await send('a', server.issuer('a'))).status,
    (await send('b', server.issuer('a'))).status,
    (await send('b', server.endpoint('a', 'token'))).status,
  ];

  expect(statuses).toEqual([200, 401, 401]);
});

it('answers every address of a realm that is not there alike', async () => {
  const paths = ['', '/', '/nowhere', '/.well-known/openid-configuration', '/protocol/openid-connect/token'];

  const addresses = ['nowhere', 'a-', '-a', 'A', 'a%00', '..', '%2e%2e', 'a%2fb'].flatMap((realm) =>
    paths.map((path) => new URL(`${server.url}/realms/${realm}${path}`)),
  );

  // A client resolves `/realms/..` to the server's own page.
  const sent = addresses.filter(({ pathname }) => pathname !== '/');
  const answers = await Promise.all(sent.map(({ href }) => get(href)));

  const distinct = new Set(answers.map(({ status, text }) => `${status} ${text}`));
  expect([...distinct].filter((answer) => !answer.startsWith('404 '))).toEqual([]);
  expect(distinct).toContain('404 {"error":"Realm does not exist"}');
});
