/**
 * Who calls the admin API: the bearer of an access token for Daypass itself, issued by the realm of the address or by
 * the realm of the administrators, which sees all realms.
 */
import type { Context } from 'koa';
import { stateOf } from '../../../http/request-state.ts';
import { shownTokenOf, usableBearer } from '../../../oidc/proofs/bearer.ts';
import type { RealmProvider } from '../../../oidc/provider/provider.ts';
import type { ProviderPool } from '../../../oidc/provider/provider-pool.ts';
import type { RealmContext } from '../../../oidc/realm/realm-context.ts';
import { type AdminPermission, adminApi } from '../../../registry/model/built-in-api.ts';
import type { Actor } from '../../../registry/store/change-log.ts';
import { clientNode, userNode } from '../../../revocation/nodes.ts';
import type { Stamp } from '../../../storage/port/port.ts';
import { permits } from '../../../tokens/current-rights.ts';
import type { TokenRecord } from '../../../tokens/record.ts';

export type AdminCaller = {
  /** As it is written down with every change. */
  readonly actor: Actor;
  /** The realm that issued the token. */
  readonly realm: string;
  /** Whether that is the realm of the administrators of all realms. */
  readonly isServerWide: boolean;
  /** Whether the token has the permission, and its roles still give it. */
  may(permission: AdminPermission): boolean;
};

type Finding = {
  readonly pool: ProviderPool;
  readonly publicUrl: string;
  readonly adminRealm: string;
};

/** Why there is no caller; a challenge names it (RFC 6750 §3.1, RFC 9449 §7.1). */
export type NoCaller = { readonly challenge: 'none' | 'invalid_token' | 'use_dpop_nonce' };

/** `realm`: of the address; absent at the addresses of all realms. */
export async function findCaller(
  { pool, publicUrl, adminRealm }: Finding,
  ctx: Context,
  { realm, path }: { readonly realm: string | undefined; readonly path: string },
): Promise<AdminCaller | NoCaller> {
  const shown = shownTokenOf(ctx);
  if (shown === undefined) return { challenge: 'none' };
  const use = { ...shown, address: `${publicUrl}${path}`, audiences: [adminApi.audience] };
  // A token does not tell its realm. Both are asked in the same order, whoever calls.
  for (const name of new Set([adminRealm, ...(realm === undefined ? [] : [realm])])) {
    const found = await callerIn(await pool.find(name), ctx, use);
    if (found === 'use_dpop_nonce') return { challenge: found };
    if (found !== undefined) return { ...found, isServerWide: name === adminRealm };
  }
  return { challenge: 'invalid_token' };
}

type Use = Parameters<typeof usableBearer>[2];
type InRealm = Omit<AdminCaller, 'isServerWide'>;

async function callerIn(
  provider: RealmProvider | 'disabled' | undefined,
  ctx: Context,
  use: Use,
): Promise<InRealm | 'use_dpop_nonce' | undefined> {
  if (provider === undefined || provider === 'disabled') return undefined;
  const found = await usableBearer(provider.realm, ctx, use);
  return found === 'use_dpop_nonce' ? found : found && callerOf(provider.realm, ctx, found);
}

/** Whoever the token was issued to: a user, or a client that is still enabled. */
async function callerOf(
  realm: RealmContext,
  ctx: Context,
  { record, readAt }: { readonly record: TokenRecord; readonly readAt: Stamp },
): Promise<InRealm | undefined> {
  const { accountId, clientId } = record;
  if (accountId === undefined && (await realm.findClient(clientId))?.enabled !== true) return undefined;
  const { id: requestId, source } = stateOf(ctx.req);
  const node = accountId === undefined ? clientNode(clientId) : userNode(accountId);
  return {
    actor: {
      kind: accountId === undefined ? 'client' : 'user',
      id: accountId ?? clientId,
      realm: realm.name,
      source,
      requestId,
      rights: { node, since: readAt },
    },
    realm: realm.name,
    may: (permission) => permits(record, realm.view, adminApi.audience, permission),
  };
}
