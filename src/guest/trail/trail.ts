/**
 * The trail of a token in the store. Its last event is the head, a document that is written only if it is unchanged
 * since it was read, so that concurrent appends follow one another. Every earlier event is a document of its own,
 * which is never changed. The hash chain: trail-chain.ts.
 *
 * Each event is also emitted with its hash; its log line is the witness outside the store.
 */

import { z } from 'zod';
import type { Clock } from '../../base/clock.ts';
import { Failure } from '../../base/errors.ts';
import type { EventSink } from '../../observability/events.ts';
import type { Logger } from '../../observability/logger.ts';
import type { RequestSource } from '../../observability/request-source.ts';
import { GUEST_CUT_TTL } from '../../revocation/guest-nodes.ts';
import { isConflict, MAX_TRIES } from '../../storage/port/optimistic-retry.ts';
import type { Document, Key, Stamp, Store, Write } from '../../storage/port/port.ts';
import { refreshReachOf } from '../grant/lifetime.ts';
import type { GuestRecord } from '../record/guest-record.ts';
import { type ChainedEvent, chained } from './trail-chain.ts';

export type TrailDeps = {
  readonly store: Store;
  readonly clock: Clock;
  /** Milliseconds that the store's clock is ahead of `clock`. */
  readonly storeAheadMs: () => number;
  readonly logger: Logger;
  readonly events: EventSink;
};

/** The actor of an event (a client, a user, or `HOLDER`), and where the request came from. */
export type Source = RequestSource & { readonly by: string };

/** The actor when it is whoever holds the token. */
export const HOLDER = 'holder';

export type Happening = {
  readonly event: string;
  readonly source: Source;
  /** Further members of the event. */
  readonly more?: Readonly<Record<string, string | number>>;
  /**
   * How often such an event is recorded, where somebody could cause it without end. `once`: one time. `rarely`: at
   * most once an hour, and the pause doubles each time, up to a day. Absent: always.
   */
  readonly rhythm?: 'once' | 'rarely';
};

/** An event and its writes, which are refused if somebody else appended first. */
export type Entry = { readonly event: ChainedEvent; readonly writes: readonly Write[] };

/** Seconds that an event is kept. The last event is kept as long as the token. */
const EVENTS_TTL = 7_776_000;
/** The most events that are kept of a token; older ones are deleted. */
const MAX_EVENTS = 1000;
/** Seconds that an event is kept after it is no longer shown, because clocks of nodes differ. */
const MARGIN = 3600;
/** The same as for records. */
const LINGER = 600;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

const chainedEvent = z
  .object({
    seq: z.int().min(1),
    prev: z.string(),
    hash: z.string(),
    event: z.string(),
    at: z.string(),
    token: z.string(),
  })
  .catchall(z.union([z.string(), z.number()]));

const headRecord = z.looseObject({
  v: z.literal(1),
  event: chainedEvent,
  /** For each event with a rhythm: when it was last recorded (milliseconds) and how often. */
  noted: z.record(z.string(), z.object({ at: z.number(), times: z.int() })),
});

type HeadRecord = z.infer<typeof headRecord>;
type Read = { readonly stamp?: Stamp; readonly head?: HeadRecord };
type Whose = { readonly realm: string; readonly record: GuestRecord };

/** The first event of a new token. Nobody else can write it, so it needs no read and no further condition. */
export function firstEntry(deps: TrailDeps, whose: Whose, what: Happening): Entry {
  return entryAfter(deps, whose, what, {});
}

/** The next event of a token. Must be made anew when its commit was refused. */
export async function nextEntry(deps: TrailDeps, whose: Whose, what: Happening): Promise<Entry> {
  return entryAfter(deps, whose, what, await readHead(deps.store, whose.realm, whose.record.id));
}

/**
 * Resolves when the event is in the trail, or is not to be recorded now. Rejects with `Failure('busy')` when other
 * writers always come first.
 */
export async function append(deps: TrailDeps, whose: Whose, what: Happening): Promise<void> {
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const read = await readHead(deps.store, whose.realm, whose.record.id);
    if (!isDue(read.head, what, deps.clock())) return;
    const entry = entryAfter(deps, whose, what, read);
    const outcome = await deps.store.commit(entry.writes);
    if (outcome.ok) return tell(deps, whose.realm, { event: entry.event, source: what.source });
    if (!isConflict(outcome)) throw new Failure('conflict', `the store refused the event: ${outcome.reason}`);
  }
  throw new Failure('busy', 'too many events of this token at once');
}

/** The same for something that has already happened: a failure is logged and not thrown. */
export async function appendIfPossible(deps: TrailDeps, whose: Whose, what: Happening): Promise<void> {
  try {
    await append(deps, whose, what);
  } catch (error) {
    tellMissing(deps, whose, what, error);
  }
}

/** Logs an event that could not be written to the trail. */
export function tellMissing(
  { logger }: Pick<TrailDeps, 'logger'>,
  { realm, record }: Whose,
  { event }: Happening,
  error: unknown,
): void {
  logger.error({ realm, guest: record.id, event, err: error }, 'an event is missing in the trail');
}

/** Emits an event after its commit. It names no person. */
export function tell(
  { events }: Pick<TrailDeps, 'events'>,
  realm: string,
  { event, source }: { readonly event: ChainedEvent; readonly source: Source },
): void {
  const { token: guest, event: name, client, reason, seq, hash } = event;
  const details = { guest, client, reason, seq, hash };
  events.emit({ type: 'guest', realm, event: name, details, by: source.by, source });
}

/** The kept events as of one moment, oldest first. An unreadable event is left out. */
export async function readTrail(
  { store, clock }: Pick<TrailDeps, 'store' | 'clock'>,
  realm: string,
  token: string,
): Promise<readonly ChainedEvent[]> {
  const [document] = await store.read([headKey(realm, token)]);
  const last = decodeHead(document)?.event;
  if (last === undefined) return [];
  const oldest = Math.max(1, last.seq - MAX_EVENTS + 1);
  const keys = Array.from({ length: last.seq - oldest }, (_, index) =>
    eventKey(realm, token, oldest + index),
  );
  const documents = keys.length === 0 ? [] : await store.read(keys);
  const since = new Date(clock() - EVENTS_TTL * 1000).toISOString();
  const earlier = documents.flatMap((one) => decodeEvent(one) ?? []).filter(({ at }) => at > since);
  return [...earlier, last];
}

async function readHead(store: Store, realm: string, token: string): Promise<Read> {
  const [document] = await store.read([headKey(realm, token)]);
  if (document === undefined) return {};
  const head = decodeHead(document);
  if (head === undefined) throw new Error(`the trail of ${token} cannot be read`);
  return { stamp: document.stamp, head };
}

function isDue(head: HeadRecord | undefined, what: Happening, now: number): boolean {
  const noted = what.rhythm === undefined ? undefined : head?.noted[nameOf(what)];
  if (noted === undefined) return true;
  if (what.rhythm === 'once') return false;
  return now - noted.at >= Math.min(DAY, HOUR * 2 ** (noted.times - 1));
}

function nameOf({ event, more }: Happening): string {
  return `${event} ${more?.['reason'] ?? ''}`.trim();
}

function entryAfter({ clock }: TrailDeps, { realm, record }: Whose, what: Happening, read: Read): Entry {
  const now = clock();
  const previous = read.head?.event;
  const at = new Date(now).toISOString();
  const event = chained({ ...factsOf(record, what), at, event: what.event, token: record.id }, previous);
  const head: HeadRecord = { v: 1, event, noted: notedWith(read.head?.noted ?? {}, what, now) };
  const surplus = event.seq - MAX_EVENTS;
  const writes: Write[] = [
    {
      put: headKey(realm, record.id),
      value: JSON.stringify(head),
      ttl: keepHead(record, now),
      onlyIf: read.stamp ?? 'absent',
    },
    ...(previous === undefined ? [] : [keepEvent(realm, previous, now)]),
    ...(surplus < 1 ? [] : [{ remove: eventKey(realm, record.id, surplus) }]),
  ];
  return { event, writes };
}

function notedWith(noted: HeadRecord['noted'], what: Happening, now: number): HeadRecord['noted'] {
  if (what.rhythm === undefined) return noted;
  const name = nameOf(what);
  return { ...noted, [name]: { at: now, times: (noted[name]?.times ?? 0) + 1 } };
}

function factsOf(record: GuestRecord, { source, more }: Happening): Record<string, string | number> {
  const { tenant, id: subject } = record.granted.subject;
  const { by, ip, origin, userAgent } = source;
  const facts = {
    parent: record.parentId,
    client: record.clientId,
    tenant,
    subject,
    policy_hash: record.policyHash,
    by,
    ip,
    origin,
    user_agent: userAgent,
    ...more,
  };
  const known = Object.entries(facts).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  );
  return Object.fromEntries(known);
}

/** The head is kept at least as long as its token or a refreshed one can live, so that no chain begins anew. */
function keepHead({ exp, iat, granted }: GuestRecord, nowMs: number): number {
  if (exp === null) return GUEST_CUT_TTL;
  const end = Math.max(exp, iat + (refreshReachOf(granted.lifetime) ?? 0)) + LINGER;
  return Math.max(EVENTS_TTL, end - Math.floor(nowMs / 1000));
}

function keepEvent(realm: string, event: ChainedEvent, now: number): Write {
  const age = Math.floor((now - Date.parse(event.at)) / 1000);
  return {
    put: eventKey(realm, event.token, event.seq),
    value: JSON.stringify({ v: 1, event }),
    ttl: Math.max(0, EVENTS_TTL + MARGIN - age),
  };
}

function decodeHead(document: Document | undefined): HeadRecord | undefined {
  return document && headRecord.safeParse(parse(document.value)).data;
}

function decodeEvent(document: Document | undefined): ChainedEvent | undefined {
  const shape = headRecord.pick({ v: true, event: true });
  return document && shape.safeParse(parse(document.value)).data?.event;
}

/** `undefined` for text that is not JSON. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function headKey(realm: string, token: string): Key {
  return { realm, kind: 'guest-trail', id: token };
}

function eventKey(realm: string, token: string, seq: number): Key {
  return { realm, kind: 'guest-event', id: `${token}~${seq}` };
}
