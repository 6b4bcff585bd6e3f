/**
 * DPoP proofs at the grants that are ours (RFC 9449 §4.3); the library checks them at its own.
 */
import { calculateJwkThumbprint, EmbeddedJWK, jwtVerify } from 'jose';
import { errors, type KoaContextWithOIDC } from 'oidc-provider';

const MAX_AGE = 300;
const algorithms = ['ES256', 'EdDSA', 'PS256', 'RS256'];

/** The thumbprint of the proof's key, or `undefined` when the request carries no proof. Throws `invalid_dpop_proof`. */
export async function provenKey(ctx: KoaContextWithOIDC): Promise<string | undefined> {
  const proof = ctx.get('DPoP');
  if (proof === '') return undefined;
  const { payload, protectedHeader } = await verify(proof);
  if (payload['htm'] !== ctx.method) throw new errors.InvalidDpopProof('DPoP proof htm mismatch');
  if (payload['htu'] !== ctx.oidc.urlFor(ctx.oidc.route))
    throw new errors.InvalidDpopProof('DPoP proof htu mismatch');
  const { jti, iat } = payload;
  if (jti === undefined || iat === undefined)
    throw new errors.InvalidDpopProof('DPoP proof lacks jti or iat');
  const { jwk } = protectedHeader;
  if (jwk === undefined || 'd' in jwk)
    throw new errors.InvalidDpopProof('DPoP proof must carry a public key');
  const clientId = ctx.oidc.client?.clientId ?? '';
  const isFirst = await ctx.oidc.provider.ReplayDetection.unique(clientId, jti, iat + MAX_AGE);
  if (!isFirst) throw new errors.InvalidDpopProof('DPoP proof JWT Replay detected');
  return calculateJwkThumbprint(jwk);
}

async function verify(proof: string) {
  try {
    return await jwtVerify(proof, EmbeddedJWK, {
      algorithms,
      typ: 'dpop+jwt',
      maxTokenAge: MAX_AGE,
      clockTolerance: 10,
    });
  } catch (cause) {
    throw new errors.InvalidDpopProof('invalid DPoP proof', {
      cause: cause instanceof Error ? cause.message : '',
    });
  }
}
