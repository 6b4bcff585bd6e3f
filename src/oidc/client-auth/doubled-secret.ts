import type { Context, Middleware } from 'koa';
import { readBasic } from '../../http/basic.ts';
import { formOf, replaceForm } from '../http/form.ts';
import type { RealmContext } from '../realm/realm-context.ts';

/**
 * Keycloak's Node.js adapter introspects with its secret in the header and in the form at once. RFC 6749 §2.3 allows
 * one method a request; in `keycloak` realms the same credentials twice count as once.
 */
export function takeDoubledSecretOnce(realm: RealmContext): Middleware {
  return function takeSecretOnce(ctx, next) {
    if (realm.view.profile === 'keycloak' && isDoubled(ctx)) {
      const form = formOf(ctx);
      form.delete('client_secret');
      replaceForm(ctx, form);
    }
    return next();
  };
}

function isDoubled(ctx: Context): boolean {
  const basic = readBasic(ctx.headers.authorization);
  if (basic === undefined || basic === 'malformed') return false;
  const form = formOf(ctx);
  return form.get('client_id') === basic.id && form.get('client_secret') === basic.secret;
}
