/**
 * Authorization and logout requests may be posted (OIDC Core §3.1.2.1, RP-Initiated Logout §2). A post from another
 * site comes without our cookies, so the person would seem to be signed out. The browser is redirected to the same
 * request by GET, which carries the cookies.
 */
import type { Context, Middleware } from 'koa';
import { FORM, formOf } from '../http/form.ts';
import { paths } from '../realm/addresses.ts';
import type { RealmContext } from '../realm/realm-context.ts';

/** The longest query that browsers and proxies accept; a larger request must be pushed (RFC 9126). */
export const LONGEST_QUERY = 8000;

const postable: ReadonlySet<string> = new Set([paths.authorization, paths.logout]);

export function readdressPostedRequests(realm: Pick<RealmContext, 'issuer'>): Middleware {
  return function readdressPostedRequest(ctx, next) {
    if (ctx.method !== 'POST' || !postable.has(ctx.path)) return next();
    if (ctx.is(FORM) === false) return refuse(ctx, 'a form was expected');
    const query = formOf(ctx).toString();
    if (query.length > LONGEST_QUERY) return refuse(ctx, 'the request is too long: push it first');
    ctx.status = 303;
    ctx.redirect(`${realm.issuer}${ctx.path}?${query}`);
    return undefined;
  };
}

function refuse(ctx: Context, problem: string): void {
  ctx.status = 400;
  ctx.body = { error: 'invalid_request', error_description: problem };
}
