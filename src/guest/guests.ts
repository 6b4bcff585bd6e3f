/**
 * Guest tokens: the one service behind every door (RFC 8693, native JSON, the embed products' calls). Knows no HTTP.
 */
import type { Clock } from '../base/clock.ts';
import { sha256 } from '../base/hash.ts';
import { createQuotas } from '../limits/quotas.ts';
import type { Client } from '../registry/model.ts';
import type { Document, Stamp, Store } from '../storage/store.ts';
import { type Mints, mints } from './ceiling.ts';
import { introspectGuest, useForExchange } from './guest-introspection.ts';
import {
  cutGuests,
  eventsOf,
  type FoundGuest,
  findGuest,
  findGuestByHash,
  type GuestFilter,
  listGuests,
  revokeAll,
  revokeGuest,
  type Selector,
} from './guest-life.ts';
import { type GuestChange, narrowGuest } from './guest-narrow.ts';
import { mintOnce } from './guest-once.ts';
import { createOpener, originsOf, type Redemption, redeemOpener } from './guest-openers.ts';
import type { GuestCaller, GuestQuestion } from './guest-question.ts';
import type { GuestRealm, Minter } from './guest-realm.ts';
import { decodeGuest, type GuestRecord } from './guest-record.ts';
import { mint } from './mint.ts';
import type { MintOrder } from './mint-order.ts';
import { type RefreshOrder, refreshGuest } from './refresh.ts';
import { resolveHost } from './resolve-host.ts';
import { createSampler } from './sampler.ts';
import { sealerOf } from './sealing.ts';
import { createStatusLists } from './status-lists.ts';
import { createPlacing } from './status-places.ts';

export type Guests = ReturnType<typeof createGuests>;

export type GuestsDeps = {
  readonly store: Store;
  readonly clock: Clock;
  /** Addresses of a host, none when it cannot be found in time; default: as the machine's file of hosts or DNS says. */
  readonly resolveHost?: (host: string) => Promise<readonly string[]>;
};

export function createGuests(parts: GuestsDeps) {
  const deps = {
    resolveHost,
    ...parts,
    isSampled: createSampler(parts.clock),
    place: createPlacing(),
    quotas: createQuotas(parts),
  };
  const statusLists = createStatusLists(parts);
  return {
    /** The signed status list; `undefined` when the realm has no such one. */
    statusList: (realm: GuestRealm, id: string) => statusLists.tokenOf(realm, id),
    mint: (order: MintOrder) => mint(deps, order),
    mintOnce: (order: MintOrder, once: { readonly key: string; readonly request: string }) =>
      mintOnce(deps, order, once),
    createOpener: (order: MintOrder, ttl: number) => createOpener(deps, order, ttl),
    redeemOpener: (redemption: Redemption) => redeemOpener(deps, redemption),
    originsOfOpener: (realm: GuestRealm, value: string) => originsOf(deps, realm, value),
    refresh: (order: RefreshOrder) => refreshGuest(deps, order),
    find: (realm: string, id: string) => findGuest(deps, realm, id),
    findByValue: (realm: string, value: string) => findGuestByHash(deps, realm, sha256(value)),
    list: (realm: string, filter: GuestFilter, page: { limit: number; after?: string | undefined }) =>
      listGuests(deps, realm, filter, page),
    narrow: (realm: GuestRealm, found: FoundGuest, change: GuestChange) =>
      narrowGuest(deps, realm, found, change),
    revoke: (realm: string, id: string, by: string) => revokeGuest(deps, realm, id, by),
    revokeAll: (realm: string, records: readonly GuestRecord[], by: string) =>
      revokeAll(deps, realm, records, by),
    /** `clientId`: only what this client minted; absent: what anybody in the realm did. */
    cut: (
      realm: string,
      selector: Selector,
      options: { clientId?: string | undefined; before?: number | undefined },
    ) => cutGuests(deps, realm, selector, options),
    events: (realm: string, id: string, found?: FoundGuest) => eventsOf(deps, realm, id, found),
    /** Counts an exchange; how often the token may be used yet, or what stands against it. */
    useForExchange: (realm: GuestRealm, found: StoredGuest) => useForExchange(deps, { ...found, realm }),
    introspect: (realm: GuestRealm, found: StoredGuest, caller: GuestCaller, question: GuestQuestion) =>
      introspectGuest(deps, { ...found, realm }, caller, question),
  };
}

type StoredGuest = { readonly record: GuestRecord; readonly document: Document; readonly hash: string };

/** The guest token behind a document that was filed under a token value; `undefined` for every other token. */
export function storedGuest(document: Document, hash: string): StoredGuest | undefined {
  const record = decodeGuest(document.value);
  return record && { record, document, hash };
}

/** The shortest life of a natively minted token, in seconds. */
const NATIVE_MIN_TTL = 10;

const ceilings = new WeakMap<object, Mints | undefined>();

/**
 * A client, as the store had it at `readAt`, as a minter; `undefined` when it may not mint, or its `mints` is none that
 * a realm file could have.
 */
export function minterOf(client: Client, readAt: Stamp | undefined): Minter | undefined {
  if (client.mints === undefined || !client.enabled || client.public === true) return undefined;
  if (!ceilings.has(client.mints)) ceilings.set(client.mints, mints.safeParse(client.mints).data);
  const ceiling = ceilings.get(client.mints);
  return ceiling && { clientId: client.id, ceiling, minTtl: NATIVE_MIN_TTL, readAt };
}

/** The value of a token that is shown again (`showAgain` at minting); `undefined` when it was not kept. */
export function shownValue(realm: GuestRealm, record: GuestRecord): string | undefined {
  if (record.sealedValue === undefined) return undefined;
  return sealerOf(realm).open(record.sealedValue, record.id);
}
