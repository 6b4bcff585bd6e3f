/**
 * Limits wrong tries. A source with too many wrong tries is refused for a while. Different wrong values are counted, in
 * the store for all processes: who repeats one wrong value, as a service with an old secret does, guesses nothing. A
 * right try costs nothing. A source is one network that tries one thing: nobody is locked out by what somebody does
 * elsewhere, and a name that does not exist counts like one that does.
 *
 * A process learns of a block from its own wrong tries: another process answers at most one more.
 */
import { LRUCache } from 'lru-cache';
import type { Clock } from '../base/clock.ts';
import { hmac, sha256 } from '../base/hash.ts';
import type { Logger } from '../observability/logger.ts';
import type { Store } from '../storage/port/port.ts';
import { TooMany } from './too-many.ts';

/** How many different wrong values within how many milliseconds block a source for the rest of that time. */
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
  /** Of all people of a realm together. The realm says how many (`passwords.wrongPerNetwork`). */
  password: { max: 300, windowMs: 300_000 },
  /** RFC 8628 §5.1: of 20^8 codes, ten tries in a code's life leave a chance below 2^-31. */
  user_code: { max: 10, windowMs: 600_000 },
} as const satisfies Readonly<Record<string, { max: number; windowMs: number }>>;

export type AttemptKind = keyof typeof rules;

export type AttemptSource = {
  readonly kind: AttemptKind;
  readonly realm: string;
  /** What is tried, as the caller named it; empty where the tried value is all there is. */
  readonly target: string;
  /** The network of the caller (network.ts). */
  readonly network: string;
  /** Another limit than that of the kind. */
  readonly max?: number;
};

/** How many sources a process remembers. The store still knows those that it drops. */
const MAX_KNOWN = 20_000;

type Known = { readonly count: number; readonly until: number };

type Deps = {
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Of wrong values the store holds nothing that tells them without this key. The same in every process. */
  readonly key: Buffer;
};

export type BruteForceGuard = ReturnType<typeof createBruteForceGuard>;

export function createBruteForceGuard({ store, clock, logger, key }: Deps) {
  /** Wrong values that were counted, and until when. */
  const seen = new LRUCache<string, number>({ max: MAX_KNOWN });
  const { isQuiet, currentOf, remember } = createKnown(clock);

  function isBlocked(attemptSource: AttemptSource): boolean {
    return (currentOf(attemptSource)?.count ?? 0) >= maxOf(attemptSource);
  }

  /**
   * Throws `TooMany` for a blocked source. To be called before the credential is looked at, unless nobody could find
   * the right one by trying. Does not ask the store.
   */
  function admit(attemptSource: AttemptSource): void {
    if (isBlocked(attemptSource)) throw tooMany(attemptSource);
  }

  /**
   * Counts a wrong value, once. Rejects with `TooMany` when it was one too many: then the answer must not tell that it
   * was wrong. Rejects with `Failure('unavailable')` without a store.
   */
  async function wrong(attemptSource: AttemptSource, value: string): Promise<void> {
    const valueId = hmac(key, JSON.stringify([idOf(attemptSource), value]));
    const { windowMs } = rules[attemptSource.kind];
    if (isWithin(seen.get(valueId), windowMs, clock())) return admit(attemptSource);
    countHere(attemptSource);
    seen.set(valueId, clock() + windowMs);
    try {
      await countInStore(attemptSource, valueId);
    } catch (error) {
      if (!(error instanceof TooMany)) seen.delete(valueId);
      throw error;
    }
  }

  /** Concurrent tries count here at once, so that the limit holds before the store has answered. */
  function countHere(attemptSource: AttemptSource): void {
    const max = maxOf(attemptSource);
    const { windowMs } = rules[attemptSource.kind];
    const { count, until } = currentOf(attemptSource) ?? { count: 0, until: clock() + windowMs };
    remember(attemptSource, count + 1, until);
    if (count + 1 > max) throw tooMany(attemptSource);
  }

  async function countInStore(attemptSource: AttemptSource, valueId: string): Promise<void> {
    const { realm } = attemptSource;
    const max = maxOf(attemptSource);
    const { windowMs } = rules[attemptSource.kind];
    const askedAt = clock();
    const value = { realm, kind: 'guess', id: valueId };
    const isNew = (await store.commit([{ put: value, value: '1', ttl: windowMs / 1000, onlyIf: 'absent' }]))
      .ok;
    const counter = { realm, kind: 'guesses', id: idOf(attemptSource) };
    const { count, resetsInMs } = await store.count(counter, { windowMs, by: isNew ? 1 : 0 });
    const here = (currentOf(attemptSource)?.count ?? 0) - (isNew ? 0 : 1);
    remember(attemptSource, Math.max(count, here), askedAt + Math.min(resetsInMs, windowMs));
    if (isNew && count === max) {
      const { kind, network } = attemptSource;
      logger.warn({ realm, kind, network }, 'too many wrong guesses');
    }
    if (count > max) throw tooMany(attemptSource);
  }

  function tooMany(attemptSource: AttemptSource): TooMany {
    const until = currentOf(attemptSource)?.until ?? clock();
    return new TooMany('too many wrong tries, try again later', { retryAfter: (until - clock()) / 1000 });
  }

  return { isQuiet, isBlocked, admit, wrong };
}

/** What a process knows of sources that were wrong lately. */
function createKnown(clock: Clock) {
  const known = new LRUCache<string, Known>({ max: MAX_KNOWN });

  /** True when there was no wrong try lately, so nobody can be blocked. */
  function isQuiet(): boolean {
    return known.size === 0;
  }

  function currentOf(attemptSource: AttemptSource): Known | undefined {
    const found = known.get(idOf(attemptSource));
    return isWithin(found?.until, rules[attemptSource.kind].windowMs, clock()) ? found : undefined;
  }

  function remember(attemptSource: AttemptSource, count: number, until: number): void {
    known.set(idOf(attemptSource), { count, until });
  }

  return { isQuiet, currentOf, remember };
}

/** An end further away than a window means that the clock was set back. */
function isWithin(until: number | undefined, windowMs: number, now: number): boolean {
  const left = (until ?? 0) - now;
  return left > 0 && left <= windowMs;
}

function maxOf({ kind, max }: AttemptSource): number {
  return max ?? rules[kind].max;
}

function idOf({ kind, realm, target, network }: AttemptSource): string {
  return sha256(JSON.stringify([kind, realm, target, network]));
}
