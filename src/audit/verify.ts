/**
 * Checks that nothing of a realm's audit log was removed, changed, moved or cut off before its time. Reads all of it.
 *
 * What it cannot see: that the store as a whole was put back to an earlier state, or that the newest chains are gone with
 * all that names them. A copy outside (webhook, syslog) is the witness against that.
 */
import { type Clock, epochSeconds } from '../base/clock.ts';
import { type Batch, decodeHead, type Head, type Seen } from './batch.ts';
import { createChainWalk, MARGIN } from './chain-walk.ts';
import { headKey, placesOf, writersIndex } from './places.ts';
import { batchesOf, everyMember, type Located, type ReadingDeps, readBatches } from './reading.ts';

export type VerifyDeps = ReadingDeps & { readonly clock: Clock };

export type Verification = {
  readonly writers: number;
  readonly batches: number;
  readonly events: number;
  /** What is wrong, a line each; empty when the log is whole. */
  readonly faults: readonly string[];
};

const STEP = 50;
/** Faults that are told; of a log that is gone there would be as many as batches. */
const MAX_FAULTS = 1000;

export async function verifyAudit(deps: VerifyDeps, realm: string): Promise<Verification> {
  const parts = await Promise.all(placesOf(realm).map((place) => verifyPlace(deps, place)));
  const sum = (member: 'writers' | 'batches' | 'events') =>
    parts.reduce((total, part) => total + part[member], 0);
  return {
    writers: sum('writers'),
    batches: sum('batches'),
    events: sum('events'),
    faults: parts.flatMap(({ faults }) => faults).slice(0, MAX_FAULTS),
  };
}

/** What the indexes say of a writer, and where its head says that it ends. */
type Chain = {
  readonly writer: string;
  readonly head: Head | 'changed' | undefined;
  readonly listed: Set<number>;
};

async function verifyPlace(deps: VerifyDeps, place: string): Promise<Verification> {
  const chains = await chainsOf(deps, place);
  const found = { batches: 0, events: 0, faults: [] as string[], seen: [] as Seen[] };
  for (const chain of chains.values()) await verifyChain(deps, place, chain, found);
  const now = epochSeconds(deps.clock);
  for (const { writer, n, until } of found.seen) {
    if (until <= now + MARGIN) continue;
    const head = chains.get(writer)?.head;
    if (head === undefined)
      found.faults.push(`writer ${writer} is gone: another writer has seen its batch ${n}`);
    else if (head !== 'changed' && head.n < n) {
      found.faults.push(
        `writer ${writer} was cut off: it ends with batch ${head.n}, another writer has seen batch ${n}`,
      );
    }
  }
  return {
    writers: chains.size,
    batches: found.batches,
    events: found.events,
    faults: [...new Set(found.faults)],
  };
}

/**
 * Heads are read before the indexes: what is written meanwhile is in the index and behind the head, and is not looked
 * at.
 */
async function chainsOf(deps: VerifyDeps, place: string): Promise<Map<string, Chain>> {
  const chains = new Map<string, Chain>();
  const known = await everyMember(deps.store, writersIndex(place));
  const take = async (writers: readonly string[]) => {
    for (const [writer, head] of await headsOf(deps, place, writers)) {
      chains.set(writer, { writer, head, listed: chains.get(writer)?.listed ?? new Set() });
    }
  };
  await take(known);
  const listed = new Map<string, Set<number>>();
  for await (const { writer, n } of batchesOf(deps.store, [place], {})) {
    const numbers = listed.get(writer) ?? new Set();
    listed.set(writer, numbers.add(n));
  }
  const isAhead = (writer: string, numbers: Set<number>) => {
    const head = chains.get(writer)?.head;
    return head === undefined || (head !== 'changed' && Math.max(...numbers) > head.n);
  };
  const late = [...listed].filter(([writer, numbers]) => isAhead(writer, numbers)).map(([writer]) => writer);
  await take(late);
  for (const [writer, numbers] of listed) {
    const chain = chains.get(writer);
    if (chain !== undefined) for (const n of numbers) chain.listed.add(n);
  }
  return chains;
}

async function headsOf({ store, digest }: VerifyDeps, place: string, writers: readonly string[]) {
  const heads: [string, Chain['head']][] = [];
  for (let at = 0; at < writers.length; at += STEP) {
    const some = writers.slice(at, at + STEP);
    const documents = await store.read(some.map((writer) => headKey(place, writer)));
    for (const [index, writer] of some.entries()) {
      const document = documents[index];
      heads.push([writer, document && (decodeHead(digest, place, writer, document.value) ?? 'changed')]);
    }
  }
  return heads;
}

type Found = { batches: number; events: number; readonly faults: string[]; readonly seen: Seen[] };

async function verifyChain(deps: VerifyDeps, place: string, chain: Chain, found: Found): Promise<void> {
  const { writer, head, listed } = chain;
  const tell = (fault: string) => found.faults.push(`writer ${writer}: ${fault}`);
  if (head === undefined) tell('its head is gone');
  if (head === 'changed') tell('its head was changed');
  const last = typeof head === 'object' ? head.n : Math.max(0, ...listed);
  if ([...listed].some((n) => n > last)) {
    tell(`cut off: it has batches behind ${last}, where its head says that it ends`);
  }
  const walk = createChainWalk(epochSeconds(deps.clock), tell);
  const first = await firstKept(deps, { place, writer, n: Math.min(last, ...listed) });
  for await (const { n, batch } of chainFrom(deps, place, { writer, first, last })) {
    walk.step(n, batch);
    if (typeof batch !== 'object') continue;
    take(found, batch.value);
    if (!listed.has(n)) tell(`batch ${n} is in no list, so no search finds it`);
  }
  if (typeof head === 'object') walk.end(head);
}

function take(found: Found, { events, seen = [] }: Batch): void {
  found.batches += 1;
  found.events += events.length;
  found.seen.push(...seen);
}

/** Where to begin: lists may have been shortened, so it goes on back from their first batch while there is more. */
async function firstKept(deps: VerifyDeps, { place, writer, n }: Omit<Located, 'time'>): Promise<number> {
  let first = n;
  for (;;) {
    const [before] = first > 1 ? await readBatches(deps, [{ place, writer, n: first - 1 }]) : [];
    if (before === undefined) return first;
    first = Math.max(1, first - STEP);
  }
}

type Stretch = { readonly writer: string; readonly first: number; readonly last: number };

async function* chainFrom(deps: VerifyDeps, place: string, { writer, first, last }: Stretch) {
  for (let from = Math.max(1, first); from <= last; from += STEP) {
    const numbers = Array.from({ length: Math.min(STEP, last - from + 1) }, (_, index) => from + index);
    const named = numbers.map((n) => ({ place, writer, n }));
    const batches = await readBatches(deps, named);
    for (const [at, n] of numbers.entries()) yield { n, batch: batches[at] };
  }
}
