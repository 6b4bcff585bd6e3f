/** Reads batches of the audit log of one place, newest first, through the indexes. */
import type { Key, Store } from '../storage/port/port.ts';
import { type Batch, type Digest, decodeBatch, type Sealed } from './batch.ts';
import { batchesIndex, batchKey, daysIndex, type Member, readMember, slotsIndex } from './places.ts';

export type ReadingDeps = { readonly store: Store; readonly digest: Digest };

/** Where a batch lies. */
export type Located = Member & { readonly place: string };

const PAGE = 1000;

/** Every member of an index. */
export async function everyMember(store: Store, index: Key): Promise<readonly string[]> {
  const members: string[] = [];
  let after: string | undefined;
  do {
    const page = await store.list(index, { limit: PAGE, ...(after !== undefined && { after }) });
    members.push(...page.members);
    after = page.next;
  } while (after !== undefined);
  return members;
}

/** Times as ISO 8601; both ends count. */
export type Span = { readonly from?: string | undefined; readonly to?: string | undefined };

/**
 * The batches of these places that may hold events of the span, newest first. Only indexes are read, a slot at a time,
 * so a caller who stops early has read little.
 */
export async function* batchesOf(
  store: Store,
  places: readonly string[],
  { from = '', to = '~' }: Span,
): AsyncGenerator<Located> {
  for (const day of await newestFirst(store, places.map(daysIndex), { from, to })) {
    const slots = places.map((place) => slotsIndex(place, day));
    for (const slot of await newestFirst(store, slots, { from, to }))
      yield* batchesOfSlot(store, places, slot);
  }
}

type Ends = { readonly from: string; readonly to: string };

/** The members of several indexes of days or slots that overlap the span, each once. */
async function newestFirst(
  store: Store,
  indexes: readonly Key[],
  { from, to }: Ends,
): Promise<readonly string[]> {
  const lists = await Promise.all(indexes.map((index) => everyMember(store, index)));
  return [...new Set(lists.flat())]
    .filter((name) => name <= to && name >= from.slice(0, name.length))
    .sort()
    .reverse();
}

async function* batchesOfSlot(
  store: Store,
  places: readonly string[],
  slot: string,
): AsyncGenerator<Located> {
  const found: Located[] = [];
  for (const place of places) {
    const members = await everyMember(store, batchesIndex(place, slot));
    found.push(...members.flatMap((text) => locatedAt(place, text)));
  }
  yield* found.sort(byNewest);
}

function locatedAt(place: string, text: string): Located[] {
  const member = readMember(text);
  return member === undefined ? [] : [{ ...member, place }];
}

/** The order of the log: by time, then by writer, then by number. */
export function byNewest(a: Located, b: Located): number {
  if (a.time !== b.time) return a.time < b.time ? 1 : -1;
  if (a.writer !== b.writer) return a.writer < b.writer ? 1 : -1;
  return b.n - a.n;
}

/** What the store has at these places: `undefined` where there is nothing, `changed` for what was not sealed so. */
export async function readBatches(
  { store, digest }: ReadingDeps,
  located: readonly Omit<Located, 'time'>[],
): Promise<readonly (Sealed<Batch> | 'changed' | undefined)[]> {
  const read = await readAcross(
    store,
    located.map(({ place, ...name }) => batchKey(place, name)),
  );
  return located.map(({ place, ...name }, at) => {
    const text = read[at];
    return text === undefined ? undefined : (decodeBatch(digest, place, name, text) ?? 'changed');
  });
}

/** Documents of several places; each place is read in one round trip. */
async function readAcross(store: Store, keys: readonly Key[]): Promise<readonly (string | undefined)[]> {
  const values = new Map<string, string>();
  for (const realm of new Set(keys.map((key) => key.realm))) {
    const own = keys.filter((key) => key.realm === realm);
    const documents = await store.read(own);
    for (const [at, key] of own.entries()) {
      const document = documents[at];
      if (document !== undefined) values.set(`${realm}:${key.id}`, document.value);
    }
  }
  return keys.map(({ realm, id }) => values.get(`${realm}:${id}`));
}
