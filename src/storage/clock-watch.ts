/**
 * How far this node's clock is from the store's. The store decides what came before what, so a wrong clock of a node
 * revives nothing; but `iat`, `exp` and `not_before` are the node's, and other nodes read them.
 */
import { performance } from 'node:perf_hooks';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../observability/logger.ts';
import type { Stamp, Store } from './port/port.ts';

/** A call that took longer says too little about the moment at which the store looked at its clock. */
const MAX_CALL_MS = 100;
/** Nodes with a time service agree within a few milliseconds. */
const WARN_ABOVE_MS = 200;
const WARN_EVERY_MS = 600_000;
/** To measure costs a little; a clock is not wrong all at once. */
const MEASURE_EVERY_MS = 1000;

export type ClockWatch = {
  /** The same store; its answers are compared with the clock. */
  readonly store: Store;
  /** Milliseconds that the store's clock is ahead of this node's; 0 until an answer has told. */
  storeAheadMs(): number;
};

export function watchClock(
  store: Store,
  { clock, logger }: { readonly clock: Clock; readonly logger: Pick<Logger, 'warn'> },
): ClockWatch {
  let aheadMs = 0;
  let warnedAt = Number.NEGATIVE_INFINITY;
  let measuredAt = Number.NEGATIVE_INFINITY;

  function watched<T>(call: Promise<T>, nowOf: (answer: T) => Stamp | undefined): Promise<T> {
    return performance.now() - measuredAt < MEASURE_EVERY_MS ? call : timed(call, nowOf);
  }

  async function timed<T>(call: Promise<T>, nowOf: (answer: T) => Stamp | undefined): Promise<T> {
    const startedAt = performance.now();
    const answer = await call;
    const tookMs = performance.now() - startedAt;
    const now = nowOf(answer);
    if (now !== undefined && tookMs <= MAX_CALL_MS) {
      measuredAt = performance.now();
      note(now / 1000 - (clock() - tookMs / 2));
    }
    return answer;
  }

  function note(difference: number): void {
    aheadMs = difference;
    const now = performance.now();
    if (Math.abs(difference) < WARN_ABOVE_MS || now - warnedAt < WARN_EVERY_MS) return;
    warnedAt = now;
    logger.warn(
      { storeAheadMs: Math.round(difference) },
      "the clock of this machine differs from the store's: set both by the same time service",
    );
  }

  return {
    storeAheadMs: () => aheadMs,
    store: {
      ...store,
      read: (keys) => watched(store.read(keys), (documents) => documents.find((one) => one)?.now),
      commit: (writes) => watched(store.commit(writes), (done) => (done.ok ? done.stamp : undefined)),
    },
  };
}
