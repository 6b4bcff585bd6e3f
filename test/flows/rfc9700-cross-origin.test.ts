/** RFC 9700 §2.6: which pages may read answers. Registered origins only, never whoever asks, nobody at /auth. */
import { describe, expect, it } from 'vitest';
import { type Answer, get, postForm } from '../support/http.ts';
import { acme, gateway, george } from '../support/realms.ts';
import { useServer } from '../support/use-server.ts';

const app = 'https://app.acme.test';
const evil = 'https://evil.example';
const byRedirect = 'http://localhost:3000';

const contents = acme({
  registration: { open: true },
  clients: [
    ...acme().clients,
    { id: 'spa', public: true, grants: ['password', 'refresh_token'], cors: [app] },
    {
      id: 'native',
      public: true,
      applicationType: 'native',
      grants: ['password'],
      redirectUris: ['http://127.0.0.1/callback', 'com.example.app:/callback'],
    },
  ],
});

const server = useServer({
  realms: [
    { ...contents, name: 'strict' },
    { ...contents, name: 'keycloak', profile: 'keycloak' },
    acme({ name: 'elsewhere' }),
  ],
});

const url = (path: string, realm = 'strict') => `${server.issuer(realm)}${path}`;
const base = '/protocol/openid-connect';

async function preflight(address: string, origin: string, method = 'POST'): Promise<Answer> {
  const response = await fetch(address, {
    method: 'OPTIONS',
    headers: {
      origin,
      'access-control-request-method': method,
      'access-control-request-headers': 'authorization, dpop, x-evil',
    },
  });
  return { status: response.status, headers: response.headers, text: await response.text(), json: {} };
}

const allowed = ({ headers }: Answer) => headers.get('access-control-allow-origin');
const withCredentials = ({ headers }: Answer) => headers.get('access-control-allow-credentials');

/** Where pages that hold guest tokens ask too. */
const forHolders = [`${base}/token`, `${base}/revoke`] as const;
const forClients = [
  [`${base}/userinfo`, 'GET'],
  [`${base}/logout`, 'POST'],
  [`${base}/ext/par/request`, 'POST'],
  [`${base}/auth/device`, 'POST'],
  ['/clients-registrations/openid-connect', 'POST'],
  ['/clients-registrations/openid-connect/spa', 'PUT'],
] as const;
const forNobody = [
  `${base}/auth`,
  `${base}/token/introspect`,
  `${base}/ext/ciba/auth`,
  '/device',
  '/account',
  '/nowhere',
];
const forAnybody = [
  '',
  '/.well-known/openid-configuration',
  '/.well-known/oauth-authorization-server',
  `${base}/certs`,
];

describe('a preflight', () => {
  it.each(forClients)('at %s is answered for registered origins only', async (path, method) => {
    const [known, derived, unknown, none] = await Promise.all(
      [app, byRedirect, evil, 'null'].map((origin) => preflight(url(path), origin, method)),
    );

    expect([known, derived].map((answer) => answer && [answer.status, allowed(answer)])).toEqual([
      [204, app],
      [204, byRedirect],
    ]);
    expect([unknown, none].map((answer) => answer && allowed(answer))).toEqual([null, null]);
    expect(known?.headers.get('access-control-allow-methods')).toContain(method);
    expect(known?.headers.get('access-control-allow-headers')).toMatch(/authorization/i);
    expect(known?.headers.get('access-control-allow-headers')).not.toContain('evil');
    expect(known?.headers.get('vary')).toMatch(/origin/i);
  });

  it.each(forHolders)('at %s lets pages of any origin ask, without credentials', async (path) => {
    for (const realm of ['strict', 'keycloak']) {
      const [known, ...others] = await Promise.all(
        [app, evil, 'null'].map((origin) => preflight(url(path, realm), origin)),
      );

      expect(known && [known.status, allowed(known)]).toEqual([204, app]);
      expect(known?.headers.get('access-control-allow-headers')).toMatch(/authorization.*dpop/i);
      for (const answer of others) {
        expect([answer.status, allowed(answer), withCredentials(answer)]).toEqual([204, '*', null]);
        expect(answer.headers.get('access-control-allow-methods')).toBe('POST');
        expect(answer.headers.get('access-control-allow-headers')).toBe('Accept, Content-Type, DPoP');
        expect(answer.headers.get('vary')).toMatch(/origin/i);
      }
    }
  });

  it.each(forNobody)('at %s is answered for nobody', async (path) => {
    expect(allowed(await preflight(url(path), app))).toBeNull();
  });

  it.each([
    'https://app.acme.test.evil.example',
    'http://app.acme.test',
    'https://app.acme.test:8443',
    'https://sub.app.acme.test',
    'https://app.acme.test/',
    'HTTPS://APP.ACME.TEST',
    'com.example.app:',
    'https://',
    '*',
  ])('does not take %s for the registered origin', async (origin) => {
    expect(allowed(await preflight(url(`${base}/userinfo`), origin))).toBeNull();
  });

  it('knows any port of a native client’s loopback address, and no other host', async () => {
    const origins = [
      'http://127.0.0.1:4711',
      'http://127.0.0.1',
      'http://127.0.0.2:4711',
      'https://127.0.0.1:4711',
    ];

    const answers = await Promise.all(origins.map((origin) => preflight(url(`${base}/userinfo`), origin)));

    expect(answers.map(allowed)).toEqual([origins[0], origins[1], null, null]);
  });

  it('knows only the origins of its own realm', async () => {
    expect(allowed(await preflight(url(`${base}/userinfo`, 'elsewhere'), app))).toBeNull();
  });

  it('follows the clients: a new origin counts at once, one that is gone does not', async () => {
    const { registry } = server.services;
    const origin = 'https://new.acme.test';
    const ask = async () => allowed(await preflight(url(`${base}/userinfo`), origin));
    const before = await ask();

    await registry.createClient('strict', { id: 'one', public: true, cors: [origin] });
    await registry.createClient('strict', { id: 'two', public: true, cors: [origin] });
    const added = await ask();
    await registry.updateClient('strict', 'one', (client) => ({ ...client, cors: [] }));
    const oneLeft = await ask();
    await registry.removeClient('strict', 'two');

    expect([before, added, oneLeft, await ask()]).toEqual([null, origin, origin, null]);
  });

  it('allows credentials in keycloak realms, for registered origins', async () => {
    const answers = await Promise.all([
      preflight(url(`${base}/userinfo`, 'keycloak'), app),
      preflight(url(`${base}/userinfo`, 'keycloak'), evil),
      preflight(url(`${base}/userinfo`), app),
    ]);

    expect(answers.map(withCredentials)).toEqual(['true', null, null]);
  });
});

describe('an answer', () => {
  const login = (origin: string | undefined, form: Record<string, string>, realm = 'strict') =>
    postForm(url(`${base}/token`, realm), form, { headers: origin === undefined ? {} : { origin } });
  const spa = { ...george, client_id: 'spa', scope: 'openid' };

  it('can be read by the origins of its client', async () => {
    const answers = await Promise.all([login(app, spa), login(byRedirect, george), login(undefined, spa)]);

    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(answers.map(allowed)).toEqual([app, byRedirect, null]);
    expect(answers[0]?.headers.get('access-control-expose-headers')).toContain('WWW-Authenticate');
  });

  it('is refused to the origins of other clients, and to strangers', async () => {
    const answers = await Promise.all([login(byRedirect, spa), login(evil, spa), login('null', spa)]);

    expect(answers.map(({ status, json }) => [status, json.error])).toEqual(
      answers.map(() => [400, 'invalid_request']),
    );
    expect(answers.map(allowed)).toEqual([null, null, null]);
  });

  it('tells a registered page also what went wrong', async () => {
    const wrong = { ...spa, password: 'other_password' };

    const answers = await Promise.all([
      login(app, wrong),
      login(app, { ...spa, client_id: 'nobody' }),
      login(app, {}),
      login(evil, { ...spa, client_id: 'nobody' }),
      login(evil, {}),
    ]);

    expect(answers.map(allowed)).toEqual([app, app, app, null, null]);
  });

  it('of userinfo can be read by the origins of the token’s client', async () => {
    const { access_token } = (await login(undefined, spa)).json;
    const ask = (origin: string) =>
      get(url(`${base}/userinfo`), { authorization: `Bearer ${access_token}`, origin });

    const answers = [await ask(app), await ask(byRedirect), await ask(evil)];

    expect(answers.map((answer) => [answer.status, allowed(answer)])).toEqual([
      [200, app],
      [400, null],
      [400, null],
    ]);
  });

  it('comes with credentials in keycloak realms', async () => {
    const answers = await Promise.all([
      login(app, spa, 'keycloak'),
      login(app, { ...spa, password: 'x' }, 'keycloak'),
      login(evil, spa, 'keycloak'),
      login(app, spa),
    ]);

    expect(answers.map(withCredentials)).toEqual(['true', 'true', null, null]);
  });

  it.each(forAnybody)('that is public anyway (%s) is open, without naming anybody', async (path) => {
    for (const realm of ['strict', 'keycloak']) {
      const answer = await get(url(path, realm), { origin: evil });

      expect([answer.status, allowed(answer), withCredentials(answer)]).toEqual([200, '*', null]);
    }
  });

  it('of introspection cannot be read by any page', async () => {
    const answer = await postForm(
      url(`${base}/token/introspect`),
      { token: 'x' },
      { auth: gateway, headers: { origin: app } },
    );

    expect(allowed(answer)).toBeNull();
  });

  it('of the authorization endpoint cannot be read by any page', async () => {
    const answer = await get(`${url(`${base}/auth`)}?client_id=dc-ui`, { origin: byRedirect });

    expect(allowed(answer)).toBeNull();
  });
});
