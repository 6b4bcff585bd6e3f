/**
 * DPoP proofs at the grants that are ours (RFC 9449 §4.3); the library checks them at its own.
 */
import { calculateJwkThumbprint, EmbeddedJWK, jwtVerify } from 'jose';
import type { Context } from 'koa';
import { errors, type KoaContextWithOIDC } from 'oidc-provider';
import type { RealmContext } from '../realm/realm-context.ts';
import { isFirstUse } from './replay.ts';

/** Seconds that a proof counts, and by how much clocks may differ. */
const MAX_AGE = 300;
const TOLERANCE = 10;

export const dpopAlgorithms = ['ES256', 'EdDSA', 'PS256', 'RS256'] as const;

/** What a proof must be for. Of the proofs of one `owner` (a client) each is good once. */
export type ProofTarget = { readonly method: string; readonly address: string; readonly owner: string };

/** The thumbprint of the proof's key, or `undefined` when the request carries no proof. Throws `invalid_dpop_proof`. */
export function provenKey(realm: RealmContext, ctx: KoaContextWithOIDC): Promise<string | undefined> {
  const address = ctx.oidc.urlFor(ctx.oidc.route);
  return provenKeyFor(realm, ctx, { method: ctx.method, address, owner: ctx.oidc.client?.clientId ?? '' });
}

/** The same where the library knows no client. */
export async function provenKeyFor(
  realm: RealmContext,
  ctx: Pick<Context, 'get'>,
  { method, address, owner }: ProofTarget,
): Promise<string | undefined> {
  const proof = ctx.get('DPoP');
  if (proof === '') return undefined;
  const { payload, protectedHeader } = await verify(proof);
  if (payload['htm'] !== method) throw new errors.InvalidDpopProof('DPoP proof htm mismatch');
  if (!isAddress(payload['htu'], address)) throw new errors.InvalidDpopProof('DPoP proof htu mismatch');
  const { jti, iat } = payload;
  if (typeof jti !== 'string' || jti === '' || iat === undefined) {
    throw new errors.InvalidDpopProof('DPoP proof must have jti and iat');
  }
  const { jwk } = protectedHeader;
  if (jwk === undefined) throw new errors.InvalidDpopProof('DPoP proof must carry its public key');
  const isFirst = await isFirstUse(realm, owner, jti, iat + MAX_AGE + TOLERANCE);
  if (!isFirst) throw new errors.InvalidDpopProof('DPoP proof JWT Replay detected');
  return calculateJwkThumbprint(jwk);
}

/** `EmbeddedJWK` takes public keys only. */
async function verify(proof: string) {
  try {
    return await jwtVerify(proof, EmbeddedJWK, {
      algorithms: [...dpopAlgorithms],
      typ: 'dpop+jwt',
      maxTokenAge: MAX_AGE,
      clockTolerance: TOLERANCE,
    });
  } catch (cause) {
    throw new errors.InvalidDpopProof('invalid DPoP key binding', { cause });
  }
}

/** Query and fragment do not count (§4.3). */
function isAddress(htu: unknown, expected: string): boolean {
  const address = typeof htu === 'string' ? URL.parse(htu) : null;
  if (address === null) return false;
  address.search = '';
  address.hash = '';
  return address.href === new URL(expected).href;
}
