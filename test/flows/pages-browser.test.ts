/** Whole flows in Chromium, by keyboard alone, on a narrow screen: what HTTP alone cannot tell. */
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { requestUrl } from '../support/authorization.ts';
import { launchChromium } from '../support/chromium.ts';
import { postForm } from '../support/http.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { type Site, startSite } from '../support/site.ts';
import { browserRealm } from './oidc-realm.ts';

let server: TestServer;
let browser: Browser;
/** Where the client sends people on after its callback. */
let destination: Site;
let client: Site;

beforeAll(async () => {
  destination = await startSite((request, response) => {
    response.setHeader('content-type', 'text/html');
    response.end(`<!doctype html><title>arrived</title><link rel="icon" href="data:,">${request.url}`);
  });
  client = await startSite((request, response) => {
    response.writeHead(302, { location: `${destination.origin}${request.url}` }).end();
  });
  const redirectUris = [`${client.origin}/callback`];
  const app = { public: true, grants: ['authorization_code', 'refresh_token'], redirectUris };
  const base = browserRealm();
  server = await startTestServer({
    realms: [
      browserRealm({
        clients: [
          ...base.clients,
          { id: 'shop', ...app, clientName: 'Shop', postLogoutRedirectUris: [`${client.origin}/bye`] },
        ],
      }),
    ],
  });
  browser = await launchChromium();
});
afterAll(async () => {
  await browser?.close();
  await server?.stop();
  await client?.stop();
  await destination?.stop();
});

let context: BrowserContext;
let page: Page;
let complaints: string[];

beforeEach(async () => {
  context = await browser.newContext({ viewport: { width: 320, height: 640 }, colorScheme: 'dark' });
  page = await context.newPage();
  page.setDefaultTimeout(90_000);
  complaints = [];
  page.on('console', (message) => {
    // Who types before the page has set its focus, as on a slow machine, hears of it as information.
    if (message.type() !== 'info') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('requestfailed', (request) => {
    const reason = request.failure()?.errorText;
    // An icon that was still loading when the person went on; what a policy blocks has a reason of its own.
    if (reason !== 'net::ERR_ABORTED') complaints.push(`${request.url()} ${reason}`);
  });
  return () => context.close();
});

const authorize = (params: Record<string, string> = {}) =>
  requestUrl(server, { clientId: 'shop', redirectUri: `${client.origin}/callback`, params }).href;

/** Tabs on until `text` is on what has the focus, then presses Enter. */
async function press(text: string): Promise<void> {
  for (let left = 40; left > 0; left -= 1) {
    const focused: unknown = await page.evaluate(
      "(document.activeElement?.innerText || document.activeElement?.value || '').trim()",
    );
    if (focused === text) {
      await Promise.all([page.waitForEvent('load'), page.keyboard.press('Enter')]);
      return;
    }
    await page.keyboard.press('Tab');
  }
  throw new Error(`no way to "${text}" by keyboard at ${page.url()}`);
}

async function typeIn(label: string, text: string): Promise<void> {
  for (let left = 40; left > 0; left -= 1) {
    const focused: unknown = await page.evaluate("document.activeElement?.labels?.[0]?.innerText ?? ''");
    if (focused === label) return page.keyboard.type(text);
    await page.keyboard.press('Tab');
  }
  throw new Error(`no field "${label}" by keyboard at ${page.url()}`);
}

/** Every page on the way: as wide as the screen, dark where that is wished, and with the focus to be seen. */
async function lookAt(heading: string): Promise<void> {
  await page.waitForLoadState();
  const seen = await page.evaluate(`({
    heading: document.querySelector('h1')?.innerText,
    width: document.documentElement.scrollWidth,
    isDark: getComputedStyle(document.body).backgroundColor.match(/[0-9]+/g).slice(0, 3).every((value) => value < 60),
    language: document.documentElement.lang,
  })`);
  expect(seen).toEqual({ heading, width: 320, isDark: true, language: 'en' });
}

async function signIn(password = 'my_password'): Promise<void> {
  await lookAt('Sign in');
  await page.keyboard.type('george.becker');
  await typeIn('Password', password);
  await press('Sign in');
}

describe('by keyboard, in the dark, on 320 pixels', () => {
  it('a person signs in, agrees, and gets where the client sends them on to', async () => {
    await page.goto(authorize({ scope: 'openid email reports:read' }));
    await signIn('wrong');
    expect(await page.title()).toContain('Problem');
    await typeIn('Password', 'my_password');
    await press('Sign in');
    await lookAt('Allow Shop?');

    await press('Allow');

    expect(new URL(page.url()).origin).toBe(destination.origin);
    expect(page.url()).toContain('code=');
    expect(complaints).toEqual([expect.stringContaining('400')]);
  });

  it('a person turns back, at the login and at the consent', async () => {
    await page.goto(authorize());
    await press('Cancel');
    const atLogin = page.url();
    await page.goto(authorize({ prompt: 'consent' }));
    await signIn();
    await press('Deny');

    expect(atLogin).toContain('error=access_denied');
    expect(page.url()).toContain('error=access_denied');
    expect(new URL(page.url()).origin).toBe(destination.origin);
    expect(complaints).toEqual([]);
  });

  it('a person is posted back to a client that wants a form', async () => {
    const url = requestUrl(server, {
      clientId: 'shop',
      redirectUri: `${client.origin}/callback`,
      params: { response_mode: 'form_post', prompt: 'consent' },
    });
    await page.goto(url.href);
    await signIn();

    await press('Allow');
    await page.waitForURL(`${destination.origin}/**`);

    expect(complaints).toEqual([]);
  });

  it('a person looks after the account', async () => {
    await page.goto(authorize({ prompt: 'consent' }));
    await signIn();
    await press('Allow');
    await page.goto(`${server.issuer('acme')}/account`);
    await lookAt('Your account');
    await press('Withdraw');
    await lookAt('Your account');
    const said = await page.locator('[role=status]').textContent();
    await typeIn('Current password', 'my_password');
    await typeIn('New password', 'a brand new one');
    await typeIn('Repeat the new password', 'a brand new one');
    await press('Change password');
    await lookAt('Your account');
    const changed = await page.locator('[role=status]').textContent();
    await typeIn('Current password', 'a brand new one');
    await typeIn('New password', 'my_password');
    await typeIn('Repeat the new password', 'my_password');
    await press('Change password');

    await press('Sign out');

    await lookAt('Sign in');
    expect(said).not.toBe('');
    expect(changed).not.toBe('');
    expect(complaints).toEqual([]);
  });

  it('a person signs out, and gets where the client sends them on to', async () => {
    await page.goto(`${server.issuer('acme')}/account`);
    await signIn();
    const query = new URLSearchParams({
      client_id: 'shop',
      post_logout_redirect_uri: `${client.origin}/bye`,
      state: 's',
    });
    await page.goto(`${server.endpoint('acme', 'logout')}?${query}`);
    await lookAt('Sign out?');

    await press('Sign out');

    expect(page.url()).toBe(`${destination.origin}/bye?state=s`);
    expect(complaints).toEqual([]);
  });

  it('a person lets a device in', async () => {
    const { json } = await postForm(server.endpoint('acme', 'auth/device'), {
      client_id: 'tv',
      scope: 'openid phone',
    });
    await page.goto(json.verification_uri_complete);
    await lookAt('Connect a device');
    await press('Continue');
    await lookAt('Is this your device?');
    await press('The codes match');
    await signIn();
    await lookAt('Allow Living Room TV?');

    await press('Allow');

    await lookAt('Device connected');
    expect(complaints).toEqual([]);
  });

  it('a person is told why a request cannot be', async () => {
    await page.goto(authorize({ redirect_uri: 'https://evil.example/' }));

    await lookAt('This link does not work');
    expect(complaints).toEqual([expect.stringContaining('400')]);
  });
});
