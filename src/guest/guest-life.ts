/** The life of guest tokens after minting: read, listed, shortened, narrowed, revoked one by one or with one write. */
import { type Clock, epochSeconds } from '../base/clock.ts';
import { Failure } from '../base/errors.ts';
import type { Stamp, Store, Write } from '../storage/store.ts';
import { tokenKey } from '../tokens/nodes.ts';
import { resourceTypes } from './actions.ts';
import { attenuate } from './attenuate.ts';
import type { GuestGrant } from './grant.ts';
import {
  endGuest,
  GUEST_CUT_TTL,
  labelNode,
  mintedByNode,
  resourceNode,
  subjectNode,
  tenantNode,
  tenantResourceNode,
} from './guest-nodes.ts';
import {
  decodeGuest,
  eventsKey,
  type GuestRecord,
  guestPointer,
  guestsOfClient,
  guestsOfTenant,
} from './guest-record.ts';
import { eventWrites, type GuestEvent, recordWrites } from './mint.ts';
import { isRefused, type Refused } from './refusal.ts';

export type LifeDeps = { readonly store: Store; readonly clock: Clock };

export type GuestState = 'active' | 'expired' | 'revoked' | 'not_yet_valid';

export type FoundGuest = {
  readonly record: GuestRecord;
  readonly hash: string;
  readonly state: GuestState;
  readonly readAt: Stamp;
};

/** `undefined` for what never was, or is forgotten. */
export async function findGuest(deps: LifeDeps, realm: string, id: string): Promise<FoundGuest | undefined> {
  const [pointer] = await deps.store.read([guestPointer(realm, id)]);
  return pointer && findGuestByHash(deps, realm, pointer.value);
}

export async function findGuestByHash(
  { store, clock }: LifeDeps,
  realm: string,
  hash: string,
): Promise<FoundGuest | undefined> {
  const [document] = await store.read([tokenKey(realm, hash)]);
  const record = document && decodeGuest(document.value);
  if (document === undefined || record === undefined) return undefined;
  return { record, hash, readAt: document.now, state: stateOf(record, document.cut, epochSeconds(clock)) };
}

function stateOf(record: GuestRecord, isCut: boolean, now: number): GuestState {
  if (isCut) return 'revoked';
  if (record.exp !== null && record.exp <= now) return 'expired';
  return record.notBefore > now ? 'not_yet_valid' : 'active';
}

/** Filters of a list. One of `client` and `tenant` leads the way through the index. */
export type GuestFilter = {
  readonly client?: string | undefined;
  readonly tenant?: string | undefined;
  readonly subject?: string | undefined;
  readonly resource?: string | undefined;
  readonly label?: string | undefined;
  readonly state?: GuestState | undefined;
};

/** A page of records, never of values. A page may hold fewer than `limit` and still have a next one. */
export async function listGuests(
  deps: LifeDeps,
  realm: string,
  filter: GuestFilter,
  page: { readonly limit: number; readonly after?: string | undefined },
): Promise<{ readonly guests: readonly FoundGuest[]; readonly next?: string }> {
  const index = indexFor(realm, filter);
  const after = page.after === undefined ? {} : { after: page.after };
  const { members, next } = await deps.store.list(index, { limit: page.limit, ...after });
  const found = await Promise.all(members.map((id) => findGuest(deps, realm, id)));
  const guests = found.filter((guest) => guest !== undefined).filter((guest) => matches(guest, filter));
  return { guests, ...(next === undefined ? {} : { next }) };
}

function indexFor(realm: string, { client, tenant }: GuestFilter) {
  if (tenant !== undefined) return guestsOfTenant(realm, tenant);
  if (client !== undefined) return guestsOfClient(realm, client);
  throw new Failure('invalid_input', 'a list needs a client or a tenant');
}

function matches({ record, state }: FoundGuest, filter: GuestFilter): boolean {
  const { granted } = record;
  return (
    isUnsetOr(filter.client, record.clientId) &&
    isUnsetOr(filter.tenant, granted.subject.tenant) &&
    isUnsetOr(filter.subject, granted.subject.id) &&
    isUnsetOr(filter.label, granted.label) &&
    isUnsetOr(filter.state, state) &&
    (filter.resource === undefined || granted.resources.some((one) => isNamed(one, filter.resource ?? '')))
  );
}

function isUnsetOr(wanted: string | undefined, value: string | undefined): boolean {
  return wanted === undefined || wanted === value;
}

function isNamed({ type, id }: { readonly type: string; readonly id: string }, name: string): boolean {
  return name === id || name === `${type}:${id}`;
}

/** Idempotent: dead is dead. */
export async function revokeGuest(
  { store, clock }: LifeDeps,
  realm: string,
  id: string,
  by: string,
): Promise<void> {
  const event: GuestEvent = { event: 'guest.revoked', at: epochSeconds(clock), by };
  await store.commit([endGuest(realm, id), ...eventWrites(realm, id, event)]);
}

/** What a mass cut cuts. Exactly one shape (guest-tokens.md 7.4). */
export type Selector =
  | { readonly tenant: string }
  | { readonly tenant: string; readonly subject: string }
  | { readonly tenant: string; readonly resource: string }
  | { readonly resource: string }
  | { readonly client: string }
  | { readonly label: string };

/** One commit, however many tokens hang below. `clientId` owns the label. `before`: a stamp of the store. */
export async function cutGuests(
  { store }: LifeDeps,
  realm: string,
  selector: Selector,
  options: { readonly clientId: string; readonly before?: Stamp | undefined },
): Promise<Stamp> {
  const before = options.before === undefined ? {} : { before: options.before };
  const writes = nodesOfSelector(selector, options.clientId).map(
    (node): Write => ({ cut: node, realm, ttl: GUEST_CUT_TTL, ...before }),
  );
  const outcome = await store.commit(writes);
  if (!outcome.ok) throw new Error('a cut cannot be refused');
  return options.before ?? outcome.stamp;
}

function nodesOfSelector(selector: Selector, clientId: string): readonly string[] {
  if ('client' in selector) return [mintedByNode(selector.client)];
  if ('label' in selector) return [labelNode(clientId, selector.label)];
  if (!('tenant' in selector)) {
    return resourcesNamed(selector.resource).map(({ type, id }) => resourceNode(type, id));
  }
  const { tenant } = selector;
  if ('subject' in selector) return [subjectNode(tenant, selector.subject)];
  if (!('resource' in selector)) return [tenantNode(tenant)];
  return resourcesNamed(selector.resource).map(({ type, id }) => tenantResourceNode(tenant, type, id));
}

/** `dashboard:dash-1` is one resource; `dash-1` is what has this id in any registered type. */
function resourcesNamed(name: string): readonly { readonly type: string; readonly id: string }[] {
  const qualified = /^(custom:[a-z0-9_-]+|[a-z_]+):(.+)$/.exec(name);
  const [, type, id] = qualified ?? [];
  const isQualified = type !== undefined && (type.startsWith('custom:') || resourceTypes.includes(type));
  if (isQualified && id !== undefined) return [{ type, id }];
  return resourceTypes.map((known) => ({ type: known, id: name }));
}

/** PATCH: what is asked for must be within what the token is now. The value stays the same. */
export async function narrowGuest(
  { store, clock }: LifeDeps,
  realm: string,
  found: FoundGuest,
  asked: GuestGrant,
): Promise<GuestRecord | Refused> {
  const now = epochSeconds(clock);
  const { record, hash } = found;
  const ttlLeft = record.exp === null ? null : Math.max(1, record.exp - now);
  const outcome = attenuate({ granted: record.granted, ttlLeft, usesLeft: null }, asked);
  if (isRefused(outcome)) return outcome;
  const { ttl } = outcome.granted.lifetime;
  const narrowed: GuestRecord = {
    ...record,
    granted: { ...outcome.granted, format: record.granted.format },
    exp: ttl === null ? record.exp : Math.min(record.exp ?? Number.MAX_SAFE_INTEGER, now + ttl),
  };
  const event: GuestEvent = { event: 'guest.narrowed', at: now };
  const writes = [
    ...recordWrites(realm, narrowed, hash, found.readAt),
    ...eventWrites(realm, record.id, event),
  ];
  const committed = await store.commit(writes);
  if (!committed.ok) throw new Failure('conflict', 'the token was revoked meanwhile');
  return narrowed;
}

/** The trail of a token, oldest first. */
export async function eventsOf(
  { store }: LifeDeps,
  realm: string,
  id: string,
): Promise<readonly GuestEvent[]> {
  const { members } = await store.list(eventsKey(realm, id), { limit: 1000 });
  return members.map(eventOf).sort((a, b) => a.at - b.at);
}

function eventOf(member: string): GuestEvent {
  const { nonce: _, ...event }: GuestEvent = JSON.parse(member);
  return event;
}
