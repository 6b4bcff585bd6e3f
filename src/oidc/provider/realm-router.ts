/**
 * From a public address to a realm's provider: `/realms/{realm}/…` and, for old Keycloak clients,
 * `/auth/realms/{realm}/…`; the same issuer answers on both.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Context, Middleware } from 'koa';
import { isFailure } from '../../base/errors.ts';
import { annotate } from '../../http/request-state.ts';
import type { RouteTable } from '../../http/route-table.ts';
import { paths, routeNameOf } from '../realm/addresses.ts';
import type { RealmProvider } from './provider.ts';
import type { ProviderPool } from './provider-pool.ts';

/** A request below a realm. */
export type RealmRequest = { readonly ctx: Context; readonly provider: RealmProvider };

type RealmAddress = { readonly realm: string; readonly path: string; readonly isAlias: boolean };

export const OAUTH_METADATA = '/.well-known/oauth-authorization-server';

type Front = {
  readonly pool: ProviderPool;
  readonly publicUrl: string;
  /** The surfaces below a realm; everything else is the protocol's. */
  readonly routes: Pick<RouteTable<RealmRequest>, 'answer' | 'tellOutage'>;
};

/**
 * Tries the fast path before anything else looks at a request; resolves to `false` for all other requests, which are
 * left unchanged.
 */
export function createFastPathRouter({ pool, publicUrl }: Omit<Front, 'routes'>) {
  const { basePath } = placeOf(publicUrl);
  return async (request: IncomingMessage, response: ServerResponse): Promise<boolean> => {
    const { method, url = '' } = request;
    if (method !== 'POST' || !isFrequent.test(url)) return false;
    const address = realmAddress(url, basePath);
    const provider = address && (await namingRoute(request, address, () => pool.find(address.realm)));
    if (address === undefined || provider === undefined || provider === 'disabled') return false;
    annotate(request, { realm: address.realm });
    return provider.tryFastPath({ request, response, path: address.path });
  };
}

const isFrequent = /\/token(\/introspect)?$/;

export function routeToRealm(given: Front): Middleware {
  const front = { ...given, ...placeOf(given.publicUrl) };
  return async function answerForRealm(ctx, next) {
    const address = realmAddress(ctx.path, front.basePath);
    if (address === undefined) return next();
    const provider = await findProvider(front, ctx, address);
    if (provider === undefined) return unknownRealm(ctx);
    if (provider === 'answered') return undefined;
    annotate(ctx.req, { realm: address.realm });
    return provider === 'disabled' ? disabledRealm(ctx) : answer(front, { ctx, provider }, address);
  };
}

async function answer(front: Front & Place, request: RealmRequest, address: RealmAddress): Promise<void> {
  const { ctx } = request;
  const { realm, path, isAlias } = address;
  const canonical = `${front.basePath}/realms/${realm}${path}${ctx.search}`;
  if (isAlias && isReadByPeople(ctx, path)) ctx.redirect(`${front.origin}${canonical}`);
  else if (!(await front.routes.answer(request, path))) await hand(request, { path, canonical });
}

type Place = { readonly origin: string; readonly basePath: string };

function placeOf(publicUrl: string): Place {
  const { origin, pathname } = new URL(publicUrl);
  return { origin, basePath: pathname.replace(/\/$/, '') };
}

type Finding = {
  readonly pool: ProviderPool;
  readonly routes: Pick<RouteTable<RealmRequest>, 'tellOutage'>;
};

/**
 * The provider of a realm. When the realm cannot be read, the surface at the path may answer in its own words; then
 * nothing is left to do.
 */
export async function findProvider(
  { pool, routes }: Finding,
  ctx: Context,
  { realm, path }: Pick<RealmAddress, 'realm' | 'path'>,
): Promise<RealmProvider | 'disabled' | 'answered' | undefined> {
  try {
    return await namingRoute(ctx.req, { path }, () => pool.find(realm));
  } catch (error) {
    if (isFailure(error, 'unavailable') && routes.tellOutage(ctx, path)) return 'answered';
    throw error;
  }
}

/** When the realm cannot be read, nobody else says which route the request was for. */
async function namingRoute<T>(
  request: IncomingMessage,
  { path }: Pick<RealmAddress, 'path'>,
  find: () => Promise<T>,
): Promise<T> {
  try {
    return await find();
  } catch (error) {
    annotate(request, { route: routeNameOf(path) ?? 'other' });
    throw error;
  }
}

function realmAddress(path: string, basePath: string): RealmAddress | undefined {
  if (path.startsWith(`${OAUTH_METADATA}${basePath}/realms/`)) {
    // RFC 8414 §3.1: the well-known part goes before the issuer's path.
    const realm = path.slice(`${OAUTH_METADATA}${basePath}/realms/`.length);
    return realm.includes('/') ? undefined : { realm, path: OAUTH_METADATA, isAlias: false };
  }
  // A proxy may have taken the path of the public address away.
  const below = path.startsWith(`${basePath}/`) ? path.slice(basePath.length) : path;
  const match = /^(\/auth)?\/realms\/([^/]+)(\/.*)?$/.exec(below);
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

/** Metadata and pages have one address only; endpoints answer at both. */
function isReadByPeople(ctx: Context, path: string): boolean {
  if (ctx.method !== 'GET' && ctx.method !== 'HEAD') return false;
  return path !== paths.userinfo && path !== paths.certs;
}

/** The library makes every address from `originalUrl` and the headers that the trusted proxy has set. */
function hand(
  { ctx, provider }: RealmRequest,
  { path, canonical }: { readonly path: string; readonly canonical: string },
): Promise<void> {
  const { req, res } = ctx;
  ctx.respond = false;
  req.url = `${path === '' ? '/' : path}${ctx.search}`;
  Object.assign(req, { originalUrl: canonical });
  res.statusCode = 404;
  return provider.handle(req, res);
}
