/**
 * The demo at `/demo`: a SaaS product's customer portal that embeds a dashboard for two of its customers. Only for a
 * server that runs on a realm file marked as a demo. Its parts talk to the realm over HTTP with its public endpoints,
 * as anybody's would, and never reach into the services.
 */
import type { Context, Middleware } from 'koa';
import { readJson } from '../http/body.ts';
import { sameOrigin } from '../http/csrf.ts';
import { createRouteTable, pathsBelow } from '../http/route-table.ts';
import { type Routed, refusePlainly, type Surface } from '../http/routes.ts';
import { createAnalytics, type Query } from './analytics.ts';
import type { DemoRealm } from './demo-realm.ts';
import { createPortal } from './portal.ts';
import { assetPaths, pagePaths, readPages, sendAsset } from './static-files.ts';
import { openWarehouse } from './warehouse.ts';

const BODY_LIMIT = 8192;

const sales = { resource: 'dashboard:sales', table: 'orders' } as const;

/** The queries of the analytics API, by path. */
const queries: Readonly<Record<string, Query>> = {
  '/demo/api/orders': { ...sales, action: 'view', as: 'json' },
  '/demo/api/orders.csv': { ...sales, action: 'export:csv', as: 'csv' },
  '/demo/api/invoices': { resource: 'dashboard:finance', table: 'invoices', action: 'view', as: 'json' },
  '/demo/api/report': {
    resource: 'report:team:sales-dashboard',
    table: 'orders',
    action: 'view',
    as: 'json',
  },
};

type Demo = ReturnType<typeof openDemo>;
type DemoRequest = { readonly ctx: Context; readonly demo: Demo };
type Call = Routed<DemoRequest>;
type Post = (ctx: Context, input: Record<string, unknown>) => Promise<void>;

const read = { method: 'GET', who: 'anybody' } as const;

/** Below the public address, beside the realms. */
export const demoSurface: Surface<DemoRequest> = {
  name: 'demo',
  routes: [
    ...pagePaths.map((path) => ({ ...read, path, handler: sendPage })),
    { ...read, path: '/demo/', handler: ({ ctx, demo }) => ctx.redirect(`${demo.publicUrl}/demo`) },
    ...assetPaths.map((path) => ({ ...read, path, handler: ({ ctx }: Call) => sendAsset(ctx, path) })),
    ...Object.entries(queries).map(([path, query]) => ({
      ...read,
      path,
      who: 'bearer' as const,
      handler: ({ ctx, demo }: Call) => demo.analytics.respond(ctx, query),
    })),
    { ...read, path: '/demo/portal/customers', handler: ({ ctx, demo }) => demo.portal.list(ctx) },
    {
      method: 'POST',
      path: '/demo/portal/guest-token',
      who: 'anybody',
      handler: (call) => post(call, call.demo.portal.grant),
    },
    {
      method: 'POST',
      path: '/demo/portal/revoke',
      who: 'anybody',
      handler: (call) => post(call, call.demo.portal.revoke),
    },
  ],
  refuse: refusePlainly,
};

type DemoPlace = { readonly publicUrl: string; readonly realm: DemoRealm };

function openDemo({ publicUrl, realm }: DemoPlace) {
  const { origin, pathname, protocol } = new URL(publicUrl);
  const basePath = pathname.replace(/\/$/, '');
  return {
    publicUrl,
    origin,
    portal: createPortal({ realm, publicUrl, basePath }),
    analytics: createAnalytics({ realm, publicUrl, basePath, warehouse: openWarehouse() }),
    pages: readPages({ realm, publicUrl, basePath, isHttps: protocol === 'https:' }),
  };
}

/** Answers what lies at `/demo` below the public address, and passes on everything else. */
export function createDemo(place: DemoPlace): Middleware {
  const demo = openDemo(place);
  const table = createRouteTable([demoSurface]);
  const pathBelow = pathsBelow(place.publicUrl);
  return async function answerDemo(ctx, next) {
    return (await table.answer({ ctx, demo }, pathBelow(ctx.path))) ? undefined : next();
  };
}

function sendPage({ ctx, demo, path }: Call): void {
  demo.pages.get(path)?.(ctx);
}

async function post({ ctx, demo }: Call, answer: Post): Promise<void> {
  const input = await inputOf(ctx, demo.origin);
  if (input !== undefined) await answer(ctx, input);
}

/**
 * The JSON object that one of our pages sent. Otherwise `undefined`, and the request is answered. Browsers tell by
 * their own headers that another site's page sent it, and such a page cannot send JSON without a preflight.
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
