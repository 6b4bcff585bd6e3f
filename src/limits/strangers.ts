/**
 * How much one network may leave in the store of a realm without credentials: requests to sign in, pushed requests,
 * device codes, registrations. Each process counts for itself, in memory: counting in the store would let strangers
 * write to it once more.
 */
import { LRUCache } from 'lru-cache';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../observability/logger.ts';
import { TooMany } from './too-many.ts';

const WINDOW_MS = 60_000;
/** The most networks that a process remembers. */
const MAX_KNOWN = 50_000;
/** Each begun so many bytes of a request count as one. */
const BYTES_PER_UNIT = 4096;

export type Stranger = {
  readonly realm: string;
  /** The network of the caller (network.ts). */
  readonly network: string;
};

export type StrangerLimits = ReturnType<typeof createStrangerLimits>;

/** `isTold`: the log knows that this network has reached its limit in this minute. */
type Taken = { readonly units: number; readonly until: number; readonly isTold: boolean };

export function createStrangerLimits({ clock, logger }: { readonly clock: Clock; readonly logger: Logger }) {
  const known = new LRUCache<string, Taken>({ max: MAX_KNOWN });

  /**
   * Takes what a request of `bytes` costs, of `most` in a minute. Returns a function that gives it back. Throws
   * `TooMany` when there is not so much left.
   */
  function take(stranger: Stranger, bytes: number, most: number): () => void {
    const key = JSON.stringify([stranger.realm, stranger.network]);
    const units = 1 + Math.floor(bytes / BYTES_PER_UNIT);
    const { units: taken, until, isTold } = currentOf(key);
    if (taken + units > most) {
      if (!isTold) logger.warn({ ...stranger }, 'too many requests without credentials');
      known.set(key, { units: taken, until, isTold: true });
      throw new TooMany('too many requests, try again later', { retryAfter: (until - clock()) / 1000 });
    }
    known.set(key, { units: taken + units, until, isTold });
    return () => {
      const now = currentOf(key);
      if (now.until === until) known.set(key, { ...now, units: Math.max(0, now.units - units) });
    };
  }

  function currentOf(key: string): Taken {
    const found = known.get(key);
    const left = (found?.until ?? 0) - clock();
    // An end further away than a window means that the clock was set back.
    return found !== undefined && left > 0 && left <= WINDOW_MS
      ? found
      : { units: 0, until: clock() + WINDOW_MS, isTold: false };
  }

  return { take };
}
