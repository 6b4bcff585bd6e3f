/** The page of an opener in a real browser: what it tells the page around it, and what it shows. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { launchChromium } from '../support/chromium.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { type Site, startSite } from '../support/site.ts';
import { call, grant, guestRealm, introspect } from './guest-support.ts';

let server: TestServer;
let site: Site;
let other: Site;
let browser: Browser;
const pages: Page[] = [];

beforeAll(async () => {
  server = await startTestServer({
    realms: [guestRealm({ guests: { allowLocalhostOrigins: true, minTtl: 1 } })],
  });
  const host = (): Promise<Site> =>
    startSite((_request, response) => {
      response.setHeader('content-type', 'text/html');
      response.end('<!doctype html><title>host</title>');
    });
  [site, other] = await Promise.all([host(), host()]);
  browser = await launchChromium();
});
afterEach(async () => {
  for (const page of pages.splice(0)) await page.close();
});
afterAll(async () => {
  await browser?.close();
  await site?.stop();
  await other?.stop();
  await server?.stop();
});

type Message = {
  readonly type: string;
  readonly protocol: number;
  readonly token: string;
  readonly expires_in: number;
  readonly reason: string;
  readonly proof: string;
};

async function opener(overrides: Record<string, unknown> = {}): Promise<string> {
  const body = grant({ binding: { origins: [site.origin] }, ...overrides });
  const { json } = await call(server, 'POST', '/guest-tokens/openers', body);
  return json.url;
}

/** A page of the host that remembers every message that comes. `ahead`: what its clock is off by, in ms. */
async function hostPage({ at = site, ahead = 0, locale = 'en' } = {}): Promise<Page> {
  const context = await browser.newContext({ locale });
  const page = await context.newPage();
  page.setDefaultTimeout(90_000);
  pages.push(page);
  await context.addInitScript((off) => {
    const { now } = Date;
    Date.now = () => now() + off;
    const heard: unknown[] = [];
    Object.assign(globalThis, { heard });
    addEventListener('message', ({ data }) => heard.push(data));
  }, ahead);
  await page.goto(at.origin);
  return page;
}

async function frame(page: Page, url: string): Promise<void> {
  await page.evaluate((address) => {
    const element = document.createElement('iframe');
    element.src = address;
    document.body.append(element);
  }, url);
}

const heard = (page: Page): Promise<Message[]> =>
  page.evaluate(() => (globalThis as unknown as { heard: Message[] }).heard);
async function next(page: Page, type: string, index = 0): Promise<Message> {
  const found = async () => (await heard(page)).filter((message) => message.type === type)[index];
  await expect.poll(found, { timeout: 60_000 }).toBeDefined();
  const message = await found();
  if (message === undefined) throw new Error(`no ${type}`);
  return message;
}

/** Sends a message into the frame that was added last. */
async function send(page: Page, message: object): Promise<void> {
  await page.evaluate((data) => {
    const frames = [...document.querySelectorAll('iframe')];
    frames.at(-1)?.contentWindow?.postMessage(data, '*');
  }, message);
}

const seen = { htm: 'GET', htu: 'https://bi.acme.test/data' };

describe('in a frame of an origin that the token is for', () => {
  it('gives the token and proofs of its key', async () => {
    const page = await hostPage();
    await frame(page, await opener());

    const { token, protocol, expires_in: life } = await next(page, 'daypass:token');
    await send(page, { type: 'daypass:proof', id: 1, ...seen });
    const { proof: dpop } = await next(page, 'daypass:proof');

    expect(protocol).toBe(1);
    expect(life).toBeGreaterThan(0);
    const answer = await introspect(server, token, { ...seen, origin: site.origin, dpop });
    expect(answer.json).toMatchObject({ active: true, tenant: 'blue' });
  });

  it('says it again to who asks', async () => {
    const page = await hostPage();
    await frame(page, await opener());
    const { token } = await next(page, 'daypass:token');

    await send(page, { type: 'daypass:ask' });

    expect(await next(page, 'daypass:token', 1)).toMatchObject({ token, protocol: 1 });
  });

  it('refreshes the token before it ends, again and again, and proves the newest', async () => {
    const page = await hostPage();
    await frame(page, await opener({ lifetime: { ttl: 10, refresh: { allowed: true } } }));
    const first = await next(page, 'daypass:token');

    const second = await next(page, 'daypass:refreshed');
    await send(page, { type: 'daypass:proof', id: 1, ...seen });
    const { proof: dpop } = await next(page, 'daypass:proof');

    expect(second.token).not.toBe(first.token);
    const answer = await introspect(server, second.token, { ...seen, origin: site.origin, dpop });
    expect(answer.json).toMatchObject({ active: true });
  });

  it('works and refreshes where the clock of the device is an hour fast', async () => {
    const page = await hostPage({ ahead: 3_600_000 });
    await frame(page, await opener({ lifetime: { ttl: 10, refresh: { allowed: true } } }));

    expect((await next(page, 'daypass:token')).token).toMatch(/^dpg_/);
    expect((await next(page, 'daypass:refreshed')).token).toMatch(/^dpg_/);
  });

  it('says that it was used already, to the page and to the person', async () => {
    const [url, first, second] = [await opener(), await hostPage(), await hostPage()];
    await frame(first, url);
    await next(first, 'daypass:token');

    await frame(second, url);

    expect(await next(second, 'daypass:error')).toMatchObject({ reason: 'spent', protocol: 1 });
    await second.frameLocator('iframe').getByText('This link was used already').waitFor();
    await send(second, { type: 'daypass:ask' });
    expect(await next(second, 'daypass:error', 1)).toMatchObject({ reason: 'spent' });
  });

  it('says that it was revoked', async () => {
    const url = await opener({ label: 'gone' });
    await call(server, 'POST', '/guest-tokens/revoke', { label: 'gone' });
    const page = await hostPage();

    await frame(page, url);

    expect(await next(page, 'daypass:error')).toMatchObject({ reason: 'expired' });
  });

  it('says when the visit ends', async () => {
    const page = await hostPage({ locale: 'de' });
    await frame(page, await opener({ lifetime: { ttl: 10 } }));
    await next(page, 'daypass:token');

    expect(await next(page, 'daypass:error')).toMatchObject({ reason: 'expired' });
    await page.frameLocator('iframe').getByText('Ihr Besuch ist zu Ende').waitFor();
  });

  it('says nothing of another origin, and is not shown there', async () => {
    const page = await hostPage({ at: other });
    const url = await opener();

    await frame(page, url);
    await expect
      .poll(() => page.frames().map((one) => one.url()))
      .toContainEqual(expect.stringMatching(/^chrome-error:/));

    expect(await heard(page)).toEqual([]);
    const here = await hostPage();
    await frame(here, url);
    expect((await next(here, 'daypass:token')).token).toMatch(/^dpg_/);
  });
});

describe('outside of a frame', () => {
  it('spends nothing by itself in a tab, and says what it is', async () => {
    const url = await opener();
    const alone = await hostPage();

    await alone.goto(url);
    await alone.getByText('This is part of another page').waitFor();

    const page = await hostPage();
    await frame(page, url);
    expect((await next(page, 'daypass:token')).token).toMatch(/^dpg_/);
  });

  it('gives the token to the page that opened a window', async () => {
    const page = await hostPage();

    await page.evaluate(
      (address) => {
        window.open(address);
      },
      await opener(),
    );

    expect((await next(page, 'daypass:token')).token).toMatch(/^dpg_/);
  });

  it('spends nothing in a window that another origin opened', async () => {
    const [url, page] = [await opener(), await hostPage({ at: other })];
    const [popup] = await Promise.all([
      page.waitForEvent('popup'),
      page.evaluate((address) => {
        Object.assign(globalThis, { opened: window.open(address) });
      }, url),
    ]);

    await popup.getByText('This page may not use the link').waitFor();
    await page.evaluate(() => {
      (globalThis as unknown as { opened: Window }).opened.postMessage({ type: 'daypass:ask' }, '*');
    });

    expect(await next(page, 'daypass:error')).toMatchObject({ reason: 'origin' });
    const here = await hostPage();
    await frame(here, url);
    expect((await next(here, 'daypass:token')).token).toMatch(/^dpg_/);
  });
});
