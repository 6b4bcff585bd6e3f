import { setTimeout as wait } from 'node:timers/promises';

/** Work that continues after the request that started it was answered. */
export type Background = {
  /** Starts a task. The task must handle its own errors. */
  run(task: () => Promise<void>): void;
  /** Resolves to `true` after this time, or to `false` as soon as the process is to stop. */
  pause(ms: number): Promise<boolean>;
  /** Ends all pauses, and resolves when no task is running any more. */
  close(): Promise<void>;
  /** Is aborted as soon as the process is to stop: for work that would take long. */
  readonly stopping: AbortSignal;
};

export function createBackground(): Background {
  const running = new Set<Promise<void>>();
  const stopping = new AbortController();

  function run(task: () => Promise<void>): void {
    const ended = task().finally(() => running.delete(ended));
    running.add(ended);
  }

  async function pause(ms: number): Promise<boolean> {
    const { signal } = stopping;
    // The only reason to reject is the signal.
    return wait(ms, true, { signal, ref: false }).catch(() => false);
  }

  async function close(): Promise<void> {
    stopping.abort();
    await Promise.all(running);
  }

  return { run, pause, close, stopping: stopping.signal };
}
