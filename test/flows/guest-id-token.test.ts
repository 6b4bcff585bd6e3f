/** An ID token as the subject of an exchange: what is made from it hangs where the login does, and dies with it. */
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { obtain, type Tokens } from '../support/authorization.ts';
import { type Answer, postForm } from '../support/http.ts';
import { george } from '../support/realms.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { createVisitor } from '../support/visitor.ts';
import { detail, EXCHANGE, guestRealm, ID_TOKEN, mints } from './guest-support.ts';

const portal = ['portal', 'portal-secret'] as const;
const callback = 'http://localhost:3000/demo/callback';
const REFUSED = {
  status: 400,
  json: {
    error: 'invalid_request',
    error_description: 'subject_token is not active or not yours to exchange',
  },
};

let server: TestServer;
beforeAll(async () => {
  const more = {
    portal: { mints: { ...mints, subjectsFrom: ['dc-ui', 'second'] } },
    clients: [
      {
        id: 'second',
        public: true,
        firstParty: true,
        grants: ['password', 'authorization_code', 'refresh_token'],
        redirectUris: [callback],
      },
    ],
  };
  server = await startTestServer({
    realms: [guestRealm({}, more), guestRealm({ name: 'keyed', profile: 'keycloak' }, more)],
  });
});
afterAll(() => server?.stop());

type Login = Record<string, string>;

async function logIn(realm: string, form: Record<string, string> = {}): Promise<Login> {
  return (await postForm(server.endpoint(realm, 'token'), { ...george, scope: 'openid', ...form })).json;
}

function exchange(realm: string, idToken = ''): Promise<Answer> {
  return postForm(
    server.endpoint(realm, 'token'),
    {
      grant_type: EXCHANGE,
      subject_token: idToken,
      subject_token_type: ID_TOKEN,
      authorization_details: JSON.stringify([detail({ rows: 'all' })]),
    },
    { auth: portal },
  );
}

async function introspect(realm: string, token: string): Promise<unknown> {
  const auth = ['gateway', 'gateway-secret'] as const;
  return (await postForm(server.endpoint(realm, 'token/introspect'), { token }, { auth })).json;
}

const ends: readonly (readonly [string, (realm: string, login: Login) => Promise<unknown>])[] = [
  [
    'its session was ended',
    (realm, { refresh_token = '' }) =>
      postForm(server.endpoint(realm, 'logout'), { client_id: 'dc-ui', refresh_token }),
  ],
  [
    'its grant was revoked',
    (realm, { refresh_token = '' }) =>
      postForm(server.endpoint(realm, 'revoke'), { client_id: 'dc-ui', token: refresh_token }),
  ],
];

describe.each(['acme', 'keyed'])('an ID token of %s', (realm) => {
  it.each(ends)('is refused when %s, as any other dead token', async (_when, end) => {
    const login = await logIn(realm);
    const before = await exchange(realm, login['id_token']);
    await end(realm, login);

    const after = await exchange(realm, login['id_token']);

    expect(before.status).toBe(200);
    expect(after).toMatchObject(REFUSED);
  });

  it.each(ends)('gives a guest that dies when %s', async (_when, end) => {
    const login = await logIn(realm);
    const { json } = await exchange(realm, login['id_token']);
    await end(realm, login);

    expect(await introspect(realm, json.access_token)).toEqual({ active: false, guest_reason: 'revoked' });
  });

  it('lives on when another session of the same person ends', async () => {
    const [one, two] = [await logIn(realm), await logIn(realm)];
    const { json } = await exchange(realm, one['id_token']);
    for (const [, end] of ends) await end(realm, two);

    expect(await introspect(realm, json.access_token)).toMatchObject({ active: true });
    expect((await exchange(realm, one['id_token'])).status).toBe(200);
  });

  it('is refused too when it came by refreshing', async () => {
    const login = await logIn(realm);
    const form = {
      grant_type: 'refresh_token',
      client_id: 'dc-ui',
      refresh_token: login['refresh_token'] ?? '',
    };
    const { json } = await postForm(server.endpoint(realm, 'token'), form);
    await ends[0]?.[1](realm, json);

    expect(await exchange(realm, json.id_token)).toMatchObject(REFUSED);
  });
});

describe('a session that a browser holds', () => {
  const walkIn = (clientId: string, visitor = createVisitor(server.url)): Promise<Tokens> =>
    obtain(server, { clientId, redirectUri: callback, visitor });

  it('has another name for each client, which finds the same session', async () => {
    const one = await walkIn('dc-ui');
    const two = await walkIn('second', one.visitor);
    const guests = await Promise.all([one, two].map(({ json }) => exchange('acme', json.id_token)));
    const { visitor } = one;
    await visitor.submit(await visitor.open('/realms/acme/account'), {}, '/end-session');

    const [first, second] = [one, two].map(({ json }) => decodeJwt(json.id_token)['sid']);
    const answers = guests.map(({ json }) => introspect('acme', json.access_token));
    expect(first).toMatch(/^[\w-]{75}$/);
    expect(second).toMatch(/^[\w-]{75}$/);
    expect(second).not.toBe(first);
    expect(await Promise.all(answers)).toEqual(
      guests.map(() => ({ active: false, guest_reason: 'revoked' })),
    );
    expect(await exchange('acme', two.json.id_token)).toMatchObject(REFUSED);
  });

  it('keeps its name while it lasts', async () => {
    const one = await walkIn('dc-ui');
    const again = await walkIn('dc-ui', one.visitor);

    expect(decodeJwt(again.json.id_token)['sid']).toBe(decodeJwt(one.json.id_token)['sid']);
  });
});

it('is refused for being dead before anything else is said of the request', async () => {
  const login = await logIn('acme');
  await ends[0]?.[1]('acme', login);

  const answer = await postForm(
    server.endpoint('acme', 'token'),
    {
      grant_type: EXCHANGE,
      subject_token: login['id_token'] ?? '',
      subject_token_type: ID_TOKEN,
      authorization_details: JSON.stringify([detail({ datatypes: ['dataset'] })]),
    },
    { auth: portal },
  );

  expect(answer).toMatchObject(REFUSED);
});
