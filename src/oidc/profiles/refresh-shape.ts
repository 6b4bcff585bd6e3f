/**
 * Refresh tokens of `profile: keycloak` realms. Keycloak's browser adapter parses them as JWTs and reads `exp`. The
 * JWT, with its signature, is the credential: of the value that the library made, it holds only the hash.
 */
import { createHmac } from 'node:crypto';
import { decodeJwt, SignJWT } from 'jose';
import { equalInConstantTime, hmac, sha256 } from '../../base/hash.ts';

export type RefreshShape = {
  readonly issuer: string;
  readonly clientId: string;
  readonly subject: string;
  readonly sessionId: string | undefined;
  readonly scope: string;
  readonly issuedAt: number;
  readonly expiresAt: number;
};

const header = { alg: 'HS512', typ: 'JWT' };
/** What each of them begins with: other texts need not be verified. */
const beginning = `${Buffer.from(JSON.stringify(header)).toString('base64url')}.`;

/**
 * `hash` is what the token is stored under; nobody finds the value by it. The same hash and times give the same JWT, so
 * that repeated refreshes within the grace answer alike. `secret` is the realm's.
 */
export function shapeRefreshToken(hash: string, shape: RefreshShape, secret: Buffer): Promise<string> {
  const claims = {
    typ: 'Refresh',
    azp: shape.clientId,
    scope: shape.scope,
    ...(shape.sessionId === undefined ? {} : { sid: shape.sessionId }),
  };
  return new SignJWT(claims)
    .setProtectedHeader(header)
    .setIssuer(shape.issuer)
    .setAudience(shape.issuer)
    .setSubject(shape.subject)
    .setJti(hash)
    .setIssuedAt(shape.issuedAt)
    .setExpirationTime(shape.expiresAt)
    .sign(signingKey(secret));
}

/**
 * What a presented refresh token is stored under: the SHA-256 of an opaque value, or what a JWT of this realm names. A
 * JWT that does not verify is a text like any other, which is not found.
 */
export function refreshHashOf(presented: string, secret: Buffer): string {
  return hashInside(presented, secret) ?? sha256(presented);
}

function hashInside(presented: string, secret: Buffer): string | undefined {
  if (!presented.startsWith(beginning)) return undefined;
  const end = presented.lastIndexOf('.');
  const expected = createHmac('sha512', signingKey(secret))
    .update(presented.slice(0, end))
    .digest('base64url');
  if (!equalInConstantTime(presented.slice(end + 1), expected)) return undefined;
  const { jti, typ } = decodeJwt(presented);
  return typ === 'Refresh' ? jti : undefined;
}

function signingKey(secret: Buffer): Buffer {
  return Buffer.from(hmac(secret, 'refresh-shape'));
}
