/** Keys of clients and what they sign with them. */
import { randomUUID } from 'node:crypto';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';

export type KeyOfClient = { readonly privateKey: CryptoKey; readonly publicJwk: JWK };

export async function newKey(): Promise<KeyOfClient> {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  return { privateKey, publicJwk: { ...(await exportJWK(publicKey)), alg: 'ES256', use: 'sig' } };
}

const ours = await newKey();

/** The public key of the client `signs`. */
export const clientKey = { ...ours.publicJwk, kty: 'EC' };

/** A request object (RFC 9101 §4) of the client that `params` name. */
export function signRequest(
  audience: string,
  params: Readonly<Record<string, string>>,
  key: KeyOfClient = ours,
): Promise<string> {
  return new SignJWT({ ...params })
    .setProtectedHeader({ alg: 'ES256', typ: 'oauth-authz-req+jwt' })
    .setIssuer(params['client_id'] ?? '')
    .setAudience(audience)
    .setJti(randomUUID())
    .setIssuedAt()
    .setExpirationTime('1m')
    .sign(key.privateKey);
}

/** A DPoP proof for a POST (RFC 9449 §4.2). */
export function proofOf(key: KeyOfClient, url: string): Promise<string> {
  return new SignJWT({ htm: 'POST', htu: url })
    .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk: key.publicJwk })
    .setJti(randomUUID())
    .setIssuedAt()
    .sign(key.privateKey);
}
