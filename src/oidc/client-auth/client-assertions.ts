/**
 * Checks of a client assertion beyond those of every JWT (RFC 7523 §3). The library calls them, and so does our own
 * verifier.
 */
import { errors, type KoaContextWithOIDC } from 'oidc-provider';
import { epochSeconds } from '../../base/clock.ts';
import type { RealmContext } from '../realm/realm-context.ts';

/** Seconds by which a client's clock may be ahead (FAPI 2.0 Security Profile §5.3.2.1, note on clock skew). */
export const CLOCK_TOLERANCE = 10;

/** FAPI 2.0 Security Profile §5.4. */
const fapiAlgorithms: readonly unknown[] = ['PS256', 'ES256', 'EdDSA'];

/** The longest life of an assertion in seconds: its `jti` is remembered that long. */
const LONGEST_LIFE = 86_400;

type Said = {
  readonly claims: Readonly<Record<string, unknown>>;
  readonly alg: unknown;
  readonly isFapi: boolean;
};

/** What is wrong with an assertion, for the log; `undefined` when nothing is. */
export function problemOfAssertion(
  realm: Pick<RealmContext, 'issuer' | 'clock'>,
  { claims, alg, isFapi }: Said,
): string | undefined {
  if (isFapi && !fapiAlgorithms.includes(alg)) return 'alg must be PS256, ES256 or EdDSA';
  // RFC 8725 §3.12: guest assertions are signed with the same key; they have a `tenant`, and authenticate no client.
  if ('tenant' in claims) return 'a guest assertion authenticates no client';
  if (isFapi && claims['aud'] !== realm.issuer) return 'aud must be the issuer, as a string';
  const now = epochSeconds(realm.clock);
  if (isAfter(claims['iat'], now + CLOCK_TOLERANCE)) return 'iat is in the future';
  return isAfter(claims['exp'], now + LONGEST_LIFE) ? 'exp is unreasonably far in the future' : undefined;
}

export function assertionCheck(realm: Pick<RealmContext, 'issuer' | 'clock'>) {
  return async function checkAssertion(
    ctx: KoaContextWithOIDC,
    claims: Readonly<Record<string, unknown>>,
    header: Readonly<Record<string, unknown>>,
  ): Promise<void> {
    const isFapi = ctx.oidc.isFapi('2.0') !== undefined;
    const problem = problemOfAssertion(realm, { claims, alg: header['alg'], isFapi });
    if (problem !== undefined) throw new errors.InvalidClientAuth(problem);
  };
}

function isAfter(time: unknown, limit: number): boolean {
  return typeof time === 'number' && time > limit;
}
