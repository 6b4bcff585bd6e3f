import type { Context } from 'koa';
import { errors } from 'oidc-provider';
import { provenKeyFor } from './dpop.ts';
import type { RealmContext } from './realm-context.ts';

/** The thumbprint of the key that the request proves for this address (RFC 9449 §4.3), or what is wrong with the proof. */
export async function provenGuestKey(
  realm: RealmContext,
  ctx: Context,
  address: string,
): Promise<{ readonly jkt: string } | { readonly fault: string }> {
  try {
    const jkt = await provenKeyFor(realm, ctx, { method: ctx.method, address, owner: 'guest' });
    return jkt === undefined ? { fault: 'a DPoP proof is required' } : { jkt };
  } catch (error) {
    if (error instanceof errors.OIDCProviderError)
      return { fault: error.error_description ?? 'invalid DPoP proof' };
    throw error;
  }
}
