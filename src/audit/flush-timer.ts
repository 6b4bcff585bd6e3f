/** When waiting events are written: soon, and after a failure later each time. Does not keep the process alive. */

/** Milliseconds between tries while the store is away. */
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;

export function createFlushTimer(flush: () => void) {
  let timer: { readonly handle: NodeJS.Timeout; readonly delayMs: number } | undefined;
  let pauseMs = 0;

  /** Calls `flush` in so many milliseconds, unless it is to be called sooner already. `undefined`: does nothing. */
  function schedule(dueMs: number | undefined): void {
    if (dueMs === undefined) return;
    const delayMs = Math.max(dueMs, pauseMs);
    if (timer !== undefined && timer.delayMs <= delayMs) return;
    cancel();
    timer = { handle: setTimeout(flush, delayMs).unref(), delayMs };
  }

  function cancel(): void {
    clearTimeout(timer?.handle);
    timer = undefined;
  }

  return {
    schedule,
    cancel,
    succeeded: () => {
      pauseMs = 0;
    },
    failed: () => {
      pauseMs = Math.min(LONGEST_PAUSE_MS, Math.max(FIRST_PAUSE_MS, pauseMs * 2));
    },
  };
}
