/** The life of guest tokens after minting: found, listed, revoked one by one or with one write. */

import { type Clock, epochSeconds } from '../../base/clock.ts';
import { Failure } from '../../base/errors.ts';
import { publishRevocation, type Revocation } from '../../revocation/cuts.ts';
import {
  endGuest,
  GUEST_CUT_TTL,
  labelNode,
  resourceNode,
  subjectNode,
  tenantNode,
  tenantResourceNode,
} from '../../revocation/guest-nodes.ts';
import { besideOf } from '../../revocation/hang.ts';
import { mintedByNode, tokenKey } from '../../revocation/nodes.ts';
import type { Document, Key, Stamp, Store, Write } from '../../storage/port/port.ts';
import { resourceTypes } from '../grant/actions.ts';
import { isNamed } from '../grant/resource-name.ts';
import {
  customTypes,
  decodeGuest,
  familyOf,
  type GuestRecord,
  guestPointer,
  guestsOfClient,
  guestsOfTenant,
} from '../record/guest-record.ts';
import { appendIfPossible, type Source, type TrailDeps } from '../trail/trail.ts';

export type LifeDeps = { readonly store: Store; readonly clock: Clock };

export type GuestState = 'active' | 'expired' | 'revoked' | 'not_yet_valid';

export const guestStates = ['active', 'expired', 'revoked', 'not_yet_valid'] as const satisfies GuestState[];

export type FoundGuest = {
  readonly record: GuestRecord;
  readonly hash: string;
  readonly state: GuestState;
  readonly readAt: Stamp;
  /** Revision of the record. */
  readonly stamp: Stamp;
};

/** `undefined` for what never was, or is forgotten. */
export async function findGuest(deps: LifeDeps, realm: string, id: string): Promise<FoundGuest | undefined> {
  const [found] = await findGuests(deps, realm, [id]);
  return found;
}

export async function findGuestByHash(
  deps: LifeDeps,
  realm: string,
  hash: string,
): Promise<FoundGuest | undefined> {
  const [found] = await findByHashes(deps, realm, [hash]);
  return found;
}

/** Those that are there, in the order of their ids. */
async function findGuests(
  deps: LifeDeps,
  realm: string,
  ids: readonly string[],
): Promise<readonly FoundGuest[]> {
  if (ids.length === 0) return [];
  const pointers = await deps.store.read(ids.map((id) => guestPointer(realm, id)));
  return findByHashes(
    deps,
    realm,
    pointers.flatMap((pointer) => pointer?.value ?? []),
  );
}

async function findByHashes(
  deps: LifeDeps,
  realm: string,
  hashes: readonly string[],
): Promise<readonly FoundGuest[]> {
  if (hashes.length === 0) return [];
  const documents = await deps.store.read(hashes.map((hash) => tokenKey(realm, hash)));
  const found = documents.map((document, index) => foundAs(deps, realm, hashes[index] ?? '', document));
  return (await Promise.all(found)).filter((guest) => guest !== undefined);
}

async function foundAs(
  { store, clock }: LifeDeps,
  realm: string,
  hash: string,
  document: Document | undefined,
): Promise<FoundGuest | undefined> {
  const record = document && decodeGuest(document.value);
  if (document === undefined || record === undefined) return undefined;
  const isDead = document.cut || (await isCutBeside(store, realm, { record, hash }));
  const state = stateOf(record, isDead, epochSeconds(clock));
  return { record, hash, state, readAt: document.now, stamp: document.stamp };
}

/**
 * Whether a cut that its own document does not show has killed a token: one of a node that hangs beside it, or one of
 * what was issued before some time, when the token was narrowed after that.
 */
export async function isCutBeside(
  store: Store,
  realm: string,
  { record, hash }: { readonly record: GuestRecord; readonly hash: string },
): Promise<boolean> {
  const pointer = guestPointer(realm, record.id);
  const keys: Key[] = [
    ...besideOf(tokenKey(realm, hash), record.beside ?? 0),
    ...(record.narrowedAt === undefined ? [] : [pointer, ...besideOf(pointer, record.besidePointer ?? 0)]),
    ...pointersAbove(realm, record),
  ];
  if (keys.length === 0) return false;
  const documents = await store.read(keys);
  return documents.some((document) => document?.cut !== false);
}

/**
 * The pointers of the tokens above it. They are as old as those, and hang under every node that those ever hung under,
 * so they show also the cuts that a younger token with fewer nodes escapes.
 */
export function pointersAbove(realm: string, { ancestors = [] }: GuestRecord): readonly Key[] {
  return ancestors.flatMap(({ id, beside }) => {
    const pointer = guestPointer(realm, id);
    return [pointer, ...besideOf(pointer, beside)];
  });
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

export type GuestPage = { readonly guests: readonly FoundGuest[]; readonly next?: string };

/** How many pages of the index one answer looks through at most. */
const MAX_STEPS = 10;

/** A page of records, never of values. It may hold fewer than `limit` and still have a next one. */
export async function listGuests(
  deps: LifeDeps,
  realm: string,
  filter: GuestFilter,
  page: { readonly limit: number; readonly after?: string | undefined },
): Promise<GuestPage> {
  const index = indexFor(realm, filter);
  const guests: FoundGuest[] = [];
  let { after } = page;
  for (let step = 0; step < MAX_STEPS; step += 1) {
    const limit = page.limit - guests.length;
    const { members, next } = await deps.store.list(index, {
      limit,
      ...(after === undefined ? {} : { after }),
    });
    const found = await findGuests(deps, realm, members);
    guests.push(...found.filter((guest) => matches(guest, filter)));
    if (next === undefined) return { guests };
    after = next;
    if (guests.length === page.limit) break;
  }
  return { guests, ...(after === undefined ? {} : { next: after }) };
}

function indexFor(realm: string, { client, tenant }: GuestFilter): Key {
  // What one client minted is the shorter way, and shows nothing of what others did.
  if (client !== undefined) return guestsOfClient(realm, client);
  if (tenant !== undefined) return guestsOfTenant(realm, tenant);
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

/** The token, its chain of refreshes and what was made from it. Idempotent: dead is dead. */
export async function revokeGuest(deps: TrailDeps, realm: string, id: string, source: Source): Promise<void> {
  const found = await findGuest(deps, realm, id);
  if (found === undefined) await deps.store.commit([endGuest(realm, id)]);
  else await revokeAll(deps, realm, [found.record], source);
}

/** They are dead with the first write: their trails follow, and nothing that happens there keeps one alive. */
export async function revokeAll(
  deps: TrailDeps,
  realm: string,
  records: readonly GuestRecord[],
  source: Source,
): Promise<void> {
  const ends = new Set(records.flatMap((record) => [record.id, familyOf(record)]));
  if (ends.size === 0) return;
  await deps.store.commit([
    ...[...ends].map((id) => endGuest(realm, id)),
    publishRevocation(realm, { tokens: records.map(payloadOf) }),
  ]);
  const what = { event: 'guest.revoked', source, rhythm: 'once' } as const;
  await Promise.all(records.map((record) => appendIfPossible(deps, { realm, record }, what)));
}

/** A token as those hear of it who it is for. */
export function payloadOf({ id, audiences }: GuestRecord): Revocation['tokens'][number] {
  return { id, aud: [...audiences] };
}

/** What a mass cut cuts. Exactly one shape (guest-tokens.md 7.4). */
export type Selector =
  | { readonly tenant: string }
  | { readonly tenant: string; readonly subject: string }
  | { readonly tenant: string; readonly resource: string }
  | { readonly resource: string }
  | { readonly client: string }
  | { readonly label: string };

/**
 * One commit, however many tokens hang below. `clientId`: only what this client minted; absent: what anybody in the
 * realm did. `before`: a stamp of the store. Resolves to the moment before which what was issued is dead now.
 */
export async function cutGuests(
  { store }: LifeDeps,
  realm: string,
  selector: Selector,
  options: { readonly clientId?: string | undefined; readonly before?: Stamp | undefined },
): Promise<Stamp> {
  const before = options.before === undefined ? {} : { before: options.before };
  const custom = 'resource' in selector ? await store.list(customTypes(realm), { limit: 1000 }) : undefined;
  const types = [...resourceTypes, ...(custom?.members ?? [])];
  const writes = nodesOfSelector(selector, options.clientId, types).map(
    (node): Write => ({ cut: node, realm, ttl: GUEST_CUT_TTL, ...before }),
  );
  const outcome = await store.commit(writes);
  if (!outcome.ok) throw new Error('a cut cannot be refused');
  return Math.min(options.before ?? outcome.stamp, outcome.stamp);
}

function nodesOfSelector(
  selector: Selector,
  by: string | undefined,
  types: readonly string[],
): readonly string[] {
  if ('client' in selector) return [mintedByNode(selector.client)];
  if ('label' in selector) return [labelNode(by, selector.label)];
  if (!('tenant' in selector)) {
    return resourcesNamed(selector.resource, types).map(({ type, id }) => resourceNode(by, type, id));
  }
  const { tenant } = selector;
  if ('subject' in selector) return [subjectNode(by, tenant, selector.subject)];
  if (!('resource' in selector)) return [tenantNode(by, tenant)];
  return resourcesNamed(selector.resource, types).map(({ type, id }) =>
    tenantResourceNode(by, tenant, type, id),
  );
}

/**
 * Every resource that a name could mean to anybody: this id in any type, and `type:id` where there is such a type. A
 * cut takes them all, other than a question (resource-name.ts): rather one too many.
 */
function resourcesNamed(
  name: string,
  types: readonly string[],
): readonly { readonly type: string; readonly id: string }[] {
  const qualified = types.filter((type) => name.startsWith(`${type}:`) && name.length > type.length + 1);
  return [
    ...types.map((type) => ({ type, id: name })),
    ...qualified.map((type) => ({ type, id: name.slice(type.length + 1) })),
  ];
}
