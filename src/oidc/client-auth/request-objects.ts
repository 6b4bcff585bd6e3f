/** Checks of a signed request (RFC 9101, CIBA Core §7.1.1) beyond those of every JWT: the library calls them. */
import { errors, type KoaContextWithOIDC } from 'oidc-provider';
import { epochSeconds } from '../../base/clock.ts';
import type { RealmContext } from '../realm/realm-context.ts';
import { CLOCK_TOLERANCE } from './client-assertions.ts';

type Claims = Readonly<Record<string, unknown>>;

/** FAPI 2.0 Message Signing §5.3.1: `exp` at most an hour after `nbf`. A signed authentication request alike. */
const SHORT_LIFE = 3600;
/** Of other requests: as long as an assertion. */
const LONGEST_LIFE = 86_400;

type Kind = { readonly isFapi: boolean; readonly isCiba: boolean };

/** What is wrong with the times of a signed request; `undefined` when nothing is. `now` is in seconds. */
function problemOf(claims: Claims, kind: Kind, now: number): string | undefined {
  const missing = requiredClaims(kind).find((name) => claims[name] === undefined);
  if (missing !== undefined) return `is missing the '${missing}' claim`;
  const { iat, exp } = timesOf(claims, now);
  if (iat > now + CLOCK_TOLERANCE) return "'iat' claim is in the future";
  if (exp > now + LONGEST_LIFE) return "'exp' claim is too far in the future";
  return kind.isFapi || kind.isCiba ? problemOfAge(claims, now) : undefined;
}

function problemOfAge(claims: Claims, now: number): string | undefined {
  const { iat, nbf, exp } = timesOf(claims, now);
  const isOld = Math.min(iat, nbf) <= now - SHORT_LIFE + CLOCK_TOLERANCE;
  if (isOld) return "'iat' or 'nbf' claim is too far in the past";
  return exp <= nbf || exp > nbf + SHORT_LIFE ? "'exp' claim too far from 'nbf' claim" : undefined;
}

/** A time that is not said counts as `now`. The library has refused times that are no numbers. */
function timesOf({ iat, nbf, exp }: Claims, now: number) {
  const timeOf = (time: unknown) => (typeof time === 'number' ? time : now);
  return { iat: timeOf(iat), nbf: timeOf(nbf), exp: timeOf(exp) };
}

function requiredClaims({ isFapi, isCiba }: Kind): readonly string[] {
  return [...(isFapi ? ['exp', 'aud', 'nbf'] : []), ...(isCiba ? ['exp', 'iat', 'nbf', 'jti'] : [])];
}

/** The library's hook. */
export function requestObjectCheck(realm: Pick<RealmContext, 'clock'>) {
  return async function checkRequestObject(ctx: KoaContextWithOIDC, claims: Claims): Promise<void> {
    const kind = {
      isFapi: ctx.oidc.isFapi('2.0') !== undefined,
      isCiba: ctx.oidc.route === 'backchannel_authentication',
    };
    const problem = problemOf(claims, kind, epochSeconds(realm.clock));
    if (problem !== undefined) throw new errors.InvalidRequestObject(`Request Object ${problem}`);
  };
}
