/** The keys of one realm as one record, and the parts of it that the rest of the server sees. */
import type { JWK } from 'jose';
import { z } from 'zod';

const signingAlg = z.enum(['ES256', 'RS256', 'PS256', 'EdDSA']);

const common = { kid: z.string(), alg: signingAlg, use: z.literal('sig'), d: z.string() };

/** RFC 7517 and RFC 8037, with every private member. */
export const privateKey = z.discriminatedUnion('kty', [
  z.object({ kty: z.literal('EC'), crv: z.literal('P-256'), x: z.string(), y: z.string(), ...common }),
  z.object({ kty: z.literal('OKP'), crv: z.literal('Ed25519'), x: z.string(), ...common }),
  z.object({
    kty: z.literal('RSA'),
    n: z.string(),
    e: z.string(),
    p: z.string(),
    q: z.string(),
    dp: z.string(),
    dq: z.string(),
    qi: z.string(),
    ...common,
  }),
]);

/** Times are seconds since the epoch. */
const published = { jwk: privateKey, publishedAt: z.int() };

const ringKey = z.discriminatedUnion('state', [
  /** Published and not used yet; signs from `signsFrom` on. */
  z.object({ state: z.literal('next'), signsFrom: z.int(), ...published }),
  /** Signs since `signsFrom`. */
  z.object({ state: z.literal('current'), signsFrom: z.int(), ...published }),
  /** Signed from `signsFrom` to `retiredAt`; still published. */
  z.object({ state: z.literal('retired'), signsFrom: z.int(), retiredAt: z.int(), ...published }),
]);

/** The record at rest. Members that a newer version adds are ignored; a change that must not be is a new `version`. */
export const ring = z.object({
  version: z.literal(1),
  /** 32 bytes, base64url. */
  secret: z.string(),
  keys: z.array(ringKey),
});

export type SigningAlg = z.infer<typeof signingAlg>;
export type PrivateKey = Readonly<z.infer<typeof privateKey>>;
export type RingKey = Readonly<z.infer<typeof ringKey>>;
export type Ring = { readonly version: 1; readonly secret: string; readonly keys: readonly RingKey[] };

/** The algorithms that the ring has keys for, each once. */
export function algsOf({ keys }: Ring): readonly SigningAlg[] {
  return [...new Set(keys.map((key) => key.jwk.alg))];
}

/** A key without the key. Times are seconds since the epoch. */
export type KeyInfo = {
  readonly kid: string;
  readonly alg: SigningAlg;
  readonly state: RingKey['state'];
  readonly publishedAt: number;
  readonly signsFrom: number;
  readonly retiredAt?: number;
};

export function infosOf({ keys }: Ring): readonly KeyInfo[] {
  return keys.map((key) => ({
    kid: key.jwk.kid,
    alg: key.jwk.alg,
    state: key.state,
    publishedAt: key.publishedAt,
    signsFrom: key.signsFrom,
    ...(key.state === 'retired' && { retiredAt: key.retiredAt }),
  }));
}

/** The key that signs with `alg` now. */
export function signerOf({ keys }: Ring, alg: SigningAlg): PrivateKey | undefined {
  return keys.find((key) => key.state === 'current' && key.jwk.alg === alg)?.jwk;
}

const position = { current: 0, next: 1, retired: 2 } satisfies Record<RingKey['state'], number>;

/**
 * All keys; for each algorithm the signing one first, then the next one, then retired ones. A signer takes the first.
 */
export function jwksOf(ring: Ring): readonly JWK[] {
  return algsOf(ring).flatMap((alg) =>
    ring.keys
      .filter((key) => key.jwk.alg === alg)
      .sort((a, b) => position[a.state] - position[b.state])
      .map((key) => key.jwk),
  );
}
