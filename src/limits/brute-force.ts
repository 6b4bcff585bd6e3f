/**
 * Limits wrong tries. A source with too many wrong tries is refused for a while, whatever it sends. Wrong tries are
 * counted in the store, for all processes; a right try costs nothing. A source is one network that tries one thing:
 * nobody is locked out by what somebody does elsewhere, and a name that does not exist counts like one that does.
 *
 * A process learns of a block from its own wrong tries: another process answers at most one more.
 */
import { LRUCache } from 'lru-cache';
import type { Clock } from '../base/clock.ts';
import { sha256 } from '../base/hash.ts';
import type { Logger } from '../observability/logger.ts';
import type { Store } from '../storage/port/port.ts';
import { TooMany } from './too-many.ts';

/** How many wrong tries within how many milliseconds block a source for the rest of that time. */
const rules = {
  /** Generated secrets are long, but people choose some themselves. */
  client_secret: { max: 20, windowMs: 60_000 },
  /** An API key of an embed product names no client: the section stands for the client. */
  api_key: { max: 20, windowMs: 60_000 },
  /**
   * Codes and refresh tokens have 256 random bits. The limit is high, so that a page that sends many old ones is not
   * blocked.
   */
  grant: { max: 600, windowMs: 60_000 },
  /** RFC 8628 §5.1: of 20^8 codes, ten tries in a code's life leave a chance below 2^-31. */
  user_code: { max: 10, windowMs: 600_000 },
  /** One password tried with many names; the lock of a user does not see it. A realm sets its own number. */
  password: { max: 100, windowMs: 60_000 },
} as const satisfies Readonly<Record<string, { max: number; windowMs: number }>>;

export type AttemptKind = keyof typeof rules;

export type AttemptSource = {
  readonly kind: AttemptKind;
  readonly realm: string;
  /** What is tried, as the caller named it; empty where the tried value is all there is. */
  readonly target: string;
  /** The network of the caller (network.ts). */
  readonly network: string;
  /** In place of the kind's own number of wrong tries. */
  readonly max?: number | undefined;
};

/** How many sources a process remembers. The store still knows those that it drops. */
const MAX_KNOWN = 20_000;

type Known = { readonly count: number; readonly until: number };

type Deps = { readonly store: Store; readonly clock: Clock; readonly logger: Logger };

export type BruteForceGuard = ReturnType<typeof createBruteForceGuard>;

export function createBruteForceGuard({ store, clock, logger }: Deps) {
  const known = new LRUCache<string, Known>({ max: MAX_KNOWN });

  /** True when there was no wrong try lately, so nobody can be blocked. */
  function isQuiet(): boolean {
    return known.size === 0;
  }

  function isBlocked(attemptSource: AttemptSource): boolean {
    return (currentOf(attemptSource)?.count ?? 0) >= maxOf(attemptSource);
  }

  /** Must be called before the credential is looked at. Throws `TooMany`. Does not ask the store. */
  function admit(attemptSource: AttemptSource): void {
    if (isBlocked(attemptSource)) throw tooMany(attemptSource);
  }

  /**
   * Counts a wrong try. Rejects with `TooMany` when it was one too many: then the answer must not tell that it was
   * wrong. Rejects with `Failure('unavailable')` without a store.
   */
  async function wrong(attemptSource: AttemptSource): Promise<void> {
    const { windowMs } = rules[attemptSource.kind];
    const max = maxOf(attemptSource);
    const before = currentOf(attemptSource);
    // Concurrent tries count here at once, so that the limit holds before the store has answered.
    const here = { count: (before?.count ?? 0) + 1, until: before?.until ?? clock() + windowMs };
    known.set(idOf(attemptSource), here);
    if (here.count > max) throw tooMany(attemptSource);
    const askedAt = clock();
    const key = { realm: attemptSource.realm, kind: 'guesses', id: idOf(attemptSource) };
    const { count, resetsInMs } = await store.count(key, { windowMs, by: 1 });
    const highest = Math.max(count, currentOf(attemptSource)?.count ?? 0);
    known.set(idOf(attemptSource), { count: highest, until: askedAt + Math.min(resetsInMs, windowMs) });
    if (count === max) {
      const { kind, realm, network } = attemptSource;
      logger.warn({ realm, kind, network }, 'too many wrong guesses');
    }
    if (count > max) throw tooMany(attemptSource);
  }

  function currentOf(attemptSource: AttemptSource): Known | undefined {
    const found = known.get(idOf(attemptSource));
    const left = (found?.until ?? 0) - clock();
    // An end further away than a window means that the clock was set back.
    return left > 0 && left <= rules[attemptSource.kind].windowMs ? found : undefined;
  }

  function tooMany(attemptSource: AttemptSource): TooMany {
    const until = currentOf(attemptSource)?.until ?? clock();
    return new TooMany('too many wrong tries, try again later', { retryAfter: (until - clock()) / 1000 });
  }

  return { isQuiet, isBlocked, admit, wrong };
}

function maxOf({ kind, max }: AttemptSource): number {
  return max ?? rules[kind].max;
}

function idOf({ kind, realm, target, network }: AttemptSource): string {
  return sha256(JSON.stringify([kind, realm, target, network]));
}
