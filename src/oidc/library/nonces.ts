/**
 * Nonces for DPoP proofs (RFC 9449 §8). They are the ones that the library issues and accepts at its own endpoints, so
 * that a nonce of one endpoint holds at every other. Nothing is stored: a nonce is derived from a secret of the realm
 * and the minute in which it was issued.
 */
import { createHmac, hkdfSync } from 'node:crypto';
import { equalInConstantTime } from '../../base/hash.ts';

/** Seconds in which the same nonce is issued, and how many such steps the clocks of two nodes may be apart. */
const STEP = 60;
const STEPS_AROUND = [-2, -1, 0, 1, 2] as const;

/** What the library derives its nonces from (`features.dPoP.nonceSecret`): 32 bytes. */
export function nonceSecretOf(realmSecret: Buffer): Buffer {
  return createHmac('sha256', realmSecret).update('dpop-nonce').digest();
}

/** The nonce to issue now. It is accepted for three to four minutes. */
export function nextNonce(realmSecret: Buffer, now: number): string {
  return nonceOf(nonceSecretOf(realmSecret), stepOf(now) + 1);
}

/** Whether the realm issued this nonce a short time ago. */
export function isIssuedNonce(realmSecret: Buffer, now: number, nonce: string): boolean {
  const secret = nonceSecretOf(realmSecret);
  const step = stepOf(now);
  return STEPS_AROUND.some((away) => equalInConstantTime(nonceOf(secret, step + away), nonce));
}

function stepOf(now: number): number {
  return Math.floor(now / STEP);
}

function nonceOf(secret: Buffer, step: number): string {
  const salt = Buffer.alloc(8);
  salt.writeBigUInt64BE(BigInt(step));
  return Buffer.from(hkdfSync('sha256', secret, salt, 'DPoP', 32)).toString('base64url');
}
