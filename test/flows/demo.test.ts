import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { launchChromium } from '../support/chromium.ts';
import { get } from '../support/http.ts';
import { type Demo, mint, startDemo } from './demo-support.ts';

let demo: Demo;
let browser: Browser;

beforeAll(async () => {
  [demo, browser] = await Promise.all([startDemo(), launchChromium()]);
});

afterAll(async () => {
  await browser.close();
  await demo.stop();
});

/** A page, with what the browser complains of and every request it makes. */
async function openPage() {
  const page = await browser.newPage();
  page.setDefaultTimeout(90_000);
  onTestFinished(() => page.close());
  const complaints: string[] = [];
  const requests: { url: string; referer: string | undefined }[] = [];
  page.on('console', (message) => {
    // Who types before the page has set its focus, as on a slow machine, hears of it as information.
    if (message.type() !== 'info') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('request', (request) =>
    requests.push({ url: request.url(), referer: request.headers()['referer'] }),
  );
  return { page, complaints, requests };
}

async function openPortal() {
  const opened = await openPage();
  await opened.page.goto(`${demo.url}/demo`);
  await opened.page.getByText('Live').nth(1).waitFor();
  return { ...opened, blue: frameOf(opened.page, 'Blue Ltd'), green: frameOf(opened.page, 'Green GmbH') };
}

type Frame = ReturnType<Page['frameLocator']>;

function frameOf(page: Page, customer: string): Frame {
  return page.frameLocator(`iframe[title="Sales dashboard of ${customer}"]`);
}

function tenantsIn(frame: Frame): Promise<string[]> {
  return frame.locator('#rows td:nth-child(4)').allTextContents();
}

const refresh = (frame: Frame) => frame.getByRole('button', { name: 'Refresh' }).click();

describe('the customer portal, in a browser', () => {
  it('shows each customer their own rows, and has nothing to complain of', async () => {
    const { blue, green, complaints } = await openPortal();

    expect(await tenantsIn(blue)).toEqual(Array(12).fill('blue'));
    expect(await tenantsIn(green)).toEqual(Array(12).fill('green'));
    expect(complaints).toEqual([]);
  });

  it('says the values of the chart in words', async () => {
    const { blue } = await openPortal();

    const name = await blue.getByRole('img').getAttribute('aria-label');

    expect(name).toMatch(/^Revenue by month: Jan €7\.4K, Feb €8\.4K, .*Jun €15\.5K$/);
  });

  it('keeps tokens out of every address', async () => {
    const { requests } = await openPortal();

    expect(requests.filter(({ url }) => url.includes('/demo/api/orders'))).not.toEqual([]);
    expect(requests.filter(({ url }) => /dp[agr]_/.test(url))).toEqual([]);
  });

  it('turns one frame dark when its pass is taken back, and leaves the other alone', async () => {
    const { page, blue, green, complaints } = await openPortal();
    await page.getByRole('button', { name: 'Revoke the pass of Green GmbH' }).click();
    await page.getByRole('button', { name: 'Give Green GmbH access again' }).waitFor();

    const queried = page.waitForResponse((answer) => answer.status() === 200 && /orders$/.test(answer.url()));
    await Promise.all([refresh(blue), queried]);
    await green.getByRole('heading', { name: 'Access was withdrawn' }).waitFor();
    await page.getByText('Withdrawn').waitFor();

    expect(await tenantsIn(green)).toEqual([]);
    expect(await green.getByText('revoked').textContent()).toBe('401 invalid_token · revoked');
    expect(await tenantsIn(blue)).toEqual(Array(12).fill('blue'));
    // The browser itself reports the one refusal, and nothing else.
    expect(complaints).toEqual([expect.stringContaining('status of 401')]);
  });

  it('lights it up again with a new pass', async () => {
    const { page, green } = await openPortal();
    await page.getByRole('button', { name: 'Revoke the pass of Green GmbH' }).click();
    await green.getByRole('heading', { name: 'Access was withdrawn' }).waitFor();

    await page.getByRole('button', { name: 'Give Green GmbH access again' }).click();
    await green.getByRole('heading', { name: 'Sales' }).waitFor();

    expect(await tenantsIn(green)).toEqual(Array(12).fill('green'));
  });

  it('exports what the frame shows', async () => {
    const { page, green } = await openPortal();

    const [download] = await Promise.all([
      page.waitForEvent('download'),
      green.getByRole('button', { name: 'Export CSV' }).click(),
    ]);

    expect(download.suggestedFilename()).toBe('orders.csv');
  });

  it.each([
    ['light', 390],
    ['light', 1280],
    ['dark', 390],
    ['dark', 1280],
  ] as const)('fits a %s window of %i pixels', async (colorScheme, width) => {
    const { page } = await openPortal();
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height: 844 });

    const widths = await Promise.all(
      page.frames().map((frame) => frame.evaluate('document.documentElement.scrollWidth - innerWidth')),
    );

    expect(widths).toEqual([0, 0, 0]);
  });

  it('takes no pass from another origin', async () => {
    const { page, requests } = await openPage();
    await page.goto(`${demo.url}/demo/embed`);

    await page.evaluate(`dispatchEvent(new MessageEvent('message', {
      data: { type: 'daypass:pass', token: 'x' }, origin: 'https://evil.example', source: window,
    }))`);
    await page.evaluate("fetch('/demo/later').then(() => 0)");

    expect(requests.at(-1)?.url).toBe(`${demo.url}/demo/later`);
    expect(requests.filter(({ url }) => url.includes('/demo/api/'))).toEqual([]);
  });
});

describe('the pages of the demo', () => {
  it.each([
    ['', "'none'"],
    ['/embed', "'self'"],
    ['/report', '*'],
    ['/callback', "'none'"],
  ])('/demo%s loads only what is ours, and may be framed by %s', async (path, framedBy) => {
    const { status, headers, text } = await get(`${demo.url}/demo${path}`);

    expect({
      status,
      policy: headers.get('content-security-policy'),
      referrer: headers.get('referrer-policy'),
      inline: text.match(/<script(?![^>]* src=)|<style| style=| on\w+=/g),
    }).toEqual({
      status: 200,
      policy: `default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; frame-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors ${framedBy}`,
      referrer: 'no-referrer',
      inline: null,
    });
  });

  it('sign a person in with a code and PKCE', async () => {
    const { page, complaints } = await openPage();
    await page.goto(`${demo.url}/demo/callback`);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByLabel('Username').fill('george.becker');
    await page.getByLabel('Password').fill('my_password');
    await page.keyboard.press('Enter');

    await page.getByRole('heading', { name: 'Hello, George Becker' }).waitFor();

    expect(page.url()).toBe(`${demo.url}/demo/callback`);
    expect(await page.getByText('dashboards:read').textContent()).toContain('openid');
    expect(complaints).toEqual([]);
  });

  it('exchange no code that comes without a verifier of theirs', async () => {
    const { page, requests } = await openPage();
    await page.goto(`${demo.url}/demo/callback?code=stolen&state=x`);

    await page.getByRole('heading', { name: 'The login worked' }).waitFor();

    expect(page.url()).toBe(`${demo.url}/demo/callback`);
    expect(requests.filter(({ url }) => url.includes('/token'))).toEqual([]);
  });

  it.each([
    ['another state', 'theirs', () => `${demo.url}/realms/acme`],
    ['another issuer', 'mine', () => 'https://evil.example'],
  ])('use no answer to their login that has %s', async (_, state, issuer) => {
    const { page, requests } = await openPage();
    await page.goto(`${demo.url}/demo/callback`);
    await page.evaluate(
      `sessionStorage.setItem('daypass-demo-login', JSON.stringify({ verifier: 'v', state: 'mine' }))`,
    );
    const answer = new URLSearchParams({ code: 'stolen', state, iss: issuer() });
    await page.goto(`${demo.url}/demo/callback?${answer}`);

    await page.getByRole('heading', { name: 'This answer is not ours' }).waitFor();

    expect(requests.filter(({ url }) => url.includes('/token'))).toEqual([]);
  });

  it('show a shared report and take its token out of the address at once', async () => {
    const report = {
      identifier: 'team:sales-dashboard',
      datatypes: ['report'],
      actions: ['view'],
      rows: 'all',
    };
    const token = await mint(demo, report);
    const { page, complaints, requests } = await openPage();
    await page.goto(`${demo.url}/demo/report?token=${token}`);

    await page.getByRole('heading', { name: 'Team sales' }).waitFor();

    expect(page.url()).toBe(`${demo.url}/demo/report`);
    expect(await page.locator('#rows tr').count()).toBe(48);
    expect(requests.slice(1).filter(({ url }) => url.includes(token))).toEqual([]);
    expect(requests.filter(({ referer }) => referer)).toEqual([]);
    expect(complaints).toEqual([]);
  });

  it('show no report for a token of something else', async () => {
    const token = await mint(demo);
    const { page } = await openPage();
    await page.goto(`${demo.url}/demo/report?token=${token}`);

    await page.getByRole('heading', { name: 'Not on this pass' }).waitFor();

    expect(await page.locator('#rows tr').count()).toBe(0);
  });
});
