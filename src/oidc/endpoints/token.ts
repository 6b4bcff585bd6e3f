/** What surrounds the library's token endpoint: one atomic commit, and the members that Keycloak's clients read. */

import type { KoaContextWithOIDC, RefreshToken } from 'oidc-provider';
import { epochSeconds } from '../../base/clock.ts';
import { tokenKey } from '../../revocation/nodes.ts';
import { decodeToken } from '../../tokens/record.ts';
import { unitOf } from '../http/protocol-state.ts';
import { renewRefreshToken } from '../library/internals.ts';
import { refreshHashOf } from '../profiles/refresh-shape.ts';
import type { RealmContext } from '../realm/realm-context.ts';

/** Commits the writes of the grant, then completes the answer. Nothing is answered that is not in the store. */
export async function finishTokenRequest(realm: RealmContext, ctx: KoaContextWithOIDC): Promise<void> {
  const unit = unitOf(ctx);
  if (ctx.status !== 200) {
    unit.discard();
    return;
  }
  const { RefreshToken: refreshToken, RotatedRefreshToken: rotated } = ctx.oidc.entities;
  const isKept = ctx.oidc.params?.['grant_type'] === 'refresh_token' && rotated === undefined;
  if (refreshToken !== undefined && isKept) {
    await renewRefreshToken(ctx, refreshToken, epochSeconds(realm.clock));
  }
  await unit.commit();
  const sid = ctx.oidc.entities.AccessToken?.sessionUid;
  ctx.body = {
    scope: '',
    ...asObject(ctx.body),
    ...(await refreshFields(realm, ctx, refreshToken)),
    'not-before-policy': 0,
    ...(sid === undefined ? {} : { session_state: sid }),
  };
}

function asObject(body: unknown): object {
  return typeof body === 'object' && body !== null ? body : {};
}

async function refreshFields(realm: RealmContext, ctx: KoaContextWithOIDC, token: RefreshToken | undefined) {
  if (token === undefined) return 'refresh_expires_in' in asObject(ctx.body) ? {} : { refresh_expires_in: 0 };
  const now = epochSeconds(realm.clock);
  const { shape } = realm.profile.refreshTokens;
  if (shape === undefined) {
    // A token that was just made has a lifetime but no `exp` yet.
    return { refresh_expires_in: token.exp === undefined ? token.expiration : token.exp - now };
  }
  const hash = refreshHashOf(token.jti, realm.keys.secret);
  const { issuedAt, expiresAt } = await storedTimes(realm, ctx, hash);
  const wrapping = {
    issuer: realm.issuer,
    clientId: ctx.oidc.client?.clientId ?? '',
    subject: token.accountId ?? '',
    sessionId: token.sessionUid,
    scope: token.scope ?? '',
    issuedAt,
    expiresAt,
  };
  const refreshToken = await shape(hash, wrapping, realm.keys.secret);
  return { refresh_token: refreshToken, refresh_expires_in: expiresAt - now };
}

/** Of several refreshes within the grace one wrote the successor; all of them answer with its times. */
async function storedTimes(
  realm: Pick<RealmContext, 'name' | 'store'>,
  ctx: KoaContextWithOIDC,
  hash: string,
) {
  const key = tokenKey(realm.name, hash);
  const isSuccessor = ctx.oidc.entities.RotatedRefreshToken !== undefined;
  const [document] = isSuccessor ? await realm.store.read([key]) : [await unitOf(ctx).read(key)];
  const record = document && decodeToken(document.value);
  return { issuedAt: record?.iat ?? 0, expiresAt: record?.exp ?? 0 };
}
