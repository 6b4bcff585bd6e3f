/** oidc-client-ts, unmodified, in Chromium: by redirect, by popup and in a frame. */
import { readFileSync } from 'node:fs';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { browserRealm } from '../flows/oidc-realm.ts';
import { launchChromium } from '../support/chromium.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { type Site, startSite } from '../support/site.ts';
import { george } from '../support/visitor.ts';

const bundle = readFileSync(
  new URL('../../node_modules/oidc-client-ts/dist/browser/oidc-client-ts.js', import.meta.url),
);

let server: TestServer;
let browser: Browser;
let app: Site;

beforeAll(async () => {
  app = await startSite(serve, '127.0.0.1');
  const base = browserRealm();
  const client = {
    id: 'spa',
    public: true,
    grants: ['authorization_code', 'refresh_token'],
    redirectUris: [`${app.origin}/callback`, `${app.origin}/popup`, `${app.origin}/silent`],
    postLogoutRedirectUris: [`${app.origin}/`],
  };
  server = await startTestServer({ realms: [browserRealm({ clients: [...base.clients, client] })] });
  browser = await launchChromium();
});
afterAll(async () => {
  await browser?.close();
  await server?.stop();
  await app?.stop();
});

const serve: Parameters<typeof startSite>[0] = (request, response) => {
  const { pathname } = new URL(request.url ?? '', 'http://app');
  const isScript = pathname === '/oidc-client-ts.js';
  response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
  if (isScript) return response.end(bundle);
  const onLoad: Record<string, string> = {
    '/callback': "window.outcome = manager.signinRedirectCallback().then(() => 'signed in', String)",
    '/popup': 'manager.signinPopupCallback()',
    '/silent': 'manager.signinSilentCallback()',
  };
  return response.end(`<!doctype html><link rel="icon" href="data:,"><title>app</title>
    <script src="/oidc-client-ts.js"></script><script>
    const manager = new oidc.UserManager({
      authority: ${JSON.stringify(server.issuer('acme'))},
      client_id: 'spa',
      redirect_uri: '${app.origin}/callback',
      popup_redirect_uri: '${app.origin}/popup',
      silent_redirect_uri: '${app.origin}/silent',
      post_logout_redirect_uri: '${app.origin}/',
      scope: 'openid email reports:read',
      loadUserInfo: true,
      userStore: new oidc.WebStorageStateStore({ store: localStorage }),
    });
    ${onLoad[pathname] ?? ''}
  </script>`);
};

let context: BrowserContext;
let page: Page;
let complaints: string[];

beforeEach(async () => {
  context = await browser.newContext();
  page = await context.newPage();
  page.setDefaultTimeout(90_000);
  complaints = [];
  context.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  return () => context.close();
});

async function signIn(at: Page): Promise<void> {
  await at.getByLabel('Username').fill(george.username);
  await at.getByLabel('Password').fill(george.password);
  await at.getByRole('button', { name: 'Sign in' }).click();
  const allow = at.getByRole('button', { name: 'Allow' });
  const no = () => false;
  const isAsked = await Promise.race([
    allow.waitFor().then(() => true, no),
    at.waitForURL(`${app.origin}/**`).then(no, no),
    at.waitForEvent('close').then(no, no),
  ]);
  if (isAsked) await allow.click();
}

async function byRedirect(): Promise<void> {
  await page.goto(`${app.origin}/`);
  await page.evaluate('void manager.signinRedirect()');
  await signIn(page);
  await page.waitForURL(`${app.origin}/callback?**`);
  expect(await page.evaluate('window.outcome')).toBe('signed in');
}

const profile =
  'manager.getUser().then((user) => user && { email: user.profile.email, isExpired: user.expired })';
const someone = { email: 'george@acme.test', isExpired: false };

describe('oidc-client-ts', () => {
  it('signs in by redirect, renews by refresh token, and signs out', async () => {
    await byRedirect();
    const user = await page.evaluate(profile);
    const renewed = await page.evaluate(`manager.getUser().then(async (before) => {
      const after = await manager.signinSilent();
      return after.access_token !== before.access_token && after.profile.sub === before.profile.sub;
    })`);
    await page.evaluate('void manager.signoutRedirect()');
    await page.waitForURL(`${app.origin}/`);

    expect(user).toEqual(someone);
    expect(renewed).toBe(true);
    expect(complaints).toEqual([]);
  });

  it('signs in again in a frame where the person is signed in already', async () => {
    await byRedirect();
    await page.evaluate('manager.removeUser()');

    const user = await page.evaluate(`manager.signinSilent().then(() => ${profile})`);

    expect(user).toEqual(someone);
    expect(complaints).toEqual([]);
  });

  it('signs in by popup: the window that asked gets the answer', async () => {
    await page.goto(`${app.origin}/`);
    const opened = page.waitForEvent('popup');
    const done = page.evaluate(`manager.signinPopup().then(() => ${profile}, String)`);
    const popup = await opened;
    await popup.getByRole('heading', { name: 'Sign in' }).waitFor();
    const isTied = await popup.evaluate('window.opener !== null');
    await signIn(popup);

    expect(await done).toEqual(someone);
    // Other libraries answer by the opener alone.
    expect(isTied).toBe(true);
    expect(complaints).toEqual([]);
  });
});
