import { calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose';
import { type PrivateKey, privateKey, type SigningAlg } from './ring.ts';

/** A new key pair: P-256, Ed25519 or RSA of 2048 bits. `kid` is its RFC 7638 thumbprint. Made off the main thread. */
export async function generateKey(alg: SigningAlg): Promise<PrivateKey> {
  const pair = await generateKeyPair(alg, { extractable: true });
  const jwk = await exportJWK(pair.privateKey);
  return privateKey.parse({ ...jwk, kid: await calculateJwkThumbprint(jwk), alg, use: 'sig' });
}
