/**
 * How long the calls of one request wait for a slow store, all together. Each call has patience of its own; without a
 * bound for them all, a request of five calls would wait five times as long. Who measures are the ticks of a call that
 * is slow already, so that a quick store costs a request nothing.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

/** Below the two seconds within which a request is answered when the store is away. */
const TOGETHER_MS = 1900;
/** After so long without a slow call, what was waited before no longer counts: some requests last for hours. */
const FORGIVEN_AFTER_MS = 5000;

type Waiting = { waitedMs: number; latest: number };

const current = new AsyncLocalStorage<Waiting>();

/** Runs `work`; the calls of the store that it makes share one patience. */
export function withSharedPatience<T>(work: () => T): T {
  return current.run({ waitedMs: 0, latest: 0 }, work);
}

/**
 * Counts that a call of this request has waited for `tickMs` more. True when the request has waited long enough. Calls
 * that wait at the same time count once. `now`: milliseconds of a clock that never steps.
 */
export function isPatienceOver(tickMs: number, now: number): boolean {
  const waiting = current.getStore();
  if (waiting === undefined) return false;
  const sinceMs = now - waiting.latest;
  if (sinceMs > FORGIVEN_AFTER_MS) waiting.waitedMs = 0;
  waiting.waitedMs += Math.min(tickMs, sinceMs);
  waiting.latest = now;
  return waiting.waitedMs >= TOGETHER_MS;
}
