/**
 * Signing keys of a realm: which one signs, which still verify, when they change. Knows nothing of clients or
 * tokens; what is signed is the caller's affair.
 *
 * A key is `next` (published, not used yet), then `current` (signs), then `retired` (published, no longer used),
 * then gone. What holds at every moment, for each algorithm the realm has used:
 *
 * - Exactly one key signs, and one more is published that will follow it.
 * - A key is published for at least 600 s (twice the `max-age` of the JWKS) before it signs. Exceptions: the first
 *   key of an algorithm, and a replacement (`rotate` with `now`).
 * - A key that signed stays published until the last token signed with it is dead, unless it was replaced.
 *
 * Promotions happen lazily, by a conditional write of whoever asks for the keys after their time has come; without
 * being asked after 90 days. Of several processes one wins and the others read what it wrote. Every change is told
 * to all processes in the same commit. One that misses the message signs with the old key for 30 s at most, which
 * the time that retired keys stay allows for.
 */
import type { JWK } from 'jose';
import { LRUCache } from 'lru-cache';
import { type Clock, epochSeconds } from '../base/clock.ts';
import type { EventSink } from '../observability/events.ts';
import type { Stamp, Store } from '../storage/port/port.ts';
import { algsOf, infosOf, jwksOf, type KeyInfo, type SigningAlg } from './ring.ts';
import { type Change, createRingRecords, KEYS_CHANGED, TOPIC } from './ring-records.ts';
import {
  hasten,
  nextChange,
  type RotationReport,
  replace,
  reportOf,
  settle,
  withoutRetired,
} from './rotation.ts';
import type { Sealer } from './seal.ts';

const CACHED_REALMS = 2000;
const CACHED_SECONDS = 30;

export type RealmKeys = {
  /** Changes whenever another member of this value does. */
  readonly revision: Stamp;
  /** Private keys with `kid`, `alg`, `use`; per algorithm the signing one first, then the next one, then retired ones. */
  readonly jwks: readonly JWK[];
  /** 32 bytes that stay the same for the life of the realm; derive keys from it, never use it as one. */
  readonly secret: Buffer;
};

type Cached = { readonly keys: RealmKeys; readonly algs: readonly SigningAlg[]; readonly until: number };

type KeyRingDeps = {
  readonly store: Store;
  readonly clock: Clock;
  readonly sealer: Sealer;
  readonly events: EventSink;
  /**
   * Called after the keys of a realm were changed by any process. Without a realm, the keys of any realm may have
   * changed.
   */
  readonly onChange?: (realm?: string) => void;
  /** Seconds: the longest life of a token signed with these keys. */
  readonly signedUntil: number;
};

export type KeyRing = ReturnType<typeof createKeyRing>;

export function createKeyRing({ signedUntil, ...deps }: KeyRingDeps) {
  const { clock, events } = deps;
  const keepFor = signedUntil + 2 * CACHED_SECONDS;
  const records = createRingRecords(deps);
  const cache = createCache(deps);

  /**
   * The realm's keys, with at least a signing and a next one for each of `algs`: what is missing is made. Answered
   * from memory for up to 30 s, so ask for every use (promotions depend on it) and rebuild what you made of them
   * when `revision` differs. Rejects with `Failure('not_found')` when keys are to be made for a closed realm.
   */
  async function keysOf(realm: string, algs: readonly SigningAlg[]): Promise<RealmKeys> {
    const cached = cache.find(realm);
    if (cached && epochSeconds(clock) < cached.until && algs.every((alg) => cached.algs.includes(alg))) {
      return cached.keys;
    }
    return (await cache.load(realm, algs, () => load(realm, algs))).keys;
  }

  /** The stored keys, in the order of `RealmKeys.jwks`. Makes none and changes none. */
  async function stored(realm: string): Promise<RealmKeys['jwks']> {
    const found = await records.find(realm);
    return found === undefined ? [] : jwksOf(found.ring);
  }

  async function load(realm: string, algs: readonly SigningAlg[]): Promise<Cached> {
    const { after } = await records.change(realm, algs, (ring, now) => settle(ring, now, keepFor));
    const secret = Buffer.from(after.ring.secret, 'base64url');
    return {
      keys: { revision: after.stamp, jwks: jwksOf(after.ring), secret },
      algs: algsOf(after.ring),
      until: Math.min(epochSeconds(clock) + CACHED_SECONDS, nextChange(after.ring, keepFor)),
    };
  }

  /**
   * Changes the signing key of every algorithm: at once where the next key has been published long enough, else as
   * soon as it has. No token fails. With `now`, for keys that leaked: at once, and nothing that was signed before
   * verifies any more, also not by keys retired earlier. The next keys lie in the same record: when that leaked,
   * rotate twice.
   */
  async function rotate(realm: string, options: { readonly now?: boolean } = {}): Promise<RotationReport> {
    const step: Change = options.now ? replace : (ring, now) => settle(hasten(ring, now), now, keepFor);
    const { before, after } = await records.change(realm, [], step);
    cache.drop(realm);
    const report = reportOf(before, after.ring);
    const details = { immediate: options.now === true, ...report };
    events.emit({ type: 'keys.rotated', realm, details });
    return report;
  }

  /** Stops publishing a retired key. `false` when there is no retired key of this id. */
  async function retire(realm: string, kid: string): Promise<boolean> {
    const { before, after } = await records.change(realm, [], (ring) => withoutRetired(ring, kid));
    if (before === after.ring) return false;
    cache.drop(realm);
    events.emit({ type: 'keys.rotated', realm, details: { removed: kid } });
    return true;
  }

  /** What is published, and since when each key signs. Times are seconds since the epoch. Changes nothing. */
  async function list(realm: string): Promise<readonly KeyInfo[]> {
    const found = await records.find(realm);
    return found === undefined ? [] : infosOf(found.ring);
  }

  return { keysOf, stored, list, rotate, retire, stop: cache.stop };
}

/** Caches what was read, until the store publishes a change. */
function createCache({ store, onChange }: Pick<KeyRingDeps, 'store' | 'onChange'>) {
  const entries = new LRUCache<string, Cached>({ max: CACHED_REALMS });
  const loading = new Map<string, Promise<Cached>>();
  /** Counts changes: a value that was read before a change is neither cached nor given to a later caller. */
  let changes = 0;

  /** True while changes may be missed: nothing is kept then. */
  let isDoubtful = false;

  function drop(realm?: string): void {
    changes += 1;
    if (realm === undefined) {
      entries.clear();
    } else {
      entries.delete(realm);
    }
  }

  const unsubscribe = store.subscribe(TOPIC, {
    onMessage({ realm, message }) {
      if (message === KEYS_CHANGED) {
        drop(realm);
        onChange?.(realm);
      }
    },
    onDoubt() {
      isDoubtful = true;
      drop();
    },
    onGap() {
      isDoubtful = false;
      drop();
      onChange?.();
    },
  });

  /** All callers that ask for the same share one `read`. */
  function load(realm: string, algs: readonly SigningAlg[], read: () => Promise<Cached>): Promise<Cached> {
    const flight = [changes, realm, ...algs].join(' ');
    const running = loading.get(flight) ?? keep(realm, read).finally(() => loading.delete(flight));
    loading.set(flight, running);
    return running;
  }

  async function keep(realm: string, read: () => Promise<Cached>): Promise<Cached> {
    const before = changes;
    const entry = await read();
    if (changes === before && !isDoubtful) {
      entries.set(realm, entry);
    }
    return entry;
  }

  function stop(): void {
    unsubscribe();
    entries.clear();
  }

  return { find: (realm: string) => entries.get(realm), load, drop, stop };
}
