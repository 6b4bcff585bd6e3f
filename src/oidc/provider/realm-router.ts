/**
 * From a public address to a realm's provider: `/realms/{realm}/…` and, for old Keycloak clients,
 * `/auth/realms/{realm}/…`; the same issuer answers on both.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Context, Middleware } from 'koa';
import { annotate } from '../../http/request-state.ts';
import { answerSessionIframe } from '../sessions/session-iframe.ts';
import type { RealmProvider } from './provider.ts';
import type { ProviderPool } from './provider-pool.ts';

/** Pages get to see a request before the protocol does; they answer it or pass it on. */
export type RealmPages = (ctx: Context, provider: RealmProvider, path: string) => Promise<boolean>;

type RealmAddress = { readonly realm: string; readonly path: string; readonly isAlias: boolean };

const OAUTH_METADATA = '/.well-known/oauth-authorization-server';

type Front = { readonly pool: ProviderPool; readonly publicUrl: string; readonly pages: RealmPages };

/**
 * The most frequent requests, before anything else looks at them; resolves to `false` for all others, and leaves those
 * as they came.
 */
export function createFastPathRouter({ pool, publicUrl }: Pick<Front, 'pool' | 'publicUrl'>) {
  const basePath = new URL(publicUrl).pathname.replace(/\/$/, '');
  return async (request: IncomingMessage, response: ServerResponse): Promise<boolean> => {
    const { method, url = '' } = request;
    if (method !== 'POST' || !isFrequent.test(url)) return false;
    const address = realmAddress(url, basePath);
    const provider = address && (await pool.find(address.realm));
    if (address === undefined || provider === undefined || provider === 'disabled') return false;
    annotate(request, { realm: address.realm });
    return provider.tryFastPath({ request, response, path: address.path });
  };
}

const isFrequent = /\/token(\/introspect)?$/;

export function routeToRealm(front: Front): Middleware {
  const basePath = new URL(front.publicUrl).pathname.replace(/\/$/, '');
  return async function answerForRealm(ctx, next) {
    const address = realmAddress(ctx.path, basePath);
    if (address === undefined) return next();
    const provider = await front.pool.find(address.realm);
    if (provider === undefined) return unknownRealm(ctx);
    annotate(ctx.req, { realm: address.realm });
    return provider === 'disabled' ? disabledRealm(ctx) : answer(front, ctx, provider, address);
  };
}

async function answer(
  front: Front,
  ctx: Context,
  provider: RealmProvider,
  address: RealmAddress,
): Promise<void> {
  const { publicUrl, pages } = front;
  const path = `/realms/${address.realm}${address.path}`;
  if (address.isAlias && isReadByPeople(ctx, address.path)) {
    ctx.redirect(`${publicUrl}${path}${ctx.search}`);
  } else if (
    !(await answerSessionIframe(ctx, provider.realm, address.path)) &&
    !(await pages(ctx, provider, address.path))
  ) {
    await hand(ctx, provider, address, `${new URL(publicUrl).pathname.replace(/\/$/, '')}${path}`);
  }
}

function realmAddress(path: string, basePath: string): RealmAddress | undefined {
  if (path.startsWith(`${OAUTH_METADATA}${basePath}/realms/`)) {
    // RFC 8414 §3.1: the well-known part goes before the issuer's path.
    const realm = path.slice(`${OAUTH_METADATA}${basePath}/realms/`.length);
    return realm.includes('/') ? undefined : { realm, path: OAUTH_METADATA, isAlias: false };
  }
  if (!path.startsWith(`${basePath}/`) && path !== basePath) return undefined;
  const match = /^(\/auth)?\/realms\/([^/]+)(\/.*)?$/.exec(path.slice(basePath.length));
  if (match?.[2] === undefined) return undefined;
  return { realm: match[2], path: match[3] ?? '', isAlias: match[1] !== undefined };
}

function unknownRealm(ctx: Context): void {
  ctx.status = 404;
  ctx.body = { error: 'Realm does not exist' };
}

function disabledRealm(ctx: Context): void {
  ctx.status = 403;
  ctx.body = { error: 'access_denied', error_description: 'Realm not enabled' };
}

/** Metadata and pages live at one address only; endpoints answer at both. */
function isReadByPeople(ctx: Context, path: string): boolean {
  if (ctx.method !== 'GET' && ctx.method !== 'HEAD') return false;
  return !/^\/protocol\/openid-connect\/(userinfo|certs)$/.test(path);
}

/** The library makes every address from `originalUrl` and the headers that the door has set. */
function hand(
  ctx: Context,
  provider: RealmProvider,
  address: RealmAddress,
  canonical: string,
): Promise<void> {
  ctx.respond = false;
  const { req, res } = ctx;
  req.url = `${address.path === '' ? '/' : address.path}${ctx.search}`;
  Object.assign(req, { originalUrl: `${canonical}${ctx.search}` });
  res.statusCode = 404;
  return provider.handle(req, res);
}
