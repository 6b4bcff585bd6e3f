import type { Context } from 'koa';
import { errors } from 'oidc-provider';
import type { RealmContext } from '../realm/realm-context.ts';
import { type Proof, provenKeyFor, verifyProof } from './dpop.ts';

/**
 * The thumbprint of the key that the request proves for this address (RFC 9449 §4.3), or what is wrong with the
 * proof. Of the proofs of one `owner` each counts once.
 */
export async function provenGuestKey(
  realm: Pick<RealmContext, 'name' | 'store' | 'clock'>,
  ctx: Context,
  { address, owner }: { readonly address: string; readonly owner: string },
): Promise<{ readonly jkt: string } | { readonly fault: string }> {
  try {
    const jkt = await provenKeyFor(realm, ctx, { method: ctx.method, address, owner });
    return jkt === undefined ? { fault: 'a DPoP proof is required' } : { jkt };
  } catch (error) {
    if (error instanceof errors.OIDCProviderError)
      return { fault: error.error_description ?? 'invalid DPoP proof' };
    throw error;
  }
}

/** The proof that a request carries beside its access token (RFC 9449 §7.1); `undefined` when it does not hold. */
export async function proofOfToken(
  ctx: Context,
  { token, address }: { readonly token: string; readonly address: string },
): Promise<Proof | undefined> {
  try {
    return await verifyProof(ctx.get('DPoP'), { method: ctx.method, address, accessToken: token });
  } catch (error) {
    if (error instanceof errors.OIDCProviderError) return undefined;
    throw error;
  }
}
