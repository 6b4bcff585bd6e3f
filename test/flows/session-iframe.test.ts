/** The session iframe in a real browser: any frame may ask, and learns something only at an origin of the client's. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchChromium } from '../support/chromium.ts';
import { acme } from '../support/realms.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { type Site, startSite } from '../support/site.ts';

let server: TestServer;
let browser: Browser;
let app: Site;
let other: Site;

beforeAll(async () => {
  app = await startPages();
  other = await startPages();
  const spa = {
    id: 'spa',
    public: true,
    grants: ['authorization_code'],
    redirectUris: [`${app.origin}/cb`],
  };
  server = await startTestServer({ realms: [acme({ profile: 'keycloak', clients: [spa] })] });
  browser = await launchChromium();
});
afterAll(async () => {
  await browser?.close();
  await server?.stop();
  await app?.stop();
  await other?.stop();
});

/**
 * `/`: the frame `op` of our server, and beside it the frame `rp`. `/rp`: asks its sibling, and its parent's page shows
 * the answer. Each takes the addresses from the query.
 */
function startPages(): Promise<Site> {
  const html = `<!doctype html><link rel="icon" href="data:,"><script>
    const query = new URLSearchParams(location.search);
    const add = (name, src) => document.body.append(Object.assign(document.createElement('iframe'), { name, src }));
    addEventListener('message', ({ data }) => { document.title = String(data); });
    addEventListener('DOMContentLoaded', () => {
      const op = query.get('op');
      if (query.has('rp')) { add('op', op); add('rp', query.get('rp')); return; }
      addEventListener('message', ({ data }) => parent.postMessage(data, '*'));
      const timer = setInterval(() => parent.frames.op.postMessage(query.get('ask'), new URL(op).origin), 100);
      addEventListener('message', () => clearInterval(timer));
    });
  </script><body></body>`;
  return startSite((_request, response) => {
    response.setHeader('content-type', 'text/html');
    response.end(html);
  });
}

/** What the frame `rp` at this site is answered, in a page of the other site. */
async function answerTo(rp: Site, ask: string): Promise<string> {
  const page = await browser.newPage();
  page.setDefaultTimeout(90_000);
  const op = server.endpoint('acme', 'login-status-iframe.html');
  const frame = `${rp.origin}/?${new URLSearchParams({ op, ask })}`;
  await page.goto(`${other.origin}/?${new URLSearchParams({ op, rp: frame })}`);
  await page.waitForFunction('document.title');
  const title = await page.title();
  await page.close();
  return title;
}

describe('a frame beside the session iframe', () => {
  it('of an origin of the client’s learns whether the session is still the one that it knows', async () => {
    expect(await answerTo(app, 'spa ')).toBe('unchanged');
    expect(await answerTo(app, 'spa some-other-session')).toBe('changed');
  });

  it('of another origin, or for another client, learns nothing', async () => {
    expect(await answerTo(other, 'spa ')).toBe('error');
    expect(await answerTo(app, 'nobody ')).toBe('error');
  });
});
