/** Keycloak's Node.js adapter, unmodified, on Express: guards an API, and signs people in. */
import { createRequire } from 'node:module';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { demoRealm, george } from '../support/demo.ts';
import { type App, type Loose, sessions, startExpress } from '../support/express-app.ts';
import { get, postForm } from '../support/http.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { createVisitor, signIn } from '../support/visitor.ts';

const require = createRequire(import.meta.url);
const Keycloak: Loose = require('keycloak-connect');

let server: TestServer;
let api: App;
let site: App;
/** The same API by the key that an operator copied from the realm's address. */
let offline: App;

beforeAll(async () => {
  api = await startExpress();
  site = await startExpress();
  offline = await startExpress();
  server = await startTestServer({
    realms: [demoRealm('globex', { 'localhost:3001': `localhost:${site.port}` })],
  });
  guard(api, configOf({}));
  const { json } = await get(server.issuer('globex'));
  guard(offline, configOf({ 'realm-public-key': json.public_key }));
  serveSite(site);
});
afterAll(async () => {
  await Promise.all([api, site, offline].map((app) => app?.stop()));
  await server?.stop();
});

const configOf = (more: Record<string, unknown>) => ({
  realm: 'globex',
  'auth-server-url': `${server.url}/`,
  'ssl-required': 'external',
  resource: 'web',
  'bearer-only': true,
  credentials: { secret: 'web-secret' },
  ...more,
});

function guard({ app }: App, config: object): void {
  const keycloak = new Keycloak({}, config);
  app.use(keycloak.middleware());
  // Not as 'analytics:reports:read': the adapter cuts that at its second colon.
  const mayRead = (token: Loose) => token.hasApplicationRole('analytics', 'reports:read');
  app.get('/reports', keycloak.protect(mayRead), (request: Loose, response: Loose) =>
    response.json({ who: request.kauth.grant.access_token.content.preferred_username }),
  );
  app.get('/admin', keycloak.protect('realm:realm-admin'), (_request: Loose, response: Loose) =>
    response.json({}),
  );
  app.get('/live', keycloak.protect(), async (request: Loose, response: Loose) => {
    const token = await keycloak.grantManager.validateAccessToken(request.kauth.grant.access_token);
    response.json({ isLive: token !== false });
  });
}

function serveSite({ app }: App): void {
  const config = configOf({ 'bearer-only': false, 'confidential-port': 0 });
  const keycloak = new Keycloak({ store: { get: () => undefined } }, config);
  app.use(sessions());
  app.use(keycloak.middleware({ logout: '/logout' }));
  app.get('/', keycloak.protect(), async (request: Loose, response: Loose) => {
    const info = await keycloak.grantManager.userInfo(request.kauth.grant.access_token);
    response.send(`<p>${info.sub === request.kauth.grant.id_token.content.sub ? 'same person' : ''}</p>`);
  });
}

async function tokenOf(scope: string): Promise<string> {
  const { json } = await postForm(server.endpoint('globex', 'token'), {
    grant_type: 'password',
    client_id: 'spa',
    scope,
    ...george,
  });
  return json.access_token;
}

const call = (app: App, path: string, token?: string) =>
  get(`${app.origin}${path}`, token === undefined ? {} : { authorization: `Bearer ${token}` });

describe.each([
  ['that fetches the keys', () => api],
  ['that was given the key', () => offline],
])('an API %s', (_name, app) => {
  it('lets in who has the permission', async () => {
    const token = await tokenOf('openid reports:read');

    expect(await call(app(), '/reports', token)).toMatchObject({
      status: 200,
      json: { who: george.username },
    });
  });

  it('keeps out who has not', async () => {
    const token = await tokenOf('openid dashboards:read');

    expect((await call(app(), '/reports', token)).status).toBe(403);
    expect((await call(app(), '/admin', token)).status).toBe(403);
    expect((await call(app(), '/reports')).status).toBe(403);
    expect((await call(app(), '/reports', `${token.slice(0, -4)}AAAA`)).status).toBe(403);
  });
});

describe('an API that asks about each token', () => {
  it('learns of a revocation at once', async () => {
    const token = await tokenOf('openid reports:read');
    const before = await call(api, '/live', token);
    await postForm(server.endpoint('globex', 'revoke'), { token, client_id: 'spa' });

    const after = await call(api, '/live', token);

    expect(before.json).toEqual({ isLive: true });
    expect(after.json).toEqual({ isLive: false });
  });

  it('may send its secret twice, but not two', async () => {
    const token = await tokenOf('openid');
    const form = { token, client_id: 'web', client_secret: 'another-secret' };

    const answer = await postForm(server.endpoint('globex', 'token/introspect'), form, {
      auth: ['web', 'web-secret'],
    });

    expect(answer.status).toBe(400);
  });
});

describe('a web application', () => {
  it('signs a person in and out', async () => {
    const visitor = createVisitor(server.url);
    const browser = createVisitor(site.origin);
    const sent = await browser.visit('/');
    const login = await visitor.open(sent.location ?? '');
    const back = await signIn(visitor, login, george);

    const page = await browser.open(back.location ?? '');
    const out = await browser.visit('/logout');
    const after = await visitor.open(out.location ?? '');

    expect(page.text).toBe('<p>same person</p>');
    expect(after.location?.href).toBe(`${site.origin}/`);
    expect((await visitor.open(`${server.issuer('globex')}/account`)).text).toContain('name="password"');
  });
});

describe('the adapter by itself', () => {
  it('gets tokens by password, refreshes them, and gets some of its own', async () => {
    const { grantManager } = new Keycloak({}, configOf({ 'bearer-only': false }));

    const grant = await grantManager.obtainDirectly(george.username, george.password);
    const before = grant.access_token.token;
    grant.access_token.content.exp = 1;
    const fresh = await grantManager.ensureFreshness(grant);
    const own = await grantManager.obtainFromClientCredentials();

    expect(fresh.access_token.token).not.toBe(before);
    expect(fresh.access_token.content.preferred_username).toBe(george.username);
    expect(own.access_token.content.azp).toBe('web');
  });
});
