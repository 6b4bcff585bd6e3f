/**
 * Which web origins may call from a browser: those that clients registered, not every origin that asks (RFC 9700
 * §2.6). Our own headers are sent; the library's, which reflect any origin, are removed.
 */
import type { Context, Middleware } from 'koa';
import type { KoaContextWithOIDC, Client as LibraryClient } from 'oidc-provider';
import { coversOrigin } from '../../registry/model/origins.ts';
import { hasOidcContext } from '../library/has-oidc-context.ts';
import { type Address, addressOf } from '../realm/addresses.ts';
import type { RealmContext } from '../realm/realm-context.ts';

const PREFLIGHT_SECONDS = '3600';
const ALLOWED_HEADERS = 'Accept, Authorization, Content-Type, DPoP, X-Requested-With';
/** Without headers that a client authenticates with. */
const HOLDER_HEADERS = 'Accept, Content-Type, DPoP';
const EXPOSED_HEADERS = 'WWW-Authenticate, DPoP-Nonce, Retry-After, X-Request-Id';

const libraryHeaders = [
  'Access-Control-Allow-Origin',
  'Access-Control-Expose-Headers',
  'Access-Control-Allow-Credentials',
];

/** The library's hook once the client is known; `false` refuses the request. */
export function allowsOrigin(_ctx: KoaContextWithOIDC, origin: string, client: LibraryClient): boolean {
  const registered: unknown = client['cors_origins'];
  if (!Array.isArray(registered)) return false;
  const origins = registered.filter((item) => typeof item === 'string');
  return coversOrigin(origins, client.applicationType === 'native', origin);
}

export function crossOrigin(realm: Pick<RealmContext, 'name' | 'profile' | 'registry'>): Middleware {
  return async function answerCrossOrigin(ctx, next) {
    const address = addressOf(ctx.path);
    if (address?.origins !== undefined && isPreflight(ctx)) answerPreflight(ctx, address);
    else await next();
    const isOpen = address?.origins === 'anybody' || wasOpened(ctx);
    for (const name of libraryHeaders) ctx.remove(name);
    if (isOpen) allowAnybody(ctx);
    else if (address?.origins === 'clients') await allowRegistered(realm, ctx);
    if (address?.forHolders === true && isPreflight(ctx)) allowHolders(ctx);
  };
}

function allowAnybody(ctx: Context): void {
  ctx.set('Access-Control-Allow-Origin', '*');
  ctx.set('Access-Control-Expose-Headers', EXPOSED_HEADERS);
}

/** True for an answer that was opened for holders of guest tokens: the library would have named the origin. */
function wasOpened(ctx: Context): boolean {
  return ctx.get('Origin') !== '' && ctx.response.get('Access-Control-Allow-Origin') === '*';
}

function isPreflight(ctx: Context): boolean {
  return (
    ctx.method === 'OPTIONS' && ctx.get('Origin') !== '' && ctx.get('Access-Control-Request-Method') !== ''
  );
}

function answerPreflight(ctx: Context, address: Address): void {
  ctx.status = 204;
  ctx.set('Access-Control-Max-Age', PREFLIGHT_SECONDS);
  ctx.set('Access-Control-Allow-Methods', address.methods.join(', '));
  ctx.set('Access-Control-Allow-Headers', ALLOWED_HEADERS);
}

/**
 * Opens a preflight for pages that may hold a guest token. A preflight only lets them send the request; the request
 * itself must carry the proof. Strangers gain nothing by it.
 */
function allowHolders(ctx: Context): void {
  if (ctx.response.get('Access-Control-Allow-Origin')) return;
  ctx.set('Access-Control-Allow-Origin', '*');
  ctx.set('Access-Control-Allow-Headers', HOLDER_HEADERS);
}

async function allowRegistered(
  realm: Pick<RealmContext, 'name' | 'profile' | 'registry'>,
  ctx: Context,
): Promise<void> {
  ctx.vary('Origin');
  const origin = ctx.get('Origin');
  if (origin === '' || !(await isRegistered(realm, ctx, origin))) return;
  ctx.set('Access-Control-Allow-Origin', origin);
  ctx.set('Access-Control-Expose-Headers', EXPOSED_HEADERS);
  if (realm.profile.browsers.allowsCredentials) ctx.set('Access-Control-Allow-Credentials', 'true');
}

/**
 * Where no client is known (a preflight, or a request that failed early), an origin of any client of the realm is
 * accepted.
 */
async function isRegistered(
  realm: Pick<RealmContext, 'name' | 'registry'>,
  ctx: Context,
  origin: string,
): Promise<boolean> {
  if (hasOidcContext(ctx) && ctx.oidc.client !== undefined) return allowsOrigin(ctx, origin, ctx.oidc.client);
  return realm.registry.hasOrigin(realm.name, origin);
}
