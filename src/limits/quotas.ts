/**
 * Quotas per minute that hold across processes. The store counts. Each process takes a block from it and spends the
 * block by itself, so most requests need no round trip for their quota. Blocks begin at one and double up to a
 * twentieth of the quota, so a process never holds much more than it uses.
 *
 * In one minute (which begins with the first use, by the store's clock) all processes together never give out more
 * than the quota. They may give out less: each other process may hold up to a twentieth of the quota unused.
 */
import { LRUCache } from 'lru-cache';
import type { Clock } from '../base/clock.ts';
import type { Key, Store } from '../storage/port/port.ts';
import { type LimitState, TooMany } from './too-many.ts';

const WINDOW = 60;
/** How many quotas a process remembers. For a forgotten one it asks the store again. */
const MAX_LEASES = 10_000;
/** The largest block, as a part of the quota. */
const LARGEST_BLOCK = 1 / 20;

/** The name of what is limited. `owner`: whose quota it is. */
export type Limited = { readonly name: string; readonly realm: string; readonly owner: string };

export type Taken = {
  readonly limit: LimitState;
  /** Gives the unit back. To be called when the request failed. */
  giveBack(): void;
};

/**
 * The part of a quota that this process holds in one window. It is mutable, so that a unit can be given back to it.
 */
type Lease = {
  readonly quota: number;
  /** The size of the last block. */
  block: number;
  /** The count of all processes, when this one asked last. */
  counted: number;
  /** Milliseconds since the epoch. */
  until: number;
  /** What this process may still spend. */
  left: number;
};

export type Quotas = ReturnType<typeof createQuotas>;

export function createQuotas({ store, clock }: { readonly store: Store; readonly clock: Clock }) {
  const leases = new LRUCache<string, Lease>({ max: MAX_LEASES });
  const asking = new Map<string, Promise<void>>();

  /**
   * Takes one of `quota` (at least 1) for this minute. Rejects with `TooMany` when none is left, with
   * `Failure('unavailable')` when the store must be asked and does not answer.
   */
  async function take(limited: Limited, quota: number): Promise<Taken> {
    const id = JSON.stringify(limited);
    const lease = currentLease(id, quota);
    if (lease !== undefined && lease.left > 0) return spend(limited, lease);
    if (lease !== undefined && lease.counted >= quota) throw tooMany(limited, lease);
    const asked = asking.get(id) ?? ask(id, limited, quota).finally(() => asking.delete(id));
    asking.set(id, asked);
    await asked;
    return take(limited, quota);
  }

  function currentLease(id: string, quota: number): Lease | undefined {
    const lease = leases.get(id);
    const left = (lease?.until ?? 0) - clock();
    // An end further away than a window means that the clock was set back.
    return lease?.quota === quota && left > 0 && left <= WINDOW * 1000 ? lease : undefined;
  }

  function spend(limited: Limited, lease: Lease): Taken {
    lease.left -= 1;
    const giveBack = () => {
      lease.left += 1;
    };
    return { limit: stateOf(limited, lease), giveBack };
  }

  async function ask(id: string, { name, realm, owner }: Limited, quota: number): Promise<void> {
    const lease = currentLease(id, quota) ?? { quota, block: 0, counted: 0, until: 0, left: 0 };
    const block = nextBlock(lease);
    const key: Key = { realm, kind: `quota-${name}`, id: owner };
    // For this process the window ends a moment before it ends for the store, never after.
    const askedAt = clock();
    const { count, resetsInMs } = await store.count(key, { windowMs: WINDOW * 1000, by: block });
    const until = askedAt + Math.min(resetsInMs, WINDOW * 1000);
    const left = lease.left + Math.max(0, block - Math.max(0, count - quota));
    leases.set(id, Object.assign(lease, { block, counted: count, until, left }));
  }

  function stateOf({ name }: Limited, { quota, counted, left, until }: Lease): LimitState {
    const remaining = Math.max(0, quota - counted) + left;
    return {
      name,
      quota,
      window: WINDOW,
      remaining,
      resetsIn: Math.max(0, Math.ceil((until - clock()) / 1000)),
    };
  }

  function tooMany(limited: Limited, lease: Lease): TooMany {
    const limit = stateOf(limited, lease);
    return new TooMany(`the quota of ${limit.quota} a minute is used up`, {
      retryAfter: limit.resetsIn,
      limit,
    });
  }

  return { take };
}

function nextBlock({ quota, block }: Lease): number {
  const largest = Math.max(1, Math.floor(quota * LARGEST_BLOCK));
  return Math.min(largest, Math.max(1, 2 * block));
}
