/**
 * Guest tokens: the one service behind every door (RFC 8693, native JSON, the embed products' calls). Knows no HTTP.
 */
import { type Clock, epochSeconds } from '../base/clock.ts';
import { Failure } from '../base/errors.ts';
import { sha256 } from '../base/hash.ts';
import { createSealer } from '../keys/seal.ts';
import type { Client } from '../registry/model.ts';
import type { Document, Store } from '../storage/store.ts';
import { tokenKey } from '../tokens/nodes.ts';
import { type Mints, mints } from './ceiling.ts';
import type { GuestGrant } from './grant.ts';
import {
  type GuestCaller,
  type GuestQuestion,
  introspectGuest,
  useForExchange,
} from './guest-introspection.ts';
import {
  cutGuests,
  eventsOf,
  type FoundGuest,
  findGuest,
  findGuestByHash,
  type GuestFilter,
  listGuests,
  narrowGuest,
  revokeGuest,
  type Selector,
} from './guest-life.ts';
import { endGuest } from './guest-nodes.ts';
import type { GuestRealm, Minter } from './guest-realm.ts';
import {
  decodeGuest,
  decodeGuestRefresh,
  type GuestRecord,
  type GuestRefreshRecord,
} from './guest-record.ts';
import { GUEST_REFRESH_GRACE_MS, refreshSuccessor } from './guest-refresh.ts';
import { guestValue } from './guest-values.ts';
import { decide, eventWrites, type Minted, type MintOrder, mint, recordWrites } from './mint.ts';
import { isRefused, type Refused } from './refusal.ts';

export type Guests = ReturnType<typeof createGuests>;

export function createGuests(deps: { readonly store: Store; readonly clock: Clock }) {
  return {
    mint: (order: MintOrder) => mint(deps, order),
    refresh: (order: RefreshOrder) => refresh(deps, order),
    find: (realm: string, id: string) => findGuest(deps, realm, id),
    findByValue: (realm: string, value: string) => findGuestByHash(deps, realm, sha256(value)),
    list: (realm: string, filter: GuestFilter, page: { limit: number; after?: string | undefined }) =>
      listGuests(deps, realm, filter, page),
    narrow: (realm: string, found: FoundGuest, asked: GuestGrant) => narrowGuest(deps, realm, found, asked),
    revoke: (realm: string, id: string, by: string) => revokeGuest(deps, realm, id, by),
    cut: (realm: string, selector: Selector, options: { clientId: string; before?: number | undefined }) =>
      cutGuests(deps, realm, selector, options),
    events: (realm: string, id: string) => eventsOf(deps, realm, id),
    /** Counts an exchange; what stands against it, or `undefined`. */
    useForExchange: (realm: string, found: StoredGuest) => useForExchange(deps, { ...found, realm }),
    introspect: (realm: GuestRealm, found: StoredGuest, caller: GuestCaller, question: GuestQuestion) =>
      introspectGuest(deps, { ...found, realm: realm.name, issuer: realm.issuer }, caller, question),
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

const ceilings = new WeakMap<object, Mints>();

/** A client as a minter; `undefined` when it may not mint. Throws when its `mints` is none, which files cannot be. */
export function minterOf(client: Client): Minter | undefined {
  if (client.mints === undefined || !client.enabled) return undefined;
  const ceiling = ceilings.get(client.mints) ?? mints.parse(client.mints);
  ceilings.set(client.mints, ceiling);
  return { clientId: client.id, ceiling, minTtl: NATIVE_MIN_TTL };
}

/** The value of a token that is shown again (`showAgain` at minting); `undefined` when it was not kept. */
export function shownValue(realm: GuestRealm, record: GuestRecord): string | undefined {
  if (record.sealedValue === undefined) return undefined;
  return createSealer(realm.secret).open(record.sealedValue, record.id);
}

export type RefreshOrder = {
  readonly realm: GuestRealm;
  readonly value: string;
  /** The client that authenticated, if one did. */
  readonly clientId?: string | undefined;
  /** The key whose proof came with the request, if one did. */
  readonly jkt?: string | undefined;
  /** The minter as it is now. */
  minterOf(clientId: string): Promise<Minter | undefined>;
};

type Deps = { readonly store: Store; readonly clock: Clock };

/**
 * A new token for a refresh token, under the ceilings and policies of this moment; by the minting client, or by
 * whoever proves the key that the token is bound to. Rejects with `Failure('forbidden')` for every token that cannot
 * be refreshed (RFC 6749 §5.2 `invalid_grant`); reuse after the grace kills the family.
 */
async function refresh(deps: Deps, order: RefreshOrder): Promise<Minted | Refused> {
  const { store, clock } = deps;
  const { realm, value } = order;
  const key = tokenKey(realm.name, sha256(value));
  const [document] = await store.read([key]);
  const held = document && decodeGuestRefresh(document.value);
  if (document === undefined || held === undefined || document.cut || !mayRefresh(held, order)) throw dead();
  const minter = await order.minterOf(held.guest.clientId);
  if (minter === undefined) throw dead();
  const record = decide(deps, { realm, minter, ...orderOf(held, epochSeconds(clock)) });
  if (isRefused(record)) return record;
  const renewed = {
    ...record,
    inherited: [...held.guest.inherited, `gf:${held.guest.id}`],
    parentId: held.guest.id,
  };
  const token = await guestValue(realm, renewed);
  const successor = refreshSuccessor(deps, realm, held, value);
  const outcome = await store.commit([
    { spend: key, graceMs: GUEST_REFRESH_GRACE_MS },
    ...recordWrites(realm.name, renewed, sha256(token), document.now),
    ...successor.writes,
    ...eventWrites(realm.name, held.guest.id, { event: 'guest.refreshed', at: renewed.iat, id: renewed.id }),
  ]);
  if (outcome.ok) return { record: renewed, value: token, refresh: successor };
  if (outcome.reason === 'spent') await endFamily(deps, realm.name, held.guest);
  throw dead();
}

function dead(): Failure {
  return new Failure('forbidden', 'the refresh token is not active');
}

function mayRefresh({ guest }: GuestRefreshRecord, { clientId, jkt }: RefreshOrder): boolean {
  if (guest.jkt !== undefined && jkt !== guest.jkt) return false;
  return clientId === guest.clientId || (clientId === undefined && guest.jkt !== undefined);
}

/** What was granted is asked for again, for at most what is left of the chain. */
function orderOf({ guest, until }: GuestRefreshRecord, now: number) {
  const { granted, audiences, act } = guest;
  const { refresh: _, ttl, ...lifetime } = granted.lifetime;
  const left = Math.max(1, until - now);
  const asked: GuestGrant = {
    ...granted,
    resources: [...granted.resources],
    lifetime: { ...lifetime, ttl: ttl === null ? left : Math.min(ttl, left) },
  };
  return { asked, audiences, act };
}

async function endFamily({ store, clock }: Deps, realm: string, guest: GuestRecord): Promise<void> {
  const event = { event: 'guest.reuse_detected', at: epochSeconds(clock) };
  await store.commit([endGuest(realm, guest.id), ...eventWrites(realm, guest.id, event)]);
}
