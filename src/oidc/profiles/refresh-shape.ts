/**
 * Refresh tokens of `profile: keycloak` realms. Keycloak's browser adapter parses them as JWTs and reads `exp`. The
 * JWT wraps the opaque value; only the value is the credential and is looked up.
 */
import { decodeJwt, SignJWT } from 'jose';
import { prefixes } from '../../tokens/values.ts';

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
/** What every wrapped value begins with: other JWTs need not be opened. */
const beginning = `${Buffer.from(JSON.stringify(header)).toString('base64url')}.`;

/** The same value and times give the same JWT, so that repeated refreshes within the grace answer alike. */
export function shapeRefreshToken(value: string, shape: RefreshShape, key: Buffer): Promise<string> {
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
    .setJti(value)
    .setIssuedAt(shape.issuedAt)
    .setExpirationTime(shape.expiresAt)
    .sign(key);
}

/**
 * The value inside a wrapped refresh token, or the presented text when it is not wrapped. The signature is not
 * checked: the credential is the 256 random bits inside.
 */
export function refreshValueOf(presented: string): string {
  if (!presented.startsWith(beginning)) return presented;
  try {
    const { jti } = decodeJwt(presented);
    return jti?.startsWith(prefixes.refresh) === true ? jti : presented;
  } catch {
    // Not a JWT: the text stands for itself, and will not be found.
    return presented;
  }
}
