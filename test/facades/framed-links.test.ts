/** Public links in a frame of another origin, in a real browser: the report, and the page of a link that is dead. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchChromium } from '../support/chromium.ts';
import { basic } from '../support/http.ts';
import { type Site, startSite } from '../support/site.ts';
import { type FacadeServer, send, startFacades, withSection } from './support.ts';

const report = 'team:sales-dashboard';
const headers = { authorization: basic(['portal', 'portal-secret']) };

let server: FacadeServer;
let product: Site;
let viewer: Site;
let browser: Browser;
beforeAll(async () => {
  product = await startSite((_request, response) => {
    response.setHeader('content-type', 'text/html').end('<!doctype html><title>product</title>');
  });
  viewer = await startSite((_request, response) => {
    response.setHeader('content-type', 'text/html').end('<!doctype html><p>the report</p>');
  });
  const section = withSection('informer', { viewer: `${viewer.origin}/?token={token}` });
  server = await startFacades({
    change: (acme) => ({ ...section(acme), guests: { allowLocalhostOrigins: true } }),
  });
  browser = await launchChromium();
});
afterAll(async () => {
  await browser?.close();
  await server?.stop();
  await product?.stop();
  await viewer?.stop();
});

const mint = async (more: object = {}) => {
  const resources = [{ type: 'report', id: report, actions: ['view'], rows: 'all' }];
  const body = { subject: { tenant: 'blue', type: 'anonymous' }, resources, purpose: 'public_link', ...more };
  return (await send(`${server.base}/guest-tokens`, { body, headers })).json;
};

async function framed(url: string): Promise<Page> {
  const page = await browser.newPage();
  page.setDefaultTimeout(90_000);
  await page.goto(product.origin);
  await page.evaluate((address) => {
    const frame = document.createElement('iframe');
    frame.src = address;
    document.body.append(frame);
  }, url);
  return page;
}

const refused = (page: Page) =>
  expect
    .poll(() => page.frames().map((one) => one.url()))
    .toContainEqual(expect.stringMatching(/^chrome-error:/));

describe('a public link in a frame of another origin', () => {
  it('shows the report', async () => {
    const page = await framed((await mint())._links.view.href);

    await page.frameLocator('iframe').getByText('the report').waitFor();
  });

  it('shows a page when it is dead', async () => {
    const { id, _links } = await mint();
    await send(`${server.base}/guest-tokens/${id}`, { method: 'DELETE', headers });

    const page = await framed(_links.view.href);

    await page.frameLocator('iframe').getByRole('heading').waitFor();
  });

  it('is shown only where its token may be used', async () => {
    const here = await mint({ binding: { origins: [product.origin] } });
    const elsewhere = await mint({ binding: { origins: ['https://app.acme.com'] } });
    await send(`${server.base}/guest-tokens/${elsewhere.id}`, { method: 'DELETE', headers });

    const shown = await framed(here._links.view.href);
    await shown.frameLocator('iframe').getByText('the report').waitFor();

    await refused(await framed(elsewhere._links.view.href));
  });
});
