/** Draws the library's documents that post themselves as pages of ours, in the person's language. */
import type { Middleware } from 'koa';
import { autoPostIn } from '../library/auto-post.ts';
import { hasOidcContext } from '../library/has-oidc-context.ts';
import type { RealmContext } from '../realm/realm-context.ts';
import type { UiPort } from '../realm/ui-port.ts';

export function redrawAutoPosts(realm: RealmContext, ui: UiPort): Middleware {
  return async function redrawAutoPost(ctx, next) {
    await next();
    const post = hasOidcContext(ctx) ? autoPostIn(ctx.body) : undefined;
    if (post !== undefined && hasOidcContext(ctx)) ui.postOn(ctx, realm, post);
  };
}
