import type { AddressInfo } from 'node:net';
import Koa from 'koa';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pageHeaders } from '../../src/http/security-headers.ts';
import { sendAsset } from '../../src/surfaces/pages/ui/assets.ts';
import { loginPage } from '../../src/surfaces/pages/ui/render.ts';
import { launchChromium } from '../support/chromium.ts';
import { login, pageContext, samples } from './pages-samples.ts';

let browser: Browser;
const closers: (() => void)[] = [];

beforeAll(async () => {
  browser = await launchChromium();
});

afterAll(async () => {
  await browser.close();
  for (const close of closers) close();
});

async function serve(handle: Koa.Middleware): Promise<string> {
  const app = new Koa();
  app.use((ctx, next) => {
    const file = ctx.path.split('/assets/')[1];
    return file === undefined ? next() : sendAsset(ctx, { file, color: '#c2410c' });
  });
  app.use(handle);
  const server = app.listen(0, '127.0.0.1');
  closers.push(() => server.close());
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address() as AddressInfo;
  return `http://127.0.0.1:${address.port}`;
}

/** Opens a narrow window and collects what the browser complains of. */
async function open(address: string): Promise<{ page: Page; complaints: string[] }> {
  const page = await browser.newPage({ viewport: { width: 320, height: 640 } });
  const complaints: string[] = [];
  page.on('console', (message) => {
    // Who types before the page has set its focus, as on a slow machine, hears of it as information.
    if (message.type() !== 'info') complaints.push(message.text());
  });
  await page.goto(address, { waitUntil: 'load' });
  return { page, complaints };
}

const oneWord = 'Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft';

describe('in a browser', () => {
  it.each(samples)(
    'the $name page fits a phone, however long the names on it, under its own policy, with targets for fingers',
    async ({ html }) => {
      const origin = await serve((ctx) => {
        ctx.set({ ...pageHeaders({ isHttps: false }) });
        ctx.type = 'html';
        ctx.body = html(pageContext('de'))
          .replaceAll('https://cdn.example.com/logo.svg', '/assets/favicon.svg')
          .replaceAll(/Sales Dashboards|Acme Analytics|George Becker/g, oneWord);
      });

      const { page, complaints } = await open(origin);
      const width = await page.evaluate('document.documentElement.scrollWidth');
      const accent = await page.evaluate("getComputedStyle(document.body).getPropertyValue('--accent')");
      const small =
        await page.evaluate(`[...document.querySelectorAll('a, button, summary, label.check, .field input')]
        .filter((target) => target.getBoundingClientRect().height < 44 || target.getBoundingClientRect().width < 44)
        .map((target) => target.outerHTML)`);

      expect({ complaints, width, accent, small }).toEqual({
        complaints: [],
        width: 320,
        accent: '#c2410c',
        small: [],
      });
    },
  );

  it('a login goes on to wherever the client leads, though forms may only be posted to us', async () => {
    const home = await serve((ctx) => {
      ctx.body = 'home';
    });
    const client = await serve((ctx) => ctx.redirect(`${home}/home`));
    const origin = await serve((ctx) => {
      ctx.set({ ...pageHeaders({ isHttps: false, isClientFlow: true, formTargets: [client] }) });
      ctx.type = 'html';
      if (ctx.path === '/resume') return ctx.redirect(`${client}/callback`);
      if (ctx.method === 'POST') return ctx.redirect('/resume');
      ctx.body = loginPage(pageContext(), { ...login, clientLogo: undefined, action: '/login' });
    });

    const { page, complaints } = await open(origin);
    await page.getByLabel('Password').fill('my_password');
    await page.keyboard.press('Enter');
    await page.waitForURL(`${home}/home`);

    expect(complaints).toEqual([]);
  });

  it('everything on the login page is reached by the keyboard in the order it is read', async () => {
    const origin = await serve((ctx) => {
      ctx.type = 'html';
      ctx.body = loginPage(pageContext(), { ...login, loginHint: undefined, error: undefined });
    });

    const { page } = await open(origin);
    const reached: unknown[] = [];
    for (let step = 0; step < 6; step++) {
      reached.push(await page.evaluate('document.activeElement.name || document.activeElement.textContent'));
      await page.keyboard.press('Tab');
    }

    expect(reached).toEqual(['username', 'password', 'remember', 'Sign in', 'Cancel', 'Deutsch']);
  });
});
