/** What a client assertion must say beyond what the library checks of it (RFC 7523 §3). */
import { errors, type KoaContextWithOIDC } from 'oidc-provider';
import { epochSeconds } from '../../base/clock.ts';
import type { RealmContext } from '../realm/realm-context.ts';

/** Seconds by which a client's clock may be ahead (FAPI 2.0 Security Profile §5.3.2.1, note on clock skew). */
export const CLOCK_TOLERANCE = 10;

/** FAPI 2.0 Security Profile §5.4. */
const fapiAlgorithms: readonly unknown[] = ['PS256', 'ES256', 'EdDSA'];

/** Seconds that an assertion may be good for at most: so long its `jti` is remembered. */
const LONGEST_LIFE = 86_400;

export function assertionCheck(realm: RealmContext) {
  return async function checkAssertion(
    ctx: KoaContextWithOIDC,
    claims: Readonly<Record<string, unknown>>,
    header: Readonly<Record<string, unknown>>,
  ): Promise<void> {
    const isFapi = ctx.oidc.isFapi('2.0') !== undefined;
    if (isFapi && !fapiAlgorithms.includes(header['alg'])) {
      throw new errors.InvalidClientAuth('alg must be PS256, ES256 or EdDSA');
    }
    // RFC 8725 §3.12: who a guest is, is signed with the same key at the token exchange, and has a tenant.
    if ('tenant' in claims) throw new errors.InvalidClientAuth('a guest assertion authenticates no client');
    if (isFapi && claims['aud'] !== realm.issuer) {
      throw new errors.InvalidClientAuth('aud must be the issuer, as a string');
    }
    checkTimes(claims, epochSeconds(realm.clock));
  };
}

function checkTimes(claims: Readonly<Record<string, unknown>>, now: number): void {
  if (isAfter(claims['iat'], now + CLOCK_TOLERANCE)) {
    throw new errors.InvalidClientAuth('iat is in the future');
  }
  if (isAfter(claims['exp'], now + LONGEST_LIFE)) {
    throw new errors.InvalidClientAuth('exp is unreasonably far in the future');
  }
}

function isAfter(time: unknown, limit: number): boolean {
  return typeof time === 'number' && time > limit;
}
