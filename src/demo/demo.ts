/**
 * The demo at `/demo`: a SaaS product's customer portal that embeds a dashboard for two of its customers. Only for a
 * server that runs on a realm file marked as a demo. Its parts talk to the realm over HTTP with its public endpoints,
 * as anybody's would, and never reach into the services.
 */
import type { Context, Middleware } from 'koa';
import { readJson } from '../http/body.ts';
import { sameOrigin } from '../http/csrf.ts';
import { annotate } from '../http/request-state.ts';
import { apiHeaders } from '../http/security-headers.ts';
import { createAnalytics, type Query } from './analytics.ts';
import type { DemoRealm } from './demo-realm.ts';
import { createPortal } from './portal.ts';
import { readPages, sendAsset } from './static-files.ts';
import { openWarehouse } from './warehouse.ts';

const BODY_LIMIT = 8192;

const sales = { resource: 'dashboard:sales', table: 'orders' } as const;

/** What the analytics API offers, by path. */
const queries: Readonly<Record<string, Query>> = {
  '/api/orders': { ...sales, action: 'view', as: 'json' },
  '/api/orders.csv': { ...sales, action: 'export:csv', as: 'csv' },
  '/api/invoices': { resource: 'dashboard:finance', table: 'invoices', action: 'view', as: 'json' },
  '/api/report': { resource: 'report:team:sales-dashboard', table: 'orders', action: 'view', as: 'json' },
};

type Post = (ctx: Context, input: Record<string, unknown>) => Promise<void>;

/** Answers what lies at `/demo` below the public address, and passes on everything else. */
export function createDemo({ publicUrl, realm }: { publicUrl: string; realm: DemoRealm }): Middleware {
  const { origin, pathname, protocol } = new URL(publicUrl);
  const basePath = pathname.replace(/\/$/, '');
  const isHttps = protocol === 'https:';
  const portal = createPortal({ realm, publicUrl, basePath });
  const analytics = createAnalytics({ realm, publicUrl, basePath, warehouse: openWarehouse() });
  const pages = readPages({ realm, publicUrl, basePath, isHttps });
  const posts: Readonly<Record<string, Post>> = {
    '/portal/guest-token': portal.grant,
    '/portal/revoke': portal.revoke,
  };

  async function answerGet(ctx: Context, path: string): Promise<boolean> {
    const query = queries[path];
    const page = pages.get(path);
    if (query !== undefined) await analytics.respond(ctx, query);
    else if (path === '/portal/customers') portal.list(ctx);
    else if (path === '/') ctx.redirect(`${publicUrl}/demo`);
    else if (page === undefined) return sendAsset(ctx, path);
    else page(ctx);
    return true;
  }

  async function answerPost(ctx: Context, path: string): Promise<boolean> {
    const post = posts[path];
    if (post === undefined) return false;
    const input = await inputOf(ctx, origin);
    if (input !== undefined) await post(ctx, input);
    return true;
  }

  return async function demo(ctx, next) {
    const path = pathBelow(`${basePath}/demo`, ctx.path);
    if (path === undefined) return next();
    annotate(ctx.req, { route: 'demo' });
    ctx.set({ ...apiHeaders({ isHttps }) });
    const isAnswered = ctx.method === 'POST' ? await answerPost(ctx, path) : await answerGet(ctx, path);
    return isAnswered ? undefined : next();
  };
}

function pathBelow(base: string, path: string): string | undefined {
  return path === base || path.startsWith(`${base}/`) ? path.slice(base.length) : undefined;
}

/**
 * The JSON object that one of our pages sent, or nothing, and then the request is answered. Another site's page is
 * known by the browser's own headers, and cannot send JSON without asking first.
 */
async function inputOf(ctx: Context, origin: string): Promise<Record<string, unknown> | undefined> {
  if (!sameOrigin(ctx, origin) || !ctx.is('application/json')) {
    ctx.status = 403;
    ctx.body = { error: 'access_denied', error_description: 'only the demo page may ask for this' };
    return undefined;
  }
  const reading = await readJson(ctx.req, BODY_LIMIT);
  const input = 'value' in reading && isRecord(reading.value) ? reading.value : undefined;
  if (input === undefined) {
    ctx.status = 400;
    ctx.body = { error: 'invalid_request', error_description: 'the body must be a small JSON object' };
  }
  return input;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
