import type { Context } from 'koa';
import { errors } from 'oidc-provider';
import type { RealmContext } from '../realm/realm-context.ts';
import { type Proof, provenKeyFor, verifyProof } from './dpop.ts';

/** Why a proof does not count: `use_dpop_nonce` when a repetition with the nonce of the answer would (RFC 9449 §8). */
export type ProofFault = { readonly code: 'invalid_request' | 'use_dpop_nonce'; readonly fault: string };

/**
 * The thumbprint of the key that the request proves for this address (RFC 9449 §4.3), or what is wrong with the
 * proof. Of the proofs of one `owner` each counts once.
 */
export async function provenGuestKey(
  realm: Pick<RealmContext, 'name' | 'store' | 'clock' | 'keys'>,
  ctx: Context,
  { address, owner }: { readonly address: string; readonly owner: string },
): Promise<{ readonly jkt: string } | ProofFault> {
  const proven = await orFault(() => provenKeyFor(realm, ctx, { method: ctx.method, address, owner }));
  if (proven === undefined) return { code: 'invalid_request', fault: 'a DPoP proof is required' };
  return typeof proven === 'string' ? { jkt: proven } : proven;
}

/** The proof that a request carries beside its access token (RFC 9449 §7.1), or why it does not hold. */
export function proofOfToken(
  realm: Pick<RealmContext, 'clock' | 'keys'>,
  ctx: Context,
  { token, address }: { readonly token: string; readonly address: string },
): Promise<Proof | ProofFault> {
  const target = { method: ctx.method, address, accessToken: token };
  return orFault(() => verifyProof(realm, ctx, ctx.get('DPoP'), target));
}

async function orFault<T>(verify: () => Promise<T>): Promise<T | ProofFault> {
  try {
    return await verify();
  } catch (error) {
    if (!(error instanceof errors.OIDCProviderError)) throw error;
    const code = error instanceof errors.UseDpopNonce ? 'use_dpop_nonce' : 'invalid_request';
    return { code, fault: error.error_description ?? 'invalid DPoP proof' };
  }
}
