import type { Context, Middleware } from 'koa';
import { formOf, replaceForm } from '../http/form.ts';
import type { RealmContext } from '../realm/realm-context.ts';

/** RFC 6749 §2.3 allows one method a request; where the profile says so, the same credentials twice count as once. */
export function takeDoubledSecretOnce({ profile: { clientAuthentication } }: RealmContext): Middleware {
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
  const [scheme = '', encoded = ''] = ctx.get('Authorization').split(' ');
  const form = formOf(ctx);
  const [id, secret] = [form.get('client_id'), form.get('client_secret')];
  if (scheme.toLowerCase() !== 'basic' || id === null || secret === null) return false;
  return Buffer.from(encoded, 'base64').toString() === `${id}:${secret}`;
}
