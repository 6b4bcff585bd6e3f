/** Finds events of a realm, newest first. */
import { Failure } from '../base/errors.ts';
import type { AuditEvent } from './audit-event.ts';
import { placesOf } from './places.ts';
import { batchesOf, byNewest, type Located, type ReadingDeps, readBatches, type Span } from './reading.ts';

export type AuditFilter = Span & {
  /** An id, or a kind of actor such as `operator`, or both: `user:4f7…`. */
  readonly actor?: string | undefined;
  /** An id, or a kind of object such as `client`, or both. */
  readonly object?: string | undefined;
  /** A kind, or what it begins with up to a dot: `login` finds `login.failed`. */
  readonly kind?: string | undefined;
};

export type AuditPage = { readonly events: readonly AuditEvent[]; readonly next?: string };

export type AuditPageRequest = { readonly limit: number; readonly after?: string | undefined };

/** The most batches that one page reads; then it ends, however few events it has. */
const MOST_READ = 500;
/** How many are read at a time. */
const STEP = 25;

/**
 * A page of events. It may hold fewer than `limit` and still have a next one. Rejects with `Failure('invalid_input')`
 * for an `after` that no page has given.
 */
export async function searchAudit(
  deps: ReadingDeps,
  realm: string,
  filter: AuditFilter,
  page: AuditPageRequest,
): Promise<AuditPage> {
  const after = page.after === undefined ? undefined : placeAfter(page.after);
  const span = endOfSlot({ from: filter.from, to: after?.time ?? filter.to });
  const found: Found[] = [];
  let read = 0;
  for await (const some of inSteps(batchesOf(deps.store, placesOf(realm), span), after)) {
    found.push(...(await foundIn(deps, some, { filter, after })));
    read += some.length;
    if (found.length > page.limit) return pageOf(found.slice(0, page.limit));
    if (read >= MOST_READ) return pageOf(found, some.at(-1));
  }
  return { events: found.map(({ event }) => event) };
}

type Found = { readonly event: AuditEvent; readonly at: string };

/** A page that has a next one: after the last event of it, or after the last batch that was read. */
function pageOf(found: readonly Found[], reached?: Located): AuditPage {
  const next = reached === undefined ? found.at(-1)?.at : textOf(reached, 0);
  return { events: found.map(({ event }) => event), ...(next !== undefined && { next }) };
}

type Search = { readonly filter: AuditFilter; readonly after: Place | undefined };

async function foundIn(
  deps: ReadingDeps,
  some: readonly Located[],
  search: Search,
): Promise<readonly Found[]> {
  const batches = await readBatches(deps, some);
  return some.flatMap((located, at) => {
    const batch = batches[at];
    return typeof batch === 'object' ? eventsIn(located, batch.value.events, search) : [];
  });
}

/** The whole slot that the end lies in: a batch has the time of its last event. */
function endOfSlot({ from, to }: Span): Span {
  return { from, ...(to !== undefined && { to: `${to.slice(0, 15)}~` }) };
}

/** A place between two events: of the last one that was shown. `index` is that of the event in its batch. */
type Place = Located & { readonly index: number };

function textOf({ time, writer, n, place }: Located, index: number): string {
  return [time, writer, n, place.endsWith('~') ? 'b' : 'o', index].join(',');
}

function placeAfter(text: string): Place {
  const [time = '', writer = '', n = '', where = '', index = ''] = text.split(',');
  const isOurs = !Number.isNaN(Date.parse(time)) && /^\d{1,15}$/.test(n) && /^\d{1,6}$/.test(index);
  if (!isOurs) throw new Failure('invalid_input', 'cursor is not the next of a page');
  return { time, writer, n: Number(n), place: where === 'b' ? '~' : '', index: Number(index) };
}

async function* inSteps(
  batches: AsyncIterable<Located>,
  after: Place | undefined,
): AsyncGenerator<readonly Located[]> {
  let some: Located[] = [];
  for await (const located of batches) {
    if (after !== undefined && byNewest(located, after) < 0) continue;
    some.push(located);
    if (some.length < STEP) continue;
    yield some;
    some = [];
  }
  if (some.length > 0) yield some;
}

function eventsIn(
  located: Located,
  events: readonly AuditEvent[],
  { filter, after }: Search,
): readonly Found[] {
  const limit = after !== undefined && byNewest(located, after) === 0 ? after.index : events.length;
  return events
    .map((event, index) => ({ event, index }))
    .filter(({ event, index }) => index < limit && matches(event, filter))
    .reverse()
    .map(({ event, index }) => ({ event, at: textOf(located, index) }));
}

function matches(event: AuditEvent, { from, to, actor, object, kind }: AuditFilter): boolean {
  return (
    (from === undefined || event.time >= from) &&
    (to === undefined || event.time <= to) &&
    isMeant(actor, event.actor) &&
    isMeant(object, event.object) &&
    (kind === undefined || event.kind === kind || event.kind.startsWith(`${kind}.`))
  );
}

function isMeant(
  wanted: string | undefined,
  { kind, id }: { readonly kind: string; readonly id?: string | undefined },
) {
  return wanted === undefined || wanted === id || wanted === kind || wanted === `${kind}:${id ?? ''}`;
}
