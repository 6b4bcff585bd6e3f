/**
 * Whether requests can be served: a read and a harmless commit, as requests do. The answer counts for a second, or
 * until a call fails, so that many who ask cost no more than one.
 */
import type { Clock } from '../base/clock.ts';
import { isFailure } from '../base/errors.ts';
import type { Key, Store } from './port/port.ts';
import { StoreFailure, type StoreTrouble } from './port/trouble.ts';

export type Readiness =
  | { readonly status: 'up'; readonly store: 'up' }
  | { readonly status: 'down'; readonly store: 'down'; readonly reason: StoreTrouble | 'unreachable' };

const REMEMBERED_MS = 1000;
/** In the realm that no tokens are in. */
const KEY: Key = { realm: '_', kind: 'health', id: 'ready' };
const TTL = 60;

type Deps = {
  readonly store: Store;
  readonly clock: Clock;
  /** Calls its argument for every call of the store that fails. */
  readonly onTrouble?: (listener: () => void) => void;
};

export function createReadiness({ store, clock, onTrouble }: Deps) {
  let latest: { readonly askedAt: number; readonly answer: Promise<Readiness> } | undefined;

  onTrouble?.(() => {
    latest = undefined;
  });

  async function ask(): Promise<Readiness> {
    try {
      await store.read([KEY]);
      await store.commit([{ put: KEY, value: '', ttl: TTL }]);
      return { status: 'up', store: 'up' };
    } catch (error) {
      if (error instanceof StoreFailure) return { status: 'down', store: 'down', reason: error.trouble };
      if (isFailure(error, 'unavailable')) return { status: 'down', store: 'down', reason: 'unreachable' };
      throw error;
    }
  }

  return function readiness(): Promise<Readiness> {
    const now = clock();
    if (latest === undefined || Math.abs(now - latest.askedAt) >= REMEMBERED_MS) {
      latest = { askedAt: now, answer: ask() };
    }
    return latest.answer;
  };
}
