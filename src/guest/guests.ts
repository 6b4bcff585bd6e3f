/**
 * Guest tokens: one service behind every entry point (RFC 8693, native JSON, the embed products' calls). Knows no
 * HTTP.
 */
import type { Clock } from '../base/clock.ts';
import { sha256 } from '../base/hash.ts';
import { createQuotas } from '../limits/quotas.ts';
import type { EventSink } from '../observability/events.ts';
import type { Logger } from '../observability/logger.ts';
import type { Client } from '../registry/model/model.ts';
import type { Stamp, Store } from '../storage/port/port.ts';
import type { Refused } from './grant/refusal.ts';
import { introspectGuest, judgeForExchange } from './introspection/introspect.ts';
import type { GuestCaller, GuestQuestion } from './introspection/question.ts';
import { resolveHost } from './introspection/resolve-host.ts';
import { usagesOf } from './introspection/usage.ts';
import { mintOnce } from './issue/idempotency.ts';
import { mint } from './issue/mint.ts';
import type { MintOrder } from './issue/mint-order.ts';
import { createOpener, type Redemption, redeemOpener, stateOf } from './issue/openers.ts';
import { type GuestChange, patchGuest } from './issue/patch.ts';
import { type RefreshOrder, refreshGuest } from './issue/refresh.ts';
import { type Mints, mints } from './limits/ceiling.ts';
import type { GuestRealm, Minter } from './limits/guest-realm.ts';
import { trailOf } from './lookup/events.ts';
import {
  cutGuests,
  type FoundGuest,
  findGuest,
  findGuestByHash,
  type GuestFilter,
  listGuests,
  revokeAll,
  revokeGuest,
  type Selector,
} from './lookup/lookup.ts';
import type { GuestRecord, StoredGuest } from './record/guest-record.ts';
import { sealerOf } from './record/sealing.ts';
import { createStatusLists } from './status/status-lists.ts';
import { createPlacing } from './status/status-places.ts';
import type { Source } from './trail/trail.ts';
import { createTrailNotes } from './trail/trail-notes.ts';
import { emittingRefusals } from './trail/trail-refusals.ts';

export type Guests = ReturnType<typeof createGuests>;

export type GuestsDeps = {
  readonly store: Store;
  readonly clock: Clock;
  /** Milliseconds that the store's clock is ahead of `clock`. By the store's clock it is judged whether a token is valid yet. */
  readonly storeAheadMs: () => number;
  readonly logger: Logger;
  readonly events: EventSink;
  /**
   * Resolves a host name to its addresses; to none when it cannot be resolved in time. Default: the machine's hosts
   * file, then DNS.
   */
  readonly resolveHost?: (host: string) => Promise<readonly string[]>;
};

export function createGuests(parts: GuestsDeps) {
  const deps = {
    resolveHost,
    ...parts,
    notes: createTrailNotes(parts),
    place: createPlacing(),
    quotas: createQuotas(parts),
  };
  const statusLists = createStatusLists(parts);
  const watched = <Made extends object>(order: MintOrder, make: () => Promise<Made | Refused>) => {
    const { realm, minter, source, parent } = order;
    if (order.isTrial === true) return make();
    const asked = { realm: realm.name, client: minter.clientId, source, parent: parent?.guest?.record.id };
    return emittingRefusals(deps, asked, make);
  };
  return {
    /** The signed status list; `undefined` when the realm has no list with this id. */
    statusList: (realm: GuestRealm, id: string) => statusLists.tokenOf(realm, id),
    mint: (order: MintOrder) => watched(order, () => mint(deps, order)),
    mintOnce: (order: MintOrder, once: { readonly key: string; readonly request: string }) =>
      watched(order, () => mintOnce(deps, order, once)),
    createOpener: (order: MintOrder, ttl: number) => watched(order, () => createOpener(deps, order, ttl)),
    redeemOpener: (redemption: Redemption) => {
      const asked = { realm: redemption.realm.name, source: redemption.source };
      return emittingRefusals(deps, asked, () => redeemOpener(deps, redemption));
    },
    stateOfOpener: (realm: GuestRealm, value: string) => stateOf(deps, realm, value),
    refresh: (order: RefreshOrder) => {
      const asked = { realm: order.realm.name, client: order.clientId, source: order.source };
      return emittingRefusals(deps, asked, () => refreshGuest(deps, order));
    },
    find: (realm: string, id: string) => findGuest(deps, realm, id),
    findByValue: (realm: string, value: string) => findGuestByHash(deps, realm, sha256(value)),
    list: (realm: string, filter: GuestFilter, page: { limit: number; after?: string | undefined }) =>
      listGuests(deps, realm, filter, page),
    narrow: (realm: GuestRealm, found: FoundGuest, order: { change: GuestChange; source: Source }) =>
      patchGuest(deps, realm, found, order),
    revoke: (realm: string, id: string, source: Source) => revokeGuest(deps, realm, id, source),
    revokeAll: (realm: string, records: readonly GuestRecord[], source: Source) =>
      revokeAll(deps, realm, records, source),
    /** `clientId`: cuts only what this client minted. Absent: what any client of the realm minted. */
    cut: (
      realm: string,
      selector: Selector,
      options: { clientId?: string | undefined; before?: number | undefined },
    ) => cutGuests(deps, realm, selector, options),
    trail: (realm: string, id: string, found?: FoundGuest) => trailOf(deps, realm, id, found),
    /** How much each of these tokens was used, in their order and one round trip to the store. */
    usages: (realm: string, found: readonly FoundGuest[]) =>
      usagesOf(
        deps,
        realm,
        found.map(({ record }) => record),
      ),
    /** Resolves when all events up to now are in the trails. */
    settled: () => deps.notes.settled(),
    /** How many uses are left to a token that is to be exchanged, or why it cannot be. Counts no use. */
    judgeForExchange: (realm: GuestRealm, found: StoredGuest) => judgeForExchange(deps, { ...found, realm }),
    introspect: (realm: GuestRealm, found: StoredGuest, caller: GuestCaller, question: GuestQuestion) =>
      introspectGuest(deps, { ...found, realm }, caller, question),
  };
}

/** The shortest life of a token that is minted by native JSON or by exchange, in seconds. */
const NATIVE_MIN_TTL = 10;

const ceilings = new WeakMap<object, Mints | undefined>();

/**
 * A client as a minter, as the store had it at `readAt`. `undefined` when the client may not mint, or its `mints`
 * section is not valid.
 */
export function minterOf(client: Client, readAt: Stamp | undefined): Minter | undefined {
  if (client.mints === undefined || !client.enabled || client.public === true) return undefined;
  if (!ceilings.has(client.mints)) ceilings.set(client.mints, mints.safeParse(client.mints).data);
  const ceiling = ceilings.get(client.mints);
  return ceiling && { clientId: client.id, ceiling, minTtl: NATIVE_MIN_TTL, readAt };
}

/** The value of a token that was minted with `showAgain`; `undefined` when the value was not kept. */
export function shownValue(realm: GuestRealm, record: GuestRecord): string | undefined {
  if (record.sealedValue === undefined) return undefined;
  return sealerOf(realm).open(record.sealedValue, record.id);
}
