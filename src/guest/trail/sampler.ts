import { LRUCache } from 'lru-cache';
import type { Clock } from '../../base/clock.ts';

export type Sampler = {
  /** True for the first of equal things within an hour in this process. */
  isFirst(name: string): boolean;
  /** Nothing came of it: the next one is the first. */
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
