/**
 * Revocation (RFC 7009) of tokens of every format, and Keycloak's logout by refresh token, which is the same thing
 * for a whole session.
 */
import type { KoaContextWithOIDC } from 'oidc-provider';
import { sha256 } from '../../base/hash.ts';
import type { Write } from '../../storage/store.ts';
import { endGrant, tokenKey } from '../../tokens/nodes.ts';
import { decodeToken, type TokenRecord } from '../../tokens/record.ts';
import type { RealmContext } from '../realm-context.ts';
import { refreshValueOf } from '../refresh-shape.ts';
import { createSessions } from '../sessions.ts';
import { unitOf } from '../unit-of-request.ts';

/**
 * The client has been authenticated when this runs. Whether there was anything to revoke is not told (§2.2), and
 * only the client a token was issued to can revoke it (§2.1). A refresh token takes its whole grant along.
 */
export async function answerRevocation(realm: RealmContext, ctx: KoaContextWithOIDC): Promise<void> {
  const found = await ownToken(realm, ctx);
  if (found !== undefined) {
    const writes: Write[] = [{ remove: tokenKey(realm.name, found.hash) }];
    const { kind, grantId } = found.record;
    if (kind === 'RefreshToken' && grantId !== undefined) writes.push(endGrant(realm.name, grantId));
    await unitOf(ctx).now(writes);
  }
  ctx.status = 200;
  ctx.type = 'application/json';
  // An empty or a text body breaks common clients.
  ctx.body = {};
}

/** Ends the session that a refresh token belongs to; idempotent, no body. */
export async function answerRefreshTokenLogout(realm: RealmContext, ctx: KoaContextWithOIDC): Promise<void> {
  const found = await anyToken(realm, ctx);
  if (found !== undefined && found.record.clientId !== ctx.oidc.client?.clientId) {
    ctx.status = 400;
    ctx.body = {
      error: 'invalid_grant',
      error_description: "Invalid refresh token. Token client and authorized client don't match",
    };
    return;
  }
  if (found !== undefined) await endSessionOf(realm, ctx, found.record);
  ctx.status = 204;
  ctx.body = null;
}

async function endSessionOf(
  realm: RealmContext,
  ctx: KoaContextWithOIDC,
  record: TokenRecord,
): Promise<void> {
  if (record.grantId !== undefined) await unitOf(ctx).now([endGrant(realm.name, record.grantId)]);
  if (record.sessionUid !== undefined) await createSessions(realm, ctx.oidc.provider).end(record.sessionUid);
}

async function ownToken(realm: RealmContext, ctx: KoaContextWithOIDC) {
  const found = await anyToken(realm, ctx);
  return found?.record.clientId === ctx.oidc.client?.clientId ? found : undefined;
}

async function anyToken(realm: RealmContext, ctx: KoaContextWithOIDC) {
  const token = ctx.oidc.params?.['token'];
  if (typeof token !== 'string') return undefined;
  const hash = sha256(refreshValueOf(token));
  const document = await unitOf(ctx).read(tokenKey(realm.name, hash));
  const record = document && decodeToken(document.value);
  return record && { hash, record };
}
