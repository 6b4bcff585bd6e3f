/** The demo's pages with their policies, and the scripts and styles they load. Read once, when the demo is opened. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Eta } from 'eta';
import type { Context } from 'koa';
import { apiHeaders } from '../http/security-headers.ts';
import type { DemoRealm } from './demo-realm.ts';

type SendPage = (ctx: Context) => void;

type Place = {
  readonly realm: DemoRealm;
  readonly publicUrl: string;
  readonly basePath: string;
  readonly isHttps: boolean;
};

/** By path. `framedBy`: who may frame the page. A report may stand on any page, as its link may. */
const PAGES = {
  '/demo': { view: 'host', framedBy: "'none'" },
  '/demo/embed': { view: 'embed', framedBy: "'self'" },
  '/demo/report': { view: 'report', framedBy: '*' },
  '/demo/callback': { view: 'callback', framedBy: "'none'" },
};

export const pagePaths: readonly string[] = Object.keys(PAGES);

/** Every `<%= %>` is escaped for HTML text and for quoted attributes. */
const eta = new Eta({ views: fileURLToPath(new URL('./views', import.meta.url)), autoEscape: true });

const assets = new Map(
  [
    'demo.css',
    'portal.css',
    'embed.css',
    'host.js',
    'panel.js',
    'embed.js',
    'report-token.js',
    'report.js',
    'callback.js',
    'sales.js',
    'chart.js',
  ].map((name) => [`/demo/assets/${name}`, readAsset(name)]),
);

export function readPages({ realm, publicUrl, basePath, isHttps }: Place): ReadonlyMap<string, SendPage> {
  const values = {
    demo: `${basePath}/demo`,
    realm: `${basePath}/realms/${realm.name}`,
    issuer: `${publicUrl}/realms/${realm.name}`,
    callback: `${publicUrl}/demo/callback`,
    loginClient: realm.loginClient,
    portalName: realm.portalName,
    realmName: realm.name,
  };
  return new Map(
    Object.entries(PAGES).map(([path, { view, framedBy }]) => {
      const html = eta.render(`./${view}`, values);
      const headers = headersOf(framedBy, isHttps);
      return [path, (ctx) => sendPage(ctx, html, headers)];
    }),
  );
}

export const assetPaths: readonly string[] = [...assets.keys()];

export function sendAsset(ctx: Context, path: string): void {
  ctx.type = path.endsWith('.css') ? 'text/css' : 'text/javascript';
  ctx.body = assets.get(path);
}

function sendPage(ctx: Context, html: string, headers: Record<string, string>): void {
  ctx.remove('X-Frame-Options');
  ctx.set(headers);
  ctx.type = 'text/html; charset=utf-8';
  ctx.body = html;
}

/** Scripts and styles only as files of this server; nothing inline, nothing from elsewhere. */
function headersOf(framedBy: string, isHttps: boolean): Record<string, string> {
  const own = ['script', 'style', 'img', 'connect', 'frame'].map((kind) => `${kind}-src 'self'`);
  const policy = [
    "default-src 'none'",
    ...own,
    "form-action 'none'",
    "base-uri 'none'",
    `frame-ancestors ${framedBy}`,
  ];
  return {
    ...apiHeaders({ isHttps }),
    'Content-Security-Policy': policy.join('; '),
    ...frameOptions[framedBy],
    'Cross-Origin-Opener-Policy': 'same-origin',
  };
}

/** `X-Frame-Options` has no word for any origin. */
const frameOptions: Readonly<Record<string, Record<string, string>>> = {
  "'none'": { 'X-Frame-Options': 'DENY' },
  "'self'": { 'X-Frame-Options': 'SAMEORIGIN' },
};

function readAsset(name: string): string {
  return readFileSync(new URL(`./assets/${name}`, import.meta.url), 'utf8');
}
