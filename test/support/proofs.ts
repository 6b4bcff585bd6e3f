/** Keys of clients and what they sign: client assertions (RFC 7523) and DPoP proofs (RFC 9449). */
import { createHash, randomUUID } from 'node:crypto';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';

export type ClientKey = { readonly privateKey: CryptoKey; readonly publicJwk: JWK; readonly alg: string };

export async function newKey(alg = 'ES256'): Promise<ClientKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { privateKey, publicJwk: { ...(await exportJWK(publicKey)), alg, use: 'sig' }, alg };
}

const now = () => Math.floor(Date.now() / 1000);

/** RFC 7523 §3; `claims` replaces what it names. */
export function clientAssertion(
  key: ClientKey,
  clientId: string,
  audience: string | readonly string[],
  claims: Record<string, unknown> = {},
): Promise<string> {
  const payload = {
    iss: clientId,
    sub: clientId,
    aud: audience,
    jti: randomUUID(),
    iat: now(),
    exp: now() + 60,
  };
  return new SignJWT({ ...payload, ...claims } as Record<string, unknown>)
    .setProtectedHeader({ alg: key.alg })
    .sign(key.privateKey);
}

export const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

type Proof = {
  readonly url: string;
  readonly method?: string;
  /** The access token that the proof goes with. */
  readonly token?: string;
  readonly claims?: Record<string, unknown>;
  readonly header?: Record<string, unknown>;
};

export function dpopProof(
  key: ClientKey,
  { url, method = 'POST', token, claims, header }: Proof,
): Promise<string> {
  const ath = token === undefined ? {} : { ath: createHash('sha256').update(token).digest('base64url') };
  const { alg: _alg, use: _use, ...jwk } = key.publicJwk;
  return new SignJWT({ htm: method, htu: url, jti: randomUUID(), iat: now(), ...ath, ...claims })
    .setProtectedHeader({ typ: 'dpop+jwt', alg: key.alg, jwk, ...header })
    .sign(key.privateKey);
}
