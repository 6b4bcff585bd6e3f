/** Answers for unknown addresses and wrong methods, in Keycloak's words. */
import type { Context, Middleware } from 'koa';
import { type Address, addressOf, isFixed, paths } from '../realm/addresses.ts';
import type { RealmContext } from '../realm/realm-context.ts';

export function answerUnmatched(realm: Pick<RealmContext, 'profile'>): Middleware {
  return async function answerUnmatchedRequest(ctx, next) {
    const address = addressOf(ctx.path);
    // The library's router accepts other spellings of a path; from here on there is one.
    if (address !== undefined && isFixed(address)) ctx.path = address.path;
    // Before the library, whose router would match `GET /auth/device` as the return from a login.
    if (address !== undefined && !address.methods.some((method) => method === ctx.method))
      return refuseMethod(realm, ctx, address);
    await next();
    if (ctx.status === 404 && ctx.body === undefined) refuseAddress(ctx);
  };
}

function refuseAddress(ctx: Context): void {
  ctx.status = 404;
  ctx.body = { error: 'Unable to find matching target resource method' };
}

function refuseMethod(realm: Pick<RealmContext, 'profile'>, ctx: Context, { path, methods }: Address): void {
  const { methodAtMetadata } = realm.profile.errors;
  if (methodAtMetadata !== undefined && isMetadata(path)) {
    ctx.status = methodAtMetadata.status;
    ctx.body = { error: methodAtMetadata.error };
    return;
  }
  ctx.status = 405;
  // RFC 9110 §15.5.6.
  ctx.set('Allow', methods.join(', '));
  ctx.body = { error: 'HTTP 405 Method Not Allowed' };
}

function isMetadata(path: string): boolean {
  return path === paths.openidMetadata || path === paths.oauthMetadata;
}
