import { setTimeout as wait } from 'node:timers/promises';

/** Work that goes on when the request that began it has been answered. */
export type Background = {
  /** Begins a task, which answers for its own failures. */
  run(task: () => Promise<void>): void;
  /** Resolves to `true` after this time, and to `false` as soon as the process is to stop. */
  pause(ms: number): Promise<boolean>;
  /** Ends all pauses; resolves when nothing is under way any more. */
  close(): Promise<void>;
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
    // Rejects for one reason only: the signal.
    return wait(ms, true, { signal, ref: false }).catch(() => false);
  }

  async function close(): Promise<void> {
    stopping.abort();
    await Promise.all(running);
  }

  return { run, pause, close };
}
