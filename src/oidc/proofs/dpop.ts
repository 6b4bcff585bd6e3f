/**
 * The one verifier of DPoP proofs outside the library's own endpoints (RFC 9449 §4.3): the grants that are ours, the
 * guest API, and proofs that a resource server was shown and asks about.
 */
import { calculateJwkThumbprint, EmbeddedJWK, type JWTPayload, jwtVerify } from 'jose';
import type { Context } from 'koa';
import { errors, type KoaContextWithOIDC } from 'oidc-provider';
import { epochSeconds } from '../../base/clock.ts';
import { sha256 } from '../../base/hash.ts';
import { isIssuedNonce, nextNonce } from '../library/nonces.ts';
import type { RealmContext } from '../realm/realm-context.ts';
import { isFirstUse } from './replay.ts';

/** The life of a proof in seconds, and how far the clock of its browser may be wrong without a nonce (§11.1). */
const MAX_AGE = 300;
const TOLERANCE = 60;

/** The longest nonce that is compared; those of a realm have 43 characters. */
const MAX_NONCE = 128;

export const dpopAlgorithms = ['ES256', 'EdDSA', 'PS256', 'RS256'] as const;

/** The request that a proof must name. */
export type ProofTarget = {
  readonly method: string;
  readonly address: string;
  /** The access token that the request carries; a proof names it in `ath` (§7). */
  readonly accessToken?: string;
};

export type Proof = {
  readonly jkt: string;
  readonly jti: string;
  /** The time in which the same proof would be accepted again, in seconds from 1970. */
  readonly until: number;
};

type ProofRealm = Pick<RealmContext, 'clock' | 'keys'>;

/**
 * Verifies a proof, except that it is used once. A proof that holds but for its time or its nonce is `stale`: its
 * sender may repeat it with a nonce. Rejects with `invalid_dpop_proof`.
 */
export async function readProof(
  realm: ProofRealm,
  proof: string,
  target: ProofTarget,
): Promise<Proof & { readonly age: Age }> {
  const { payload, protectedHeader } = await verifySignature(proof);
  const { jti, iat, nonce } = payload;
  const { jwk } = protectedHeader;
  const mismatch = mismatchOf(payload, target);
  if (mismatch !== undefined) throw new errors.InvalidDpopProof(`DPoP proof ${mismatch} mismatch`);
  if (typeof jti !== 'string' || jti === '' || iat === undefined) {
    throw new errors.InvalidDpopProof('DPoP proof must have jti and iat');
  }
  if (jwk === undefined) throw new errors.InvalidDpopProof('DPoP proof must carry its public key');
  const now = epochSeconds(realm.clock);
  const age = { isRecent: isRecent(iat, now), nonce: judgeNonce(realm, now, nonce) };
  // A nonce is accepted for less than MAX_AGE, whatever the time of the proof.
  const until = age.nonce === 'issued' ? now + MAX_AGE : iat + MAX_AGE + TOLERANCE;
  return { jkt: await calculateJwkThumbprint(jwk), jti, until, age };
}

/** What says that a proof is a new one: its time, or a nonce that the realm issued a short time ago. */
export type Age = { readonly isRecent: boolean; readonly nonce: 'none' | 'issued' | 'unknown' };

function isRecent(iat: number, now: number): boolean {
  return iat <= now + TOLERANCE && iat >= now - MAX_AGE - TOLERANCE;
}

function judgeNonce(realm: ProofRealm, now: number, nonce: unknown): Age['nonce'] {
  if (nonce === undefined) return 'none';
  if (typeof nonce !== 'string' || nonce.length > MAX_NONCE) return 'unknown';
  return isIssuedNonce(realm.keys.secret, now, nonce) ? 'issued' : 'unknown';
}

/** The nonce that the realm issues now. */
export function nonceFor(realm: ProofRealm): string {
  return nextNonce(realm.keys.secret, epochSeconds(realm.clock));
}

/**
 * Verifies a proof that a request to this server carries, except that it is used once. The answer gets the field
 * `DPoP-Nonce` where the sender needs one. Rejects with `invalid_dpop_proof`, or with `use_dpop_nonce` (§8) for a
 * proof whose time or nonce alone is wrong.
 */
export async function verifyProof(
  realm: ProofRealm,
  ctx: Pick<Context, 'set'>,
  proof: string,
  target: ProofTarget,
): Promise<Proof> {
  const { age, ...read } = await readProof(realm, proof, target);
  // §8.2: a sender that uses nonces learns the next one in time.
  if (age.nonce !== 'none' || !age.isRecent) ctx.set('DPoP-Nonce', nonceFor(realm));
  if (age.nonce === 'unknown') throw new errors.UseDpopNonce('invalid nonce in DPoP proof');
  if (age.nonce === 'none' && !age.isRecent) {
    throw new errors.UseDpopNonce('DPoP proof iat is not recent enough, use a DPoP nonce instead');
  }
  return read;
}

/** `EmbeddedJWK` takes public keys only. The time is judged apart. */
async function verifySignature(proof: string) {
  try {
    return await jwtVerify(proof, EmbeddedJWK, { algorithms: [...dpopAlgorithms], typ: 'dpop+jwt' });
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

/**
 * The thumbprint of the proof's key, or `undefined` when the request carries no proof. Rejects with
 * `invalid_dpop_proof` or `use_dpop_nonce`.
 */
export function provenKey(
  realm: Pick<RealmContext, 'name' | 'store' | 'clock' | 'keys'>,
  ctx: KoaContextWithOIDC,
): Promise<string | undefined> {
  const address = ctx.oidc.urlFor(ctx.oidc.route);
  return provenKeyFor(realm, ctx, { method: ctx.method, address, owner: ctx.oidc.client?.clientId ?? '' });
}

/** The same for requests outside the library. */
export async function provenKeyFor(
  realm: Pick<RealmContext, 'name' | 'store' | 'clock' | 'keys'>,
  ctx: Pick<Context, 'get' | 'set'>,
  { owner, ...target }: ProofTarget & { readonly owner: string },
): Promise<string | undefined> {
  const shown = ctx.get('DPoP');
  if (shown === '') return undefined;
  const proof = await verifyProof(realm, ctx, shown, target);
  if (!(await spendProof(realm, owner, proof))) {
    throw new errors.InvalidDpopProof('DPoP proof JWT Replay detected');
  }
  return proof.jkt;
}

/** Of the proofs of one `owner` each counts once: `false` for one that was used before. */
export function spendProof(
  realm: Pick<RealmContext, 'name' | 'store' | 'clock'>,
  owner: string,
  { jti, until }: Proof,
): Promise<boolean> {
  return isFirstUse(realm, owner, jti, until);
}
