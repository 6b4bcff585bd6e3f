/** The access token that a request shows outside the library's endpoints (RFC 6750 §2.1, RFC 9449 §7.1). */
import type { Context } from 'koa';
import { epochSeconds } from '../../base/clock.ts';
import { sha256 } from '../../base/hash.ts';
import { tokenKey } from '../../revocation/nodes.ts';
import type { Stamp } from '../../storage/port/port.ts';
import type { TokenRecord } from '../../tokens/record.ts';
import { usableToken } from '../../tokens/usable.ts';
import type { RealmContext } from '../realm/realm-context.ts';
import { type Proof, spendProof } from './dpop.ts';
import { proofOfToken } from './guest-proof.ts';

export type ShownToken = { readonly token: string; readonly isDpop: boolean };

/** The token of the `Authorization` header; `undefined` where it holds none. */
export function shownTokenOf(ctx: Context): ShownToken | undefined {
  const [, scheme, token] = /^(Bearer|DPoP) +([A-Za-z0-9._~+/-]+=*)$/i.exec(ctx.get('Authorization')) ?? [];
  return scheme === undefined || token === undefined
    ? undefined
    : { token, isDpop: scheme.toLowerCase() === 'dpop' };
}

export type Bearer = {
  readonly record: TokenRecord;
  readonly hash: string;
  /** When the store was read. */
  readonly readAt: Stamp;
};

type Use = ShownToken & {
  /** The address of the request, which the proof is for. */
  readonly address: string;
  /** The audiences of which the token must have one. */
  readonly audiences: readonly string[];
};

/**
 * The token as the realm knows it, when whoever shows it may use it here. `use_dpop_nonce`: the time or nonce of its
 * proof alone is wrong (RFC 9449 §8). One round trip, and one more to spend a proof.
 */
export async function usableBearer(
  realm: RealmContext,
  ctx: Context,
  use: Use,
): Promise<Bearer | 'use_dpop_nonce' | undefined> {
  const hash = sha256(use.token);
  const [document] = await realm.store.read([tokenKey(realm.name, hash)]);
  const read = use.isDpop ? await proofOfToken(realm, ctx, use) : undefined;
  if (read !== undefined && 'fault' in read && read.code === 'use_dpop_nonce') return 'use_dpop_nonce';
  const proof = read === undefined || 'fault' in read ? undefined : read;
  const { audiences } = use;
  const record = usableToken(document, {
    now: epochSeconds(realm.clock),
    proven: { jkt: proof?.jkt },
    audiences,
  });
  if (document === undefined || record === undefined) return undefined;
  if (use.isDpop && !(await isProven(realm, record, proof))) return undefined;
  return { record, hash, readAt: document.now };
}

/** The scheme DPoP is for tokens that are bound to a key; each proof counts once. */
async function isProven(
  realm: Pick<RealmContext, 'name' | 'store' | 'clock'>,
  record: TokenRecord,
  proof: Proof | undefined,
): Promise<boolean> {
  return proof !== undefined && proof.jkt === record.jkt && (await spendProof(realm, record.clientId, proof));
}
