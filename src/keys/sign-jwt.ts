/**
 * Signs access tokens with a realm's keys, by `node:crypto`. `jose` uses Web Crypto, which hands every signature to a
 * thread; for an elliptic curve that costs several times the signature.
 */
import { constants, createPrivateKey, type KeyObject, sign } from 'node:crypto';
import { promisify } from 'node:util';
import type { JWK } from 'jose';

const imported = new WeakMap<JWK, KeyObject>();
const signAside = promisify(sign);

/** A JWT (RFC 7519) in compact form, its header naming `typ`, the key and its `alg`. `claims` without a value are left out. */
export async function signJwt(
  jwk: JWK,
  typ: string,
  claims: Readonly<Record<string, unknown>>,
): Promise<string> {
  const header = { alg: jwk.alg, typ, ...(jwk.kid === undefined ? {} : { kid: jwk.kid }) };
  const input = `${encode(header)}.${encode(claims)}`;
  const signature = await signed(jwk, Buffer.from(input));
  return `${input}.${signature.toString('base64url')}`;
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

/**
 * RFC 7518 §3.3 to §3.5 and RFC 8037 §3.1. RSA takes a millisecond, and so runs on a thread, where other requests do
 * not wait for it.
 */
function signed(jwk: JWK, input: Buffer): Buffer | Promise<Buffer> {
  const key = keyOf(jwk);
  switch (jwk.alg) {
    case 'ES256':
      return sign('sha256', input, { key, dsaEncoding: 'ieee-p1363' });
    case 'EdDSA':
      return sign(null, input, key);
    case 'RS256':
      return signAside('sha256', input, key);
    case 'PS256':
      return signAside('sha256', input, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 });
    default:
      throw new Error(`no signature of the algorithm ${jwk.alg}`);
  }
}

function keyOf(jwk: JWK): KeyObject {
  const known = imported.get(jwk) ?? createPrivateKey({ key: { ...jwk }, format: 'jwk' });
  imported.set(jwk, known);
  return known;
}
