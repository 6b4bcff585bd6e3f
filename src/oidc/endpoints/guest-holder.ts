/**
 * Requests of a browser that holds a guest token, without client credentials: revoke it (RFC 7009), and refresh it
 * with a proof of the key that it is bound to.
 */

import type { Context, Middleware } from 'koa';
import { errors } from 'oidc-provider';
import { sha256 } from '../../base/hash.ts';
import { REFRESH_PREFIX } from '../../guest/issue/refresh-value.ts';
import { decodeGuest, decodeGuestRefresh } from '../../guest/record/guest-record.ts';
import { HOLDER } from '../../guest/trail/trail.ts';
import { stateOf } from '../../http/request-state.ts';
import { TooMany } from '../../limits/too-many.ts';
import type { RequestSource } from '../../observability/request-source.ts';
import { tokenKey } from '../../revocation/nodes.ts';
import { certificateThumbprint } from '../grants/possession.ts';
import { orThrow, refresh, respond, tokenExchangeGrant } from '../grants/token-exchange.ts';
import { tokenTypes } from '../grants/token-types.ts';
import { formOf, replaceForm } from '../http/form.ts';
import { protocolStateOf } from '../http/protocol-state.ts';
import { TooManyRequests } from '../library/errors.ts';
import { provenKeyFor } from '../proofs/dpop.ts';
import type { RealmContext } from '../realm/realm-context.ts';
import { takeOfStranger } from '../realm/strangers.ts';

const REVOKE_PATH = '/protocol/openid-connect/revoke';
const TOKEN_PATH = '/protocol/openid-connect/token';
const guestLooks = /^(dpg_|dpgr_|[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$)/;

/** Revokes a guest token with its chain of refreshes: by its minter, or (without `clientId`) by its holder. */
export async function revokeGuest(
  realm: Pick<RealmContext, 'name' | 'store' | 'guests'>,
  value: string,
  { requestSource, clientId }: { readonly requestSource: RequestSource; readonly clientId?: string },
): Promise<boolean> {
  const [document] = await realm.store.read([tokenKey(realm.name, sha256(value))]);
  if (document === undefined) return false;
  const record = decodeGuest(document.value) ?? decodeGuestRefresh(document.value)?.guest;
  if (record === undefined || (clientId !== undefined && record.clientId !== clientId)) return false;
  await realm.guests.revokeAll(realm.name, [record], { by: clientId ?? HOLDER, ...requestSource });
  return true;
}

export function guestHolder(realm: RealmContext): Middleware {
  return async function answerGuestHolder(ctx, next) {
    if (ctx.method === 'POST' && ctx.path === REVOKE_PATH && isAnonymous(ctx))
      return revoke(realm, ctx, next);
    const isRefresh = ctx.method === 'POST' && ctx.path === TOKEN_PATH && isGuestRefresh(ctx);
    if (!isRefresh) return next();
    if (isAnonymous(ctx)) return refreshByKey(realm, ctx);
    asExchange(ctx);
    return next();
  };
}

function isAnonymous(ctx: Context): boolean {
  const form = formOf(ctx);
  return ctx.get('Authorization') === '' && !form.has('client_id') && !form.has('client_assertion');
}

function isGuestRefresh(ctx: Context): boolean {
  const form = formOf(ctx);
  return (
    form.get('grant_type') === 'refresh_token' &&
    form.get('refresh_token')?.startsWith(REFRESH_PREFIX) === true
  );
}

/** The answer does not tell whether there was anything to revoke. */
async function revoke(
  realm: Pick<RealmContext, 'name' | 'store' | 'guests'>,
  ctx: Context,
  next: () => Promise<unknown>,
): Promise<unknown> {
  const value = formOf(ctx).get('token') ?? '';
  const isGuest = await revokeGuest(realm, value, { requestSource: stateOf(ctx.req).source });
  if (!isGuest && !guestLooks.test(value)) return next();
  ctx.set({ 'Cache-Control': 'no-store', 'Access-Control-Allow-Origin': '*' });
  ctx.status = 200;
  ctx.body = {};
  return undefined;
}

async function refreshByKey(realm: RealmContext, ctx: Context): Promise<void> {
  ctx.set({ 'Cache-Control': 'no-store', Pragma: 'no-cache', 'Access-Control-Allow-Origin': '*' });
  try {
    // A proof is remembered before anything shows that its sender holds a token.
    const giveBack = await takeOfStranger(realm, ctx.req, 'proofs');
    const address = `${realm.issuer}${TOKEN_PATH}`;
    const jkt = await provenKeyFor(realm, ctx, { method: 'POST', address, owner: 'guest' });
    const form = formOf(ctx);
    const value = form.get('refresh_token') ?? '';
    const order = {
      value,
      jkt,
      'x5t#S256': certificateThumbprint(realm, ctx),
      scope: form.get('scope') || undefined,
      requestSource: stateOf(ctx.req).source,
    };
    ctx.body = respond(orThrow(await refresh(realm, order)), tokenTypes.accessToken);
    ctx.status = 200;
    giveBack();
  } catch (thrown) {
    const error = thrown instanceof TooMany ? new TooManyRequests(thrown) : thrown;
    if (!(error instanceof errors.OIDCProviderError)) throw error;
    if (error instanceof TooManyRequests) ctx.set({ ...error.fields });
    ctx.status = error.statusCode;
    ctx.body = { error: error.error, error_description: error.error_description };
  }
}

/**
 * The library authenticates the client and runs the exchange grant, which also refreshes guests. The request state,
 * and no parameter, says that it is a refresh: so no caller can turn an exchange into one.
 */
function asExchange(ctx: Context): void {
  const form = new URLSearchParams(formOf(ctx));
  protocolStateOf(ctx).guestRefreshToken = form.get('refresh_token') ?? '';
  for (const name of ['refresh_token', 'authorization_details']) form.delete(name);
  form.set('grant_type', tokenExchangeGrant.name);
  replaceForm(ctx, form);
}
