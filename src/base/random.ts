import { randomBytes, randomUUID } from 'node:crypto';

/** 256 random bits as 43 base64url characters. */
export function randomValue(): string {
  return randomBytes(32).toString('base64url');
}

/** A random identifier (UUID v4). */
export function randomId(): string {
  return randomUUID();
}

/** A client secret, readable as one by secret scanners. */
export function newClientSecret(): string {
  return `dpc_${randomValue()}`;
}
