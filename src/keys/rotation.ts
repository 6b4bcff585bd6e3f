/**
 * Changes of a realm's keys, by time and by an operator. Pure: takes a ring and returns a ring, the same object when
 * nothing changed. Times are seconds since the epoch.
 */
import { algsOf, type PrivateKey, type Ring, type RingKey, type SigningAlg, signerOf } from './ring.ts';

/** Seconds for which verifiers may cache the published keys (`Cache-Control: max-age` of the JWKS). */
export const JWKS_MAX_AGE = 300;

/**
 * Seconds that a key is published before it signs: whoever fetched the keys just before its publication has fetched
 * them again by then.
 */
const PUBLISHED_AHEAD = 2 * JWKS_MAX_AGE;

/** Seconds after which a signing key is replaced without being asked (90 days). */
const SIGNS_FOR = 90 * 86_400;

/**
 * Promotes each next key whose time has come, retires the one it follows, and drops retired keys once `keepFor`
 * seconds have passed. An algorithm that was promoted has no next key until `fill` adds one.
 */
export function settle(ring: Ring, now: number, keepFor: number): Ring {
  const due = new Set(ring.keys.filter((key) => isDue(key, now)).map((key) => key.jwk.alg));
  const living = ring.keys.filter((key) => key.state !== 'retired' || key.retiredAt + keepFor > now);
  if (due.size === 0 && living.length === ring.keys.length) {
    return ring;
  }
  return { ...ring, keys: living.map((key) => (due.has(key.jwk.alg) ? promoted(key, now) : key)) };
}

/** Brings every promotion forward to the earliest moment at which the next key has been published long enough. */
export function hasten(ring: Ring, now: number): Ring {
  const keys = ring.keys.map((key) => {
    const earliest = Math.max(now, key.publishedAt + PUBLISHED_AHEAD);
    return key.state === 'next' && key.signsFrom > earliest ? { ...key, signsFrom: earliest } : key;
  });
  return keys.some((key, at) => key !== ring.keys[at]) ? { ...ring, keys } : ring;
}

/** Drops every key that has signed anything and lets the next ones sign at once, however briefly they were published. */
export function replace(ring: Ring, now: number): Ring {
  const keys = ring.keys.filter((key) => key.state === 'next').map((key) => promoted(key, now));
  return { ...ring, keys };
}

/** Drops one retired key; the same ring when there is none of this id. */
export function withoutRetired(ring: Ring, kid: string): Ring {
  const keys = ring.keys.filter((key) => key.state !== 'retired' || key.jwk.kid !== kid);
  return keys.length === ring.keys.length ? ring : { ...ring, keys };
}

/** The algorithms to make keys for, so that each of `algs` has a signing and a next key; twice when it has neither. */
export function missing({ keys }: Ring, algs: Iterable<SigningAlg>): readonly SigningAlg[] {
  return [...new Set(algs)].flatMap((alg) =>
    (['current', 'next'] as const)
      .filter((state) => !keys.some((key) => key.state === state && key.jwk.alg === alg))
      .map(() => alg),
  );
}

/** Adds new keys. The first key of an algorithm signs at once; any other becomes the next one. */
export function fill(ring: Ring, fresh: readonly PrivateKey[], now: number): Ring {
  const keys = [...ring.keys];
  for (const jwk of fresh) {
    const hasSigner = keys.some((key) => key.state === 'current' && key.jwk.alg === jwk.alg);
    keys.push(
      hasSigner
        ? { state: 'next', signsFrom: now + SIGNS_FOR, jwk, publishedAt: now }
        : { state: 'current', signsFrom: now, jwk, publishedAt: now },
    );
  }
  return { ...ring, keys };
}

/** When `settle` will have something to do. */
export function nextChange({ keys }: Ring, keepFor: number): number {
  return Math.min(...keys.map((key) => changeOf(key, keepFor)));
}

export type RotationReport = {
  /** Algorithms that have a new signing key. */
  readonly rotated: readonly SigningAlg[];
  /** Algorithms whose next key must be published longer before it signs, and when it will sign. */
  readonly scheduled: readonly { readonly alg: SigningAlg; readonly at: number }[];
};

/** What a rotation from one ring to the other did. */
export function reportOf(before: Ring, after: Ring): RotationReport {
  const rotated = algsOf(before).filter((alg) => signerOf(before, alg)?.kid !== signerOf(after, alg)?.kid);
  const scheduled = after.keys.flatMap((key) =>
    key.state === 'next' && !rotated.includes(key.jwk.alg) ? [{ alg: key.jwk.alg, at: key.signsFrom }] : [],
  );
  return { rotated, scheduled };
}

function isDue(key: RingKey, now: number): boolean {
  return key.state === 'next' && key.signsFrom <= now;
}

/** The key as it is after a promotion of its algorithm. */
function promoted(key: RingKey, now: number): RingKey {
  switch (key.state) {
    case 'next':
      return { ...key, state: 'current', signsFrom: now };
    case 'current':
      return { ...key, state: 'retired', retiredAt: now };
    case 'retired':
      return key;
  }
}

function changeOf(key: RingKey, keepFor: number): number {
  switch (key.state) {
    case 'next':
      return key.signsFrom;
    case 'current':
      return Number.POSITIVE_INFINITY;
    case 'retired':
      return key.retiredAt + keepFor;
  }
}
