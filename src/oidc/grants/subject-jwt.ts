/** Subject tokens that are JWTs: ID tokens of this realm, and guest assertions signed by the minting client. */
import {
  createLocalJWKSet,
  type JWK,
  type JWTHeaderParameters,
  type JWTPayload,
  errors as joseErrors,
  jwtVerify,
} from 'jose';
import { errors } from 'oidc-provider';
import { z } from 'zod';
import { epochSeconds } from '../../base/clock.ts';
import { identifier } from '../../guest/grant/fields.ts';
import type { Minter } from '../../guest/limits/guest-realm.ts';
import { CLOCK_TOLERANCE } from '../client-auth/client-assertions.ts';
import { isIdToken } from '../library/jwt-kinds.ts';
import { isFirstUse } from '../proofs/replay.ts';
import type { RealmContext } from '../realm/realm-context.ts';
import { notExchangeable } from './token-types.ts';

const algorithms = ['ES256', 'PS256', 'RS256', 'EdDSA'];
/** The longest life of a guest assertion, in seconds. */
const MAX_ASSERTION_LIFE = 300;

const idClaims = z.looseObject({
  sub: z.uuid(),
  aud: z.string(),
  iat: z.number(),
  sid: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,128}$/)
    .optional(),
});
/** A guest is named as at every other entry point. */
const assertionClaims = z.looseObject({
  sub: identifier,
  tenant: identifier,
  jti: z.string().min(8).max(256),
  iat: z.number(),
  exp: z.number(),
});

type IdToken = {
  readonly subject: string;
  readonly clientId: string;
  readonly sessionId: string | undefined;
  /** Seconds since the epoch. */
  readonly issuedAt: number;
};

/** A live ID token of this realm; `aud` is the client it was issued to. */
export async function verifyIdToken(
  realm: Pick<RealmContext, 'issuer' | 'keys'>,
  value: string,
): Promise<IdToken> {
  const keys = realm.keys.jwks.map(publicMembers);
  const token = await verified(value, keys, { issuer: realm.issuer });
  const parsed = idClaims.safeParse(token.payload);
  if (!parsed.success || !isIdToken(token)) throw notExchangeable();
  const { sub, aud, sid, iat } = parsed.data;
  return { subject: sub, clientId: aud, sessionId: sid, issuedAt: Math.floor(iat) };
}

/**
 * Requires `iss` = client, `aud` = issuer, a life of at most 300 s, and a new `jti`. The member `tenant` tells the
 * assertion from one that authenticates the client with the same key (RFC 8725 §3.12); so does its subject, because
 * no guest is the client itself. What is wrong with an assertion that the client has signed is told to it.
 */
export async function verifyAssertion(
  realm: RealmContext,
  minter: Minter,
  value: string,
): Promise<{ readonly tenant: string; readonly id: string }> {
  const client = await realm.findClient(minter.clientId);
  const keys = client?.jwks?.keys ?? [];
  const expected = { issuer: minter.clientId, audience: realm.issuer };
  const { payload } = await verified(value, keys, expected, (error) => unfit(faultOf(error)));
  const parsed = assertionClaims.safeParse(payload);
  if (!parsed.success) throw unfit(`lacks a fitting ${parsed.error.issues[0]?.path.join('.')}`);
  const { sub, tenant, jti, exp } = parsed.data;
  if (sub === minter.clientId) throw unfit('names the client itself in sub');
  const fault = faultOfTimes(parsed.data, epochSeconds(realm.clock));
  if (fault !== undefined) throw unfit(fault);
  const forgotten = Math.ceil(exp) + CLOCK_TOLERANCE;
  if (!(await isFirstUse(realm, `guest:${minter.clientId}`, jti, forgotten)))
    throw unfit('has a jti that was used before');
  return { tenant, id: sub };
}

function faultOfTimes({ iat, exp }: { readonly iat: number; readonly exp: number }, now: number) {
  if (iat > now + CLOCK_TOLERANCE) return 'has an iat in the future: the clocks differ';
  const life = exp - Math.min(iat, now);
  return life > MAX_ASSERTION_LIFE ? `lives longer than ${MAX_ASSERTION_LIFE} s` : undefined;
}

/** What is wrong with claims whose signature is right. */
function faultOf(error: joseErrors.JWTExpired | joseErrors.JWTClaimValidationFailed): string {
  if (error instanceof joseErrors.JWTExpired) return 'is expired, or the clocks differ';
  return `lacks a fitting ${error.claim}`;
}

/** For the client alone: only its key can have signed the assertion. */
function unfit(fault: string): Error {
  return new errors.InvalidRequest(`subject_token ${fault}`);
}

async function verified(
  value: string,
  keys: readonly JWK[],
  expected: { readonly issuer: string; readonly audience?: string },
  errorOf: (fault: joseErrors.JWTExpired | joseErrors.JWTClaimValidationFailed) => Error = notExchangeable,
): Promise<{ readonly header: JWTHeaderParameters; readonly payload: JWTPayload }> {
  try {
    const keySet = createLocalJWKSet({ keys: [...keys] });
    const { protectedHeader: header, payload } = await jwtVerify(value, keySet, {
      ...expected,
      algorithms,
      clockTolerance: CLOCK_TOLERANCE,
      requiredClaims: ['exp'],
    });
    return { header, payload };
  } catch (error) {
    // Claims are judged after the signature.
    const isSigned =
      error instanceof joseErrors.JWTExpired || error instanceof joseErrors.JWTClaimValidationFailed;
    throw isSigned ? errorOf(error) : notExchangeable();
  }
}

function publicMembers({ kty, kid, alg, crv, x, y, n, e }: JWK): JWK {
  const members = Object.entries({ kty, kid, alg, crv, x, y, n, e });
  return Object.fromEntries(members.filter(([, value]) => value !== undefined));
}
