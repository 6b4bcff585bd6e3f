import type { Context, Middleware } from 'koa';
import { readBasic } from '../../http/basic.ts';
import { formOf, replaceForm } from '../http/form.ts';
import type { RealmContext } from '../realm/realm-context.ts';

/** RFC 6749 §2.3 allows one method a request; where the profile says so, the same credentials twice count as once. */
export function takeDoubledSecretOnce({
  profile: { clientAuthentication },
}: Pick<RealmContext, 'profile'>): Middleware {
  return function takeSecretOnce(ctx, next) {
    if (clientAuthentication.allowsRepeatedSecret && isDoubled(ctx)) {
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
