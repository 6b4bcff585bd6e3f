/**
 * Who is wrong too often is not listened to for a while, right or wrong. Wrong guesses are counted in the store, for
 * all processes; who is right costs nothing. Counted are guesses at one thing from one network: nobody is locked out
 * by what somebody does elsewhere, and what does not exist counts as what does.
 *
 * A process knows of a limit by its own wrong guesses: another one answers at most one more before it knows.
 */
import { LRUCache } from 'lru-cache';
import type { Clock } from '../base/clock.ts';
import { sha256 } from '../base/hash.ts';
import type { Logger } from '../observability/logger.ts';
import type { Store } from '../storage/port/port.ts';
import { TooMany } from './too-many.ts';

/** How many may be wrong in how many milliseconds before nobody listens for the rest of that time. */
const rules = {
  /** Secrets are long, but people choose some themselves. */
  client_secret: { max: 20, windowMs: 60_000 },
  /** A key that names nobody, such as an API key of an embed product: the section stands for the client. */
  api_key: { max: 20, windowMs: 60_000 },
  /** Codes and refresh tokens have 256 bits; a page that brings many old ones is not to be cut off. */
  grant: { max: 600, windowMs: 60_000 },
  /** RFC 8628 §5.1: of 20^8 codes, ten tries in a code's life leave a chance below 2^-31. */
  user_code: { max: 10, windowMs: 600_000 },
} as const satisfies Readonly<Record<string, { max: number; windowMs: number }>>;

export type AttemptKind = keyof typeof rules;

export type AttemptSource = {
  readonly kind: AttemptKind;
  readonly realm: string;
  /** What is guessed at, as the caller named it; empty where the guess is all there is. */
  readonly target: string;
  /** Where the guess comes from (network.ts). */
  readonly network: string;
};

/** How many guessers a process remembers; the store still knows those it forgets. */
const MAX_KNOWN = 20_000;

type Known = { readonly count: number; readonly until: number };

type Deps = { readonly store: Store; readonly clock: Clock; readonly logger: Logger };

export type BruteForceGuard = ReturnType<typeof createBruteForceGuard>;

export function createBruteForceGuard({ store, clock, logger }: Deps) {
  const known = new LRUCache<string, Known>({ max: MAX_KNOWN });

  /** As it is on most days: nobody has been wrong lately, and nobody is blocked. */
  function isQuiet(): boolean {
    return known.size === 0;
  }

  function isBlocked(attemptSource: AttemptSource): boolean {
    return (currentOf(attemptSource)?.count ?? 0) >= rules[attemptSource.kind].max;
  }

  /** To be called before anything is looked at. Throws `TooMany`. Asks nobody. */
  function admit(attemptSource: AttemptSource): void {
    if (isBlocked(attemptSource)) throw tooMany(attemptSource);
  }

  /**
   * Counts a wrong guess. Rejects with `TooMany` when it was one too many, whose answer must not tell that it was
   * wrong, and with `Failure('unavailable')` without a store.
   */
  async function wrong(attemptSource: AttemptSource): Promise<void> {
    const { max, windowMs } = rules[attemptSource.kind];
    const before = currentOf(attemptSource);
    // Of many at the same moment each counts here at once: the limit holds before the store has answered.
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
    // More than a window away is a clock that was set back.
    return left > 0 && left <= rules[attemptSource.kind].windowMs ? found : undefined;
  }

  function tooMany(attemptSource: AttemptSource): TooMany {
    const until = currentOf(attemptSource)?.until ?? clock();
    return new TooMany('too many wrong tries, try again later', { retryAfter: (until - clock()) / 1000 });
  }

  return { isQuiet, isBlocked, admit, wrong };
}

function idOf({ kind, realm, target, network }: AttemptSource): string {
  return sha256(JSON.stringify([kind, realm, target, network]));
}
