import { type Clock, epochSeconds } from '../base/clock.ts';
import { Failure } from '../base/errors.ts';
import { randomValue } from '../base/random.ts';
import type { EventSink } from '../observability/events.ts';
import type { Key, Stamp, Store, Write } from '../storage/port/port.ts';
import { generateKey } from './generate.ts';
import { algsOf, type Ring, ring as ringSchema, type SigningAlg } from './ring.ts';
import { fill, missing } from './rotation.ts';
import type { Sealer } from './seal.ts';

/** The topic and the message by which all processes hear of a change of keys. */
export const TOPIC = 'registry';
export const KEYS_CHANGED = JSON.stringify({ what: 'keys' });

/** Each lost race means that another process succeeded. So many in a row do not happen. */
const MAX_ATTEMPTS = 10;

export type RingRecord = { readonly ring: Ring; readonly stamp: Stamp };

/** A pure step from one ring to another; returns the same object when there is nothing to do. */
export type Change = (ring: Ring, now: number) => Ring;

type Deps = {
  readonly store: Store;
  readonly clock: Clock;
  readonly sealer: Sealer;
  readonly events: EventSink;
};

/** The rings of all realms at rest, each one record, sealed as a whole. */
export function createRingRecords({ store, clock, sealer, events }: Deps) {
  /**
   * Applies `change` to the newest ring of the realm and makes the keys that are then missing for `algs` or for any
   * algorithm already there. Writes only when something changed, tells every process in the same commit, and starts
   * over when somebody else was faster. Rejects with `Failure('not_found')` when a closed realm would be written.
   */
  async function change(
    realm: string,
    algs: readonly SigningAlg[],
    step: Change,
  ): Promise<{ readonly before: Ring; readonly after: RingRecord }> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
      const found = await find(realm);
      const before: Ring = found?.ring ?? { version: 1, secret: randomValue(), keys: [] };
      const changed = step(before, epochSeconds(clock));
      const wanted = missing(changed, [...algs, ...algsOf(before)]);
      if (found && changed === before && wanted.length === 0) {
        return { before, after: found };
      }
      const fresh = await Promise.all(wanted.map(generateKey));
      const ring = fill(changed, fresh, epochSeconds(clock));
      const stamp = await write(realm, ring, found?.stamp);
      if (stamp !== undefined) {
        const created = fresh.map(({ kid, alg }) => ({ kid, alg }));
        events.emit({ type: 'keys.created', realm, details: { created } });
        return { before, after: { ring, stamp } };
      }
    }
    throw new Failure('busy', 'the keys are being changed by others, try again');
  }

  /** Reads the ring regardless of cuts: a cut kills tokens, not keys. */
  async function find(realm: string): Promise<RingRecord | undefined> {
    const [document] = await store.read([keyOf(realm)]);
    if (document === undefined) {
      return undefined;
    }
    const ring = ringSchema.parse(JSON.parse(sealer.open(document.value, contextOf(realm))));
    return { ring, stamp: document.stamp };
  }

  /** Resolves to `undefined`, without a write, when the record has changed since it was read. */
  async function write(realm: string, ring: Ring, read: Stamp | undefined): Promise<Stamp | undefined> {
    const value = sealer.seal(JSON.stringify(ring), contextOf(realm));
    const result = await store.commit([
      { put: keyOf(realm), value, onlyIf: read ?? 'absent' },
      { publish: TOPIC, realm, message: KEYS_CHANGED },
    ]);
    if (result.ok) {
      return result.stamp;
    }
    if (result.reason === 'closed') {
      throw new Failure('not_found', 'the realm is closed');
    }
    return undefined;
  }

  return { change, find };
}

/**
 * The write that belongs into the commit that removes a realm: its keys are removed too, also from the memory of
 * every process.
 */
export function ringRemoval(realm: string): readonly Write[] {
  return [{ remove: keyOf(realm) }, { publish: TOPIC, realm, message: KEYS_CHANGED }];
}

function keyOf(realm: string): Key {
  return { realm, kind: 'keys', id: 'ring' };
}

function contextOf(realm: string): string {
  return `${realm}/keys/ring`;
}
