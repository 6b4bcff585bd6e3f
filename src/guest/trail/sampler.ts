import { LRUCache } from 'lru-cache';
import type { Clock } from '../../base/clock.ts';

export type Sampler = {
  /** True for the first of equal names within an hour in this process. */
  isFirst(name: string): boolean;
  /** Forgets a name that could not be recorded: the next one is the first again. */
  forget(name: string): void;
};

const PERIOD_MS = 3_600_000;

export function createSampler(clock: Clock): Sampler {
  const seen = new LRUCache<string, number>({ max: 10_000 });
  return {
    isFirst: (name) => {
      const now = clock();
      if (now - (seen.get(name) ?? 0) < PERIOD_MS) return false;
      seen.set(name, now);
      return true;
    },
    forget: (name) => {
      seen.delete(name);
    },
  };
}
