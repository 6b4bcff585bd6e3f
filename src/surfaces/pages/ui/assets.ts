/** The files that pages load: one style sheet, a realm's colours, an icon. Read once, when the process starts. */
import { readFileSync } from 'node:fs';
import type { Context } from 'koa';
import { sha256 } from '../../../base/hash.ts';
import { themeSheet } from './theme.ts';

type Asset = { readonly body: string; readonly type: string; readonly version: string };

/** What a request asks for; `color` is the realm's own (`#rrggbb`), absent when it has none. */
export type AssetRequest = { readonly file: string; readonly color?: string | undefined };

const YEAR = 31_536_000;
/** A changed realm colour is seen after this time at the latest. */
const THEME_AGE = 300;

/** Sent as one sheet; the order matters. */
const STYLE_PARTS = ['colors.css', 'base.css', 'ticket.css', 'forms.css', 'content.css', 'account.css'];

const FILES = new Map<string, Asset>([
  ['style.css', assetOf(STYLE_PARTS.map(readAsset).join('\n'), 'text/css; charset=utf-8')],
  ['favicon.svg', assetOf(readAsset('favicon.svg'), 'image/svg+xml')],
]);

/** The ticket mark, to be put into a page so that it takes the colour of the text around it. */
export const MARK = readAsset('mark.svg');

/** Address of a fixed asset below a realm, with its version: it may be kept for ever. */
export function assetHref(basePath: string, file: 'style.css' | 'favicon.svg'): string {
  return `${basePath}/assets/${file}?v=${FILES.get(file)?.version ?? ''}`;
}

/**
 * Answers with a file, or leaves the request alone when there is none, such as the colours of a realm without any. A
 * fixed file is immutable under its versioned address, otherwise to be checked again by its `ETag`.
 */
export function sendAsset(ctx: Context, request: AssetRequest): void {
  const asset = findAsset(request);
  if (asset === undefined) return;
  ctx.status = 200;
  ctx.set({
    ETag: `"${asset.version}"`,
    'Cache-Control': cacheControl(ctx, asset, request.file),
    'Cross-Origin-Resource-Policy': 'same-origin',
  });
  ctx.type = asset.type;
  if (ctx.fresh) {
    ctx.status = 304;
  } else {
    ctx.body = asset.body;
  }
}

function findAsset({ file, color }: AssetRequest): Asset | undefined {
  if (file !== 'theme.css') return FILES.get(file);
  return color === undefined ? undefined : assetOf(themeSheet(color), 'text/css; charset=utf-8');
}

function cacheControl(ctx: Context, asset: Asset, file: string): string {
  if (file === 'theme.css') return `public, max-age=${THEME_AGE}`;
  const isVersioned = ctx.query['v'] === asset.version;
  return isVersioned ? `public, max-age=${YEAR}, immutable` : 'public, no-cache';
}

function assetOf(body: string, type: string): Asset {
  return { body, type, version: sha256(body).slice(0, 16) };
}

function readAsset(file: string): string {
  return readFileSync(new URL(`./assets/${file}`, import.meta.url), 'utf8');
}
