/**
 * Milliseconds since the epoch, by this node's clock. Sets `iat` and `exp` only; never decides what came before what.
 */
export type Clock = () => number;

export const systemClock: Clock = () => Date.now();

/** Whole seconds since the epoch, as `iat` and `exp` count them (RFC 7519 §2, NumericDate). */
export function epochSeconds(clock: Clock): number {
  return Math.floor(clock() / 1000);
}

/** Whole seconds since the epoch as `2026-11-20T18:10:00Z` (ISO 8601, UTC). */
export function isoTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');
}
