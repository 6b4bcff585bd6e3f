/**
 * Revocation (RFC 7009) of tokens of every format, and Keycloak's logout by refresh token, which revokes a whole
 * session.
 */

import type { KoaContextWithOIDC } from 'oidc-provider';
import { epochSeconds } from '../../base/clock.ts';
import { minterOf } from '../../guest/guests.ts';
import { stateOf } from '../../http/request-state.ts';
import { GUEST_CUT_TTL, parentNode } from '../../revocation/guest-nodes.ts';
import { CUT_TTL } from '../../revocation/life.ts';
import { endGrant, tokenKey } from '../../revocation/nodes.ts';
import type { Write } from '../../storage/port/port.ts';
import { decodeToken, type TokenRecord } from '../../tokens/record.ts';
import { unitOf } from '../http/protocol-state.ts';
import { refreshHashOf } from '../profiles/refresh-shape.ts';
import type { RealmContext } from '../realm/realm-context.ts';
import { createSessions } from '../sessions/sessions.ts';
import { revokeGuest } from './guest-holder.ts';

/**
 * The client has been authenticated when this runs. The answer does not tell whether there was anything to revoke
 * (§2.2). Only the client that a token was issued to can revoke it (§2.1). A refresh token takes its grant along.
 */
export async function answerRevocation(
  realm: Pick<RealmContext, 'name' | 'store' | 'events' | 'guests' | 'clock' | 'findClient' | 'keys'>,
  ctx: KoaContextWithOIDC,
): Promise<void> {
  const found = await ownToken(realm, ctx);
  const { client, params } = ctx.oidc;
  if (found === undefined && client !== undefined && typeof params?.['token'] === 'string') {
    await revokeGuest(realm, params['token'], {
      requestSource: stateOf(ctx.req).source,
      clientId: client.clientId,
    });
  }
  if (found !== undefined) {
    await unitOf(ctx).now(await revocationWrites(realm, found));
    realm.events.emit({
      type: 'token.revoked',
      realm: realm.name,
      path: 'library',
      client: client?.clientId,
      source: stateOf(ctx.req).source,
    });
  }
  ctx.status = 200;
  ctx.set('Cache-Control', 'no-store');
  ctx.type = 'application/json';
  // An empty or a text body breaks common clients.
  ctx.body = {};
}

/**
 * The writes that revoke a token, and with it everything that was made from it: its guest tokens hang below its node. A
 * refresh token takes its grant along.
 */
export async function revocationWrites(
  realm: Pick<RealmContext, 'name' | 'clock' | 'findClient'>,
  { hash, record }: { readonly hash: string; readonly record: TokenRecord },
): Promise<readonly Write[]> {
  const below: Write = { close: parentNode(hash), realm: realm.name, ttl: await cutLifeOf(realm, record) };
  const { kind, grantId } = record;
  const grant = kind === 'RefreshToken' && grantId !== undefined ? [endGrant(realm.name, grantId)] : [];
  return [{ remove: tokenKey(realm.name, hash) }, below, ...grant];
}

/**
 * Seconds for which the revocation must be remembered: as long as the token, or a guest token that was made of it, can
 * live. Users' tokens may be exchanged by other clients, and make no guest without an end; a client's own token only by
 * itself, within its ceiling (a ceiling that was wider is cut by itself).
 */
async function cutLifeOf(
  realm: Pick<RealmContext, 'clock' | 'findClient'>,
  { exp, accountId, clientId }: TokenRecord,
): Promise<number> {
  if (accountId !== undefined) return CUT_TTL;
  const left = Math.max(0, exp - epochSeconds(realm.clock)) + MARGIN;
  const client = await realm.findClient(clientId);
  const ceiling = client && minterOf(client, undefined)?.ceiling;
  if (client?.mints === undefined) return left;
  if (ceiling === undefined || ceiling.allowNonExpiring) return GUEST_CUT_TTL;
  return left + Math.max(ceiling.maxTtl, ceiling.maxRefresh);
}

/** Until expired records are deleted. */
const MARGIN = 86_400;

/** Ends the session of a refresh token. Idempotent, without a body. Any other token ends nothing. */
export async function answerRefreshTokenLogout(
  realm: Pick<RealmContext, 'name' | 'store' | 'events' | 'background' | 'logger' | 'keys'>,
  ctx: KoaContextWithOIDC,
): Promise<void> {
  const found = await anyToken(realm, ctx);
  if (found?.record.kind === 'RefreshToken') {
    if (found.record.clientId !== ctx.oidc.client?.clientId) return refuseForeignToken(ctx);
    await endSessionOf(realm, ctx, found.record);
  }
  ctx.status = 204;
  ctx.body = null;
}

function refuseForeignToken(ctx: KoaContextWithOIDC): void {
  ctx.status = 400;
  ctx.body = {
    error: 'invalid_grant',
    error_description: "Invalid refresh token. Token client and authorized client don't match",
  };
}

/** Offline access does not belong to the session (OIDC Core §11): giving it up leaves the person signed in. */
async function endSessionOf(
  realm: Pick<RealmContext, 'name' | 'store' | 'events' | 'background' | 'logger'>,
  ctx: KoaContextWithOIDC,
  { grantId, sessionUid, scope }: TokenRecord,
): Promise<void> {
  if (grantId !== undefined) await unitOf(ctx).now([endGrant(realm.name, grantId)]);
  const isOffline = scope?.split(' ').includes('offline_access') === true;
  if (sessionUid !== undefined && !isOffline)
    await createSessions(realm, ctx.oidc.provider).end(sessionUid, stateOf(ctx.req).source);
}

async function ownToken(realm: Pick<RealmContext, 'name' | 'keys'>, ctx: KoaContextWithOIDC) {
  const found = await anyToken(realm, ctx);
  return found?.record.clientId === ctx.oidc.client?.clientId ? found : undefined;
}

async function anyToken(realm: Pick<RealmContext, 'name' | 'keys'>, ctx: KoaContextWithOIDC) {
  const token = ctx.oidc.params?.['token'];
  if (typeof token !== 'string') return undefined;
  const hash = refreshHashOf(token, realm.keys.secret);
  const document = await unitOf(ctx).read(tokenKey(realm.name, hash));
  const record = document && decodeToken(document.value);
  return record && { hash, record };
}
