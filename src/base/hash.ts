import { createHmac, hash, timingSafeEqual } from 'node:crypto';

/** SHA-256 as base64url (43 characters). Of a token value, this is all that is stored. */
export function sha256(value: string): string {
  return hash('sha256', value, 'base64url');
}

/** HMAC-SHA-256 as base64url (43 characters). */
export function hmac(key: Buffer | string, value: string): string {
  return createHmac('sha256', key).update(value).digest('base64url');
}

/** Equality in a time that depends neither on where nor on whether the values differ. */
export function equalInConstantTime(a: string, b: string): boolean {
  return timingSafeEqual(digest(a), digest(b));
}

/** SHA-256 as bytes: all digests have the same length. */
export function digest(value: string): Buffer {
  return hash('sha256', value, 'buffer');
}
