/** Milliseconds since the epoch on this node. Decides `iat` and `exp` only, never an order of events. */
export type Clock = () => number;

export const systemClock: Clock = () => Date.now();

/** Whole seconds since the epoch, as `iat` and `exp` count them (RFC 7519 §2, NumericDate). */
export function epochSeconds(clock: Clock): number {
  return Math.floor(clock() / 1000);
}
