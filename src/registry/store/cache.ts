import { LRUCache } from 'lru-cache';
import type { Clock } from '../../base/clock.ts';

type CacheOptions<T extends object> = {
  readonly load: (key: string) => Promise<T | undefined>;
  /**
   * The most entries for things that exist, and as many again for things that do not: a flood of unknown names evicts
   * nothing that exists.
   */
  readonly max: number;
  readonly ttlMs: number;
  readonly clock: Clock;
};

/**
 * Remembers what was loaded, and what was not found, until it is dropped or too old. Concurrent callers share one
 * look-up. A look-up whose key was dropped meanwhile is given to its callers and not remembered.
 */
export function createCache<T extends object>({ load, max, ttlMs, clock }: CacheOptions<T>) {
  const options = { max, ttl: ttlMs, ttlResolution: 0, perf: { now: clock } };
  const found = new LRUCache<string, T>(options);
  const missing = new LRUCache<string, true>(options);
  let isDoubtful = false;
  const underWay = new Map<string, Promise<T | undefined>>();

  async function find(key: string): Promise<T | undefined> {
    const known = found.get(key);
    if (known !== undefined) return known;
    return missing.has(key) ? undefined : (underWay.get(key) ?? lookUp(key));
  }

  async function lookUp(key: string): Promise<T | undefined> {
    const loading = load(key);
    underWay.set(key, loading);
    try {
      const value = await loading;
      if (underWay.get(key) === loading) remember(key, value);
      return value;
    } finally {
      if (underWay.get(key) === loading) underWay.delete(key);
    }
  }

  function remember(key: string, value: T | undefined): void {
    if (isDoubtful) return;
    if (value === undefined) missing.set(key, true);
    else found.set(key, value);
  }

  function drop(key: string): void {
    found.delete(key);
    missing.delete(key);
    underWay.delete(key);
  }

  /** Changes may be missed from now on: everything is looked up, and nothing remembered, until `clear`. */
  function distrust(): void {
    clear();
    isDoubtful = true;
  }

  function clear(): void {
    isDoubtful = false;
    found.clear();
    missing.clear();
    underWay.clear();
  }

  return { find, drop, clear, distrust };
}
