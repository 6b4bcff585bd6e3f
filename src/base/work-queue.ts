import { Failure } from './errors.ts';

export type WorkQueue = {
  /**
   * Resolves to the outcome of `job`, which starts when its turn comes. Rejects with `Failure('busy')` at once when
   * too many jobs wait.
   */
  run<T>(job: () => Promise<T>): Promise<T>;
};

/**
 * Runs jobs in the order of arrival: at most `concurrency` at a time, and `maxWaiting` in line. When the line is
 * full, expensive work is refused at once, instead of waiting longer than any caller will.
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

  /** Hands the slot to the next in line, so that no job that arrives in between can overtake it. */
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
