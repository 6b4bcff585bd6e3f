/**
 * An ID token that was signed with a key which `daypass keys rotate --now` took away proves nothing any more. A logout
 * request that carries one is not malformed: it counts as one without a hint, so that the person is asked (OIDC
 * RP-Initiated Logout §4), and the client that the token was for is named as `client_id` would name it.
 */
import { decodeJwt, decodeProtectedHeader } from 'jose';
import type { Context, Middleware } from 'koa';
import { protocolStateOf } from '../http/protocol-state.ts';
import { paths } from '../realm/addresses.ts';
import type { RealmContext } from '../realm/realm-context.ts';

type Realm = Pick<RealmContext, 'issuer' | 'keys'>;

export function withdrawnHints(realm: Realm): Middleware {
  return function takeWithdrawnHint(ctx, next) {
    if (ctx.path !== paths.logout || ctx.method !== 'GET') return next();
    const { id_token_hint: hint, ...others } = ctx.query;
    const client = typeof hint === 'string' ? clientOfWithdrawn(realm, hint) : undefined;
    if (client === undefined || (others['client_id'] ?? client) !== client) return next();
    protocolStateOf(ctx).hasWithdrawnHint = true;
    readdress(ctx, { ...others, client_id: client });
    return next();
  };
}

/** The library makes its addresses from `originalUrl`, which ends as `url` does (realm-router.ts). */
function readdress({ req, search, request }: Context, query: Context['query']): void {
  const original: unknown = Reflect.get(req, 'originalUrl');
  request.query = query;
  if (typeof original !== 'string') return;
  Object.assign(req, { originalUrl: original.slice(0, original.length - search.length) + request.search });
}

/** The client of an ID token of this realm that none of its keys has signed; `undefined` for anything else. */
function clientOfWithdrawn({ issuer, keys }: Realm, hint: string): string | undefined {
  try {
    const { kid, alg } = decodeProtectedHeader(hint);
    const { iss, aud } = decodeJwt(hint);
    const isSigned = typeof kid === 'string' && alg?.startsWith('HS') === false;
    if (!isSigned || iss !== issuer || typeof aud !== 'string') return undefined;
    return keys.jwks.some((key) => key.kid === kid) ? undefined : aud;
  } catch {
    return undefined;
  }
}
