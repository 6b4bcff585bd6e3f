/**
 * Keycloak's `POST /logout` with a refresh token and the client's authentication (a public client's `client_id`): in
 * both profiles. It goes to the revocation route, which authenticates the client as it does for revocation.
 */
import type { Context, Middleware, Next } from 'koa';
import { formOf, replaceForm } from '../http/form.ts';
import { protocolStateOf } from '../http/protocol-state.ts';
import { paths } from '../realm/addresses.ts';

export function routeLogoutByToken(): Middleware {
  return function routeRefreshTokenLogout(ctx: Context, next: Next) {
    const form = formOf(ctx);
    const token = form.get('refresh_token');
    if (ctx.path !== paths.logout || ctx.method !== 'POST' || token === null) return next();
    form.delete('refresh_token');
    form.set('token', token);
    replaceForm(ctx, form);
    ctx.path = paths.revocation;
    protocolStateOf(ctx).isLogoutByToken = true;
    return next();
  };
}

export function isLogoutByToken(ctx: Pick<Context, 'req'>): boolean {
  return protocolStateOf(ctx).isLogoutByToken === true;
}
