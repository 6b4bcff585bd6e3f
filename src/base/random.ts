import { randomFillSync, randomUUID } from 'node:crypto';

/** 256 random bits as 43 base64url characters. */
export function randomValue(): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const bytes = pool.subarray(used, used + VALUE_BYTES);
  used += VALUE_BYTES;
  const value = bytes.toString('base64url');
  // The value is kept nowhere else.
  bytes.fill(0);
  return value;
}

const VALUE_BYTES = 32;

/** One call for many values costs about as much as one for a single value. */
const pool = Buffer.allocUnsafeSlow(VALUE_BYTES * 128);
let used = pool.length;

/** A random identifier (UUID v4). */
export function randomId(): string {
  return randomUUID();
}

/** A client secret, with a prefix that secret scanners know. */
export function newClientSecret(): string {
  return `dpc_${randomValue()}`;
}
