import type { Context } from 'koa';
import type { KoaContextWithOIDC } from 'oidc-provider';

/** True once the library's router has matched the request: from then on there is `ctx.oidc`. */
export function hasOidcContext(ctx: Context): ctx is Context & KoaContextWithOIDC {
  return 'oidc' in ctx && ctx['oidc'] !== undefined;
}
