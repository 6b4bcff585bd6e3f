/** Keycloak's browser adapter, unmodified, in Chromium against the demo realm `globex`. */
import { readFileSync } from 'node:fs';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { launchChromium } from '../support/chromium.ts';
import { demoRealm, george } from '../support/demo.ts';
import { get } from '../support/http.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { type Site, startSite } from '../support/site.ts';

const adapter = readFileSync(new URL('../../node_modules/keycloak-js/lib/keycloak.js', import.meta.url));

let server: TestServer;
let browser: Browser;
/** The same site as the server for a browser, and another one. */
let near: Site;
let far: Site;

beforeAll(async () => {
  server = await startTestServer({ realms: [demoRealm('globex'), { name: 'plain' }] });
  near = await startApp('127.0.0.1');
  far = await startApp('localhost');
  browser = await launchChromium();
});
afterAll(async () => {
  await browser?.close();
  await server?.stop();
  await near?.stop();
  await far?.stop();
});

/** `window.options` come from the test; the outcome is `window.outcome`. */
function startApp(host: 'localhost' | '127.0.0.1'): Promise<Site> {
  const page = `<!doctype html><link rel="icon" href="data:,"><title>app</title><script type="module">
    import Keycloak from '/keycloak.js';
    window.keycloak = new Keycloak({ url: ${JSON.stringify(server.url)}, realm: 'globex', clientId: 'spa' });
    window.events = [];
    for (const name of ['onAuthSuccess', 'onAuthLogout', 'onAuthRefreshSuccess', 'onAuthError'])
      window.keycloak[name] = () => window.events.push(name);
    try { window.outcome = { authenticated: await window.keycloak.init(window.options) }; }
    catch (error) { window.outcome = { error: String(error?.error ?? error?.message ?? error) }; }
  </script>`;
  const silent = '<!doctype html><script>parent.postMessage(location.href, location.origin)</script>';
  return startSite((request, response) => {
    const { pathname } = new URL(request.url ?? '', 'http://app');
    const isScript = pathname === '/keycloak.js';
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
    if (isScript) response.end(adapter);
    else response.end(pathname === '/silent-check-sso.html' ? silent : page);
  }, host);
}

let context: BrowserContext;
let page: Page;
let complaints: string[];

beforeEach(async () => {
  context = await browser.newContext();
  page = await context.newPage();
  page.setDefaultTimeout(90_000);
  complaints = [];
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  return () => context.close();
});

type Outcome = { readonly authenticated?: boolean; readonly error?: string };

async function open(app: Site, options: Record<string, unknown>, at: Page = page): Promise<void> {
  await at.addInitScript(`window.options = ${JSON.stringify(options)}`);
  await at.goto(`${app.origin}/`);
}

const outcome = async (at: Page = page): Promise<Outcome> =>
  (await at.waitForFunction('window.outcome')).jsonValue() as Promise<Outcome>;

async function signIn(): Promise<void> {
  await page.getByLabel('Username').fill(george.username);
  await page.getByLabel('Password').fill(george.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

async function signedIn(app: Site, options: Record<string, unknown> = {}): Promise<void> {
  const scope = 'openid profile dashboards:read reports:read';
  await open(app, { onLoad: 'login-required', redirectUri: `${app.origin}/`, scope, ...options });
  await signIn();
  expect(await outcome()).toEqual({ authenticated: true });
}

describe.each([
  ['on the same site', () => near],
  ['on another site', () => far],
])('an application %s', (_name, app) => {
  it('signs in, reads the token, loads the user, refreshes, and signs out', async () => {
    await signedIn(app());
    const seen = await page.evaluate(`(async () => {
      const before = keycloak.token;
      const info = await keycloak.loadUserInfo();
      const refreshed = await keycloak.updateToken(-1);
      return {
        name: info.preferred_username,
        subject: keycloak.subject === info.sub,
        roles: keycloak.hasRealmRole('analyst') && keycloak.hasResourceRole('reports:read', 'analytics'),
        refreshed: refreshed && keycloak.token !== before,
        session: keycloak.sessionId === keycloak.idTokenParsed.sid,
        refreshable: keycloak.refreshTokenParsed.exp > Date.now() / 1000,
        events,
      };
    })()`);

    await page.evaluate(`void keycloak.logout({ redirectUri: ${JSON.stringify(`${app().origin}/`)} })`);
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();

    expect(seen).toEqual({
      name: george.username,
      subject: true,
      roles: true,
      refreshed: true,
      session: true,
      refreshable: true,
      events: ['onAuthSuccess', 'onAuthRefreshSuccess'],
    });
    expect(complaints).toEqual([]);
  });

  it('finds a session that is there without asking, and none where there is none', async () => {
    const options = {
      onLoad: 'check-sso',
      silentCheckSsoRedirectUri: `${app().origin}/silent-check-sso.html`,
      redirectUri: `${app().origin}/`,
    };
    await open(app(), options);
    const before = await outcome();
    await signedIn(app());
    const later = await context.newPage();
    later.setDefaultTimeout(90_000);

    await open(app(), options, later);

    expect(before).toEqual({ authenticated: false });
    expect(await outcome(later)).toEqual({ authenticated: true });
  });
});

describe('the session frame', () => {
  it('tells an application that the person has signed out elsewhere', async () => {
    await signedIn(near, { checkLoginIframe: true, checkLoginIframeInterval: 1 });
    const elsewhere = await context.newPage();
    elsewhere.setDefaultTimeout(90_000);
    await elsewhere.goto(`${server.issuer('globex')}/account`);
    await elsewhere.getByRole('button', { name: 'Sign out' }).click();

    // The adapter asks the person to sign in again, by itself.
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();

    expect(complaints).toEqual([]);
  });

  it('answers origins of the client only', async () => {
    const init = (clientId: string, origin: string, realm = 'globex') =>
      get(
        `${server.endpoint(realm, 'login-status-iframe.html')}/init?${new URLSearchParams({ client_id: clientId, origin })}`,
      );

    expect((await init('spa', 'http://localhost:4444')).status).toBe(204);
    expect((await init('spa', 'https://evil.example')).status).toBe(403);
    expect((await init('nobody', 'http://localhost:4444')).status).toBe(403);
    expect((await init('web', 'http://localhost:4444')).status).toBe(403);
    expect((await init('spa', 'http://localhost:4444', 'plain')).status).toBe(404);
  });

  it('is loaded by files only, and only where metadata says so', async () => {
    const keyed = await get(`${server.issuer('globex')}/.well-known/openid-configuration`);
    const plain = await get(`${server.issuer('plain')}/.well-known/openid-configuration`);
    const frame = await get(keyed.json.check_session_iframe);

    expect(frame.status).toBe(200);
    expect(frame.headers.get('content-security-policy')).toContain("default-src 'none'; script-src 'self'");
    expect(frame.headers.get('x-frame-options')).toBeNull();
    expect(frame.text).not.toMatch(/<script(?! src)/);
    expect(plain.json).not.toHaveProperty('check_session_iframe');
    for (const name of ['login-status-iframe.html', '3p-cookies/step2.html']) {
      expect((await get(server.endpoint('globex', name))).status).toBe(200);
      expect((await get(server.endpoint('plain', name))).status).toBe(404);
    }
  });

  it('learns from a cookie that is set on the way whether frames get any', async () => {
    const trial = await get(server.endpoint('globex', '3p-cookies/step1.html'));

    expect(trial.status).toBe(303);
    expect(trial.headers.get('location')).toBe(server.endpoint('globex', '3p-cookies/step2.html'));
    expect(trial.headers.get('set-cookie')).toBe('_third_party=yes; Max-Age=60; SameSite=lax');
    expect(trial.headers.get('cache-control')).toBe('no-store');
    expect((await get(server.endpoint('plain', '3p-cookies/step1.html'))).status).toBe(404);
  });
});

describe('what Keycloak has and we do not', () => {
  it('is not found: self-registration', async () => {
    expect((await get(server.endpoint('globex', 'registrations'))).status).toBe(404);
  });
});
