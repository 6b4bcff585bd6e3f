/**
 * The one verifier of DPoP proofs outside the library's own endpoints (RFC 9449 §4.3): the grants that are ours, the
 * guest API, and proofs that a resource server was shown and asks about.
 */
import { calculateJwkThumbprint, EmbeddedJWK, type JWTPayload, jwtVerify } from 'jose';
import type { Context } from 'koa';
import { errors, type KoaContextWithOIDC } from 'oidc-provider';
import { sha256 } from '../../base/hash.ts';
import type { RealmContext } from '../realm/realm-context.ts';
import { isFirstUse } from './replay.ts';

/** The life of a proof in seconds, and the tolerated difference of clocks. */
const MAX_AGE = 300;
const TOLERANCE = 10;

export const dpopAlgorithms = ['ES256', 'EdDSA', 'PS256', 'RS256'] as const;

/** The request that a proof must name. */
export type ProofTarget = {
  readonly method: string;
  readonly address: string;
  /** The access token that the request carries; a proof names it in `ath` (§7). */
  readonly accessToken?: string;
};

export type Proof = { readonly jkt: string; readonly jti: string; readonly iat: number };

/** Verifies a proof, except that it is used once. Rejects with `invalid_dpop_proof`. */
export async function verifyProof(proof: string, target: ProofTarget): Promise<Proof> {
  const { payload, protectedHeader } = await verifySignature(proof);
  const { jti, iat } = payload;
  const { jwk } = protectedHeader;
  const mismatch = mismatchOf(payload, target);
  if (mismatch !== undefined) throw new errors.InvalidDpopProof(`DPoP proof ${mismatch} mismatch`);
  if (typeof jti !== 'string' || jti === '' || iat === undefined) {
    throw new errors.InvalidDpopProof('DPoP proof must have jti and iat');
  }
  if (jwk === undefined) throw new errors.InvalidDpopProof('DPoP proof must carry its public key');
  return { jkt: await calculateJwkThumbprint(jwk), jti, iat };
}

/** `EmbeddedJWK` takes public keys only. */
async function verifySignature(proof: string) {
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

/** The claim that does not fit this request, if any. */
function mismatchOf(payload: JWTPayload, target: ProofTarget): 'htm' | 'htu' | 'ath' | undefined {
  if (payload['htm'] !== target.method) return 'htm';
  if (!isSameAddress(payload['htu'], target.address)) return 'htu';
  const { accessToken } = target;
  return accessToken === undefined || payload['ath'] === sha256(accessToken) ? undefined : 'ath';
}

/** Query and fragment do not count (§4.3). */
function isSameAddress(htu: unknown, address: string): boolean {
  const [proven, actual] = [typeof htu === 'string' ? bareAddress(htu) : undefined, bareAddress(address)];
  return proven !== undefined && proven === actual;
}

function bareAddress(text: string): string | undefined {
  const address = URL.parse(text);
  if (address === null) return undefined;
  address.search = '';
  address.hash = '';
  return address.href;
}

/** The thumbprint of the proof's key, or `undefined` when the request carries no proof. Rejects with `invalid_dpop_proof`. */
export function provenKey(
  realm: Pick<RealmContext, 'name' | 'store' | 'clock'>,
  ctx: KoaContextWithOIDC,
): Promise<string | undefined> {
  const address = ctx.oidc.urlFor(ctx.oidc.route);
  return provenKeyFor(realm, ctx, { method: ctx.method, address, owner: ctx.oidc.client?.clientId ?? '' });
}

/** The same for requests outside the library. */
export async function provenKeyFor(
  realm: Pick<RealmContext, 'name' | 'store' | 'clock'>,
  ctx: Pick<Context, 'get'>,
  { owner, ...target }: ProofTarget & { readonly owner: string },
): Promise<string | undefined> {
  const shown = ctx.get('DPoP');
  if (shown === '') return undefined;
  const proof = await verifyProof(shown, target);
  if (!(await spendProof(realm, owner, proof))) {
    throw new errors.InvalidDpopProof('DPoP proof JWT Replay detected');
  }
  return proof.jkt;
}

/** Of the proofs of one `owner` each counts once: `false` for one that was used before. */
export function spendProof(
  realm: Pick<RealmContext, 'name' | 'store' | 'clock'>,
  owner: string,
  { jti, iat }: Proof,
): Promise<boolean> {
  return isFirstUse(realm, owner, jti, iat + MAX_AGE + TOLERANCE);
}
