/** Token values: a readable prefix, by which secret scanners find leaks, and 256 random bits. */
import { hmac } from '../base/hash.ts';
import { randomValue } from '../base/random.ts';

export const prefixes = { access: 'dpa_', refresh: 'dpr_' } as const;

export function newValue(kind: keyof typeof prefixes): string {
  return prefixes[kind] + randomValue();
}

/**
 * The one successor of a spent refresh token, by what this is stored under. Whoever repeats the refresh within the
 * grace computes the same value, so nothing of it has to be stored. `secret` is the realm's.
 */
export function successorOf(spentHash: string, secret: Buffer): string {
  return prefixes.refresh + hmac(secret, `refresh-successor:${spentHash}`);
}
