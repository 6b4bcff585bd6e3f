import type { Context } from 'koa';
import type { RealmContext } from '../realm/realm-context.ts';

type Thrown = { readonly error: string; readonly error_description?: string | undefined };

const descriptions: Readonly<Record<string, string>> = {
  invalid_token: 'Token verification failed',
  insufficient_scope: 'Missing openid scope',
};

/** Keycloak says all there is to say in the challenge (RFC 6750 §3) and sends no body. */
export function shortenUserinfoError(realm: RealmContext, ctx: Context, { error }: Thrown): void {
  const isBare = error === 'invalid_token' && ctx.get('Authorization') === '';
  const description = descriptions[error];
  const details = [
    ...(isBare ? [] : [`error="${error}"`]),
    ...(isBare || description === undefined ? [] : [`error_description="${description}"`]),
  ];
  const scheme = ctx.get('DPoP') === '' ? 'Bearer' : 'DPoP';
  ctx.set('WWW-Authenticate', `${scheme} ${[`realm="${realm.name}"`, ...details].join(', ')}`);
  ctx.body = '';
  ctx.type = 'text/plain';
}
