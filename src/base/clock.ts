/**
 * Milliseconds since the epoch, by this node's clock. Sets `iat` and `exp` only; never decides what came before what.
 */
export type Clock = () => number;

export const systemClock: Clock = () => Date.now();

/** Whole seconds since the epoch, as `iat` and `exp` count them (RFC 7519 §2, NumericDate). */
export function epochSeconds(clock: Clock): number {
  return Math.floor(clock() / 1000);
}
