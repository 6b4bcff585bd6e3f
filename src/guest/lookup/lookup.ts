/** Guest tokens after minting: finds, lists and revokes them, one by one or with one write. */

import { epochSeconds } from '../../base/clock.ts';
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
import { besideOf, mintedByNode, tokenKey } from '../../revocation/nodes.ts';
import type { Document, Key, Stamp, Store, Write } from '../../storage/port/port.ts';
import { resourceTypes } from '../grant/actions.ts';
import { isNamed } from '../grant/resource-name.ts';
import {
  type Clocks,
  customTypes,
  cutLifeOf,
  decodeGuest,
  familyOf,
  type GuestRecord,
  guestPointer,
  guestsOfClient,
  guestsOfTenant,
  isEarly,
  UNKNOWN_CUT_LIFE,
} from '../record/guest-record.ts';
import { appendIfPossible, type Source, type TrailDeps } from '../trail/trail.ts';

export type LifeDeps = Clocks & { readonly store: Store };

export type GuestState = 'active' | 'expired' | 'revoked' | 'not_yet_valid';

export const guestStates = ['active', 'expired', 'revoked', 'not_yet_valid'] as const satisfies GuestState[];

export type FoundGuest = {
  readonly record: GuestRecord;
  readonly hash: string;
  readonly state: GuestState;
  readonly readAt: Stamp;
  /** The stamp of the record. */
  readonly stamp: Stamp;
};

/** `undefined` for a token that never existed or is no longer kept. */
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

/** The tokens that exist, in the order of their ids. */
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
  { store, ...clocks }: LifeDeps,
  realm: string,
  hash: string,
  document: Document | undefined,
): Promise<FoundGuest | undefined> {
  const record = document && decodeGuest(document.value);
  if (document === undefined || record === undefined) return undefined;
  const isDead = document.cut || (await isCutBeside(store, realm, { record, hash }));
  const state = stateOf(record, isDead, clocks);
  return { record, hash, state, readAt: document.now, stamp: document.stamp };
}

/**
 * Whether a cut that the token's own document does not show has killed it: a cut of a node that hangs on a document
 * beside it, or one of what was issued before a time, when the token was narrowed after that time.
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
 * The pointers of its ancestors. A pointer is as old as its token and hangs under every node that the token ever hung
 * under. So it shows cuts that a younger token with fewer nodes does not.
 */
export function pointersAbove(realm: string, { ancestors = [] }: GuestRecord): readonly Key[] {
  return ancestors.flatMap(({ id, beside }) => {
    const pointer = guestPointer(realm, id);
    return [pointer, ...besideOf(pointer, beside)];
  });
}

function stateOf(record: GuestRecord, isCut: boolean, clocks: Clocks): GuestState {
  if (isCut) return 'revoked';
  if (record.exp !== null && record.exp <= epochSeconds(clocks.clock)) return 'expired';
  return isEarly(record, clocks) ? 'not_yet_valid' : 'active';
}

/** Filters of a list. `client` or `tenant` decides which index is read. */
export type GuestFilter = {
  readonly client?: string | undefined;
  readonly tenant?: string | undefined;
  readonly subject?: string | undefined;
  readonly resource?: string | undefined;
  readonly label?: string | undefined;
  readonly state?: GuestState | undefined;
};

export type GuestPage = { readonly guests: readonly FoundGuest[]; readonly next?: string };

/** The most pages of the index that one answer reads. */
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
  // The index of one client is shorter, and shows nothing of other clients.
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

/** Revokes the token, its chain of refreshes and what was made from it. Idempotent. */
export async function revokeGuest(deps: TrailDeps, realm: string, id: string, source: Source): Promise<void> {
  const found = await findGuest(deps, realm, id);
  if (found === undefined) await deps.store.commit([endGuest(realm, id, UNKNOWN_CUT_LIFE)]);
  else await revokeAll(deps, realm, [found.record], source);
}

/** The first write kills all of them. Their trails follow, and a failure there keeps no token alive. */
export async function revokeAll(
  deps: TrailDeps,
  realm: string,
  records: readonly GuestRecord[],
  source: Source,
): Promise<void> {
  const now = epochSeconds(deps.clock);
  const ends = new Map<string, number>();
  for (const record of records) {
    const ttl = cutLifeOf(record, now);
    for (const id of [record.id, familyOf(record)]) ends.set(id, Math.max(ttl, ends.get(id) ?? 0));
  }
  if (ends.size === 0) return;
  await deps.store.commit([
    ...[...ends].map(([id, ttl]) => endGuest(realm, id, ttl)),
    publishRevocation(realm, { tokens: records.map(payloadOf) }),
  ]);
  const what = { event: 'guest.revoked', source, rhythm: 'once' } as const;
  await Promise.all(records.map((record) => appendIfPossible(deps, { realm, record }, what)));
}

/** A token as it is published: its id and who it is for. */
export function payloadOf({ id, audiences }: GuestRecord): Revocation['tokens'][number] {
  return { id, aud: [...audiences] };
}

/** The selector of a mass cut. Exactly one shape (docs/guest-tokens.md). */
export type Selector =
  | { readonly tenant: string }
  | { readonly tenant: string; readonly subject: string }
  | { readonly tenant: string; readonly resource: string }
  | { readonly resource: string }
  | { readonly client: string }
  | { readonly label: string };

/**
 * One commit, however many tokens it kills. `clientId`: only what this client minted; absent: what any client of the
 * realm minted. `before`: a stamp of the store. Resolves to the stamp before which everything issued is dead now.
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
 * Every resource that a name could mean: this id in any type, and `type:id` where such a type exists. Unlike a
 * question about a resource (resource-name.ts), a cut takes all of them: a cut too many is the safe side.
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
