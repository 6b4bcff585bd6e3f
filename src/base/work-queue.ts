import { Failure } from './errors.ts';

export type WorkQueue = {
  /** The outcome of `job`, which starts when its turn comes. Rejects with `Failure('busy')` at once when too many wait. */
  run<T>(job: () => Promise<T>): Promise<T>;
};

/**
 * First come, first served, at most `concurrency` jobs at a time and `maxWaiting` in line: expensive work is
 * refused early instead of making everybody wait for longer than anybody will.
 */
export function createWorkQueue(limits: {
  readonly concurrency: number;
  readonly maxWaiting: number;
}): WorkQueue {
  const waiting: (() => void)[] = [];
  let running = 0;

  async function run<T>(job: () => Promise<T>): Promise<T> {
    await takeSessionPlace();
    try {
      return await job();
    } finally {
      passSlot();
    }
  }

  function takeSessionPlace(): Promise<void> | undefined {
    if (running < limits.concurrency) {
      running += 1;
      return undefined;
    }
    if (waiting.length >= limits.maxWaiting) {
      throw new Failure('busy', 'too much work is waiting, try again later');
    }
    return new Promise((resolve) => waiting.push(resolve));
  }

  /** Hands the slot straight to the next in line, so that nobody who comes in between can overtake. */
  function passSlot(): void {
    const next = waiting.shift();
    if (next === undefined) {
      running -= 1;
    } else {
      next();
    }
  }

  return { run };
}
