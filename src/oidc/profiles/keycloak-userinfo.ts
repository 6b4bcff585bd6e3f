import type { Context } from 'koa';
import type { LibraryError } from './profile.ts';

const descriptions: Readonly<Record<string, string>> = {
  invalid_token: 'Token verification failed',
  insufficient_scope: 'Missing openid scope',
};

/** Keycloak puts the error into the challenge (RFC 6750 §3) and sends no body. */
export function shapeUserinfo(ctx: Context, realmName: string, { error }: LibraryError): void {
  const isBare = error === 'invalid_token' && ctx.get('Authorization') === '';
  const description = descriptions[error];
  const details = [
    ...(isBare ? [] : [`error="${error}"`]),
    ...(isBare || description === undefined ? [] : [`error_description="${description}"`]),
  ];
  const scheme = ctx.get('DPoP') === '' ? 'Bearer' : 'DPoP';
  ctx.set('WWW-Authenticate', `${scheme} ${[`realm="${realmName}"`, ...details].join(', ')}`);
  ctx.body = '';
  ctx.type = 'text/plain';
}
