/**
 * Authenticates a caller of the JSON API of guest tokens: a client by its credentials, or the bearer of an access
 * token for Daypass itself, which is a client's own or has the permission to manage the realm's guest tokens.
 */

import type { Context } from 'koa';
import { minterOf } from '../../guest/guests.ts';
import type { ParentToken } from '../../guest/issue/mint-order.ts';
import type { Minter } from '../../guest/limits/guest-realm.ts';
import { provenClient } from '../../oidc/client-auth/proven-client.ts';
import { type ShownToken, shownTokenOf, usableBearer } from '../../oidc/proofs/bearer.ts';
import type { RealmProvider } from '../../oidc/provider/provider.ts';
import type { RealmContext } from '../../oidc/realm/realm-context.ts';
import { adminApi } from '../../registry/model/built-in-api.ts';
import type { Client } from '../../registry/model/model.ts';
import { grantable } from '../../registry/model/permissions.ts';
import { parentNode } from '../../revocation/guest-nodes.ts';
import { nodesOf } from '../../revocation/nodes.ts';
import type { Stamp } from '../../storage/port/port.ts';
import { permits } from '../../tokens/current-rights.ts';
import type { TokenRecord } from '../../tokens/record.ts';

const MANAGE = 'guests:manage';

export type GuestApiCaller = {
  /** The name in trails: the id of a client or user. */
  readonly name: string;
  /** Absent for a user. */
  readonly clientId?: string;
  /** Present when it may mint. */
  readonly minter?: Minter;
  /** True when it may see, change and cut every guest token of the realm. */
  readonly isManager: boolean;
  /** The access token of the call: what is minted with it dies with it. */
  readonly parent?: ParentToken;
  readonly readAt?: Stamp;
  /** The key that this token is bound to, proven by the request. */
  readonly jkt?: string;
};

/** No caller was authenticated. `DPoP`: by the time or nonce of the proof alone (RFC 9449 §8). */
export type Unauthenticated = { readonly scheme: 'Basic' | 'Bearer' | 'DPoP' };

/** `path`: of the request, below the realm. */
export async function guestApiCaller(
  provider: RealmProvider,
  ctx: Context,
  path: string,
): Promise<GuestApiCaller | Unauthenticated> {
  const shown = shownTokenOf(ctx);
  if (shown !== undefined) {
    const address = `${provider.realm.issuer}${path}`;
    return (await bearer(provider.realm, ctx, { ...shown, address })) ?? { scheme: 'Bearer' };
  }
  return (await client(provider, ctx)) ?? { scheme: 'Basic' };
}

async function client(provider: RealmProvider, ctx: Context): Promise<GuestApiCaller | undefined> {
  const found = await provenClient(provider.clientAuth, ctx.req, nameOf(ctx));
  return found && clientCaller(provider.realm, found, managesByRoles(provider.realm, found));
}

/** A client with a certificate names itself in the query. */
function nameOf({ query }: Context): string | undefined {
  const { client_id: id } = query;
  return typeof id === 'string' ? id : undefined;
}

function clientCaller(
  { registry }: Pick<RealmContext, 'registry'>,
  found: Client,
  isManager: boolean,
): GuestApiCaller {
  const minter = minterOf(found, registry.readAt(found));
  return { name: found.id, clientId: found.id, isManager, ...(minter === undefined ? {} : { minter }) };
}

/** The same as a token of the client would grant. */
function managesByRoles({ view }: Pick<RealmContext, 'view'>, { roles, permissions }: Client): boolean {
  return grantable(adminApi, view.permissionsOfRoles(roles), permissions).has(MANAGE);
}

async function bearer(
  realm: RealmContext,
  ctx: Context,
  shown: ShownToken & { readonly address: string },
): Promise<GuestApiCaller | Unauthenticated | undefined> {
  // A token for any other API is in the hands of that API, which could act as the client here (RFC 9700 §2.3).
  const audiences = [adminApi.audience, realm.issuer];
  const found = await usableBearer(realm, ctx, { ...shown, audiences });
  if (found === 'use_dpop_nonce') return { scheme: 'DPoP' };
  return found && callerOf(realm, found.record, found);
}

/** Whoever the token was issued to: a user, or a client that is still enabled. */
async function callerOf(
  realm: RealmContext,
  record: TokenRecord,
  { hash, readAt }: { readonly hash: string; readonly readAt: Stamp },
): Promise<GuestApiCaller | undefined> {
  const isManager = permits(record, realm.view, adminApi.audience, MANAGE);
  if (record.accountId !== undefined) return { name: record.accountId, isManager };
  const found = await realm.findClient(record.clientId);
  if (found?.enabled !== true) return undefined;
  const parent = { nodes: [parentNode(hash), ...nodesOf(record)] };
  const { jkt } = record;
  return {
    ...clientCaller(realm, found, isManager),
    parent,
    readAt,
    ...(jkt === undefined ? {} : { jkt }),
  };
}
