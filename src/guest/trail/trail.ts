/**
 * The trail of a token in the store. Its last event is the head, a document that is written only if it is unchanged
 * since it was read, so that concurrent appends follow one another. Every earlier event is a document of its own,
 * which is never changed. The hash chain: trail-chain.ts.
 *
 * Each event is also emitted with its hash; its log line is the witness outside the store.
 */

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
import { type ChainedEvent, chained, type Said } from './trail-chain.ts';
import {
  DEFAULT_DAYS,
  decodeEvent,
  decodeHead,
  encodeEvent,
  encodeHead,
  type Head,
  type Noted,
} from './trail-records.ts';

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

/**
 * An event and its writes, which are refused if somebody else appended first. Without writes, and without a place in a
 * chain, where the token has no trail.
 */
export type Entry = { readonly event: Said; readonly writes: readonly Write[] };

/**
 * The most events that are kept of a token; older ones are deleted. Three a day, where that is more: samples of uses and
 * of denials come to one a day each, so that none of them is pushed out before its time.
 */
const MAX_EVENTS = 1000;
const MAX_EVENTS_A_DAY = 3;
/** How many are read at a time, so that a long trail does not keep the store from answering requests. */
const READ_BATCH = 500;
/** Seconds that an event is kept after it is no longer shown, because clocks of nodes differ. */
const MARGIN = 3600;
/** The same as for records. */
const LINGER = 600;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const DAY_S = 86_400;

type Read = { readonly stamp?: Stamp; readonly head?: Head };
type Whose = { readonly realm: string; readonly record: GuestRecord };

/** The first event of a new token. Nobody else can write it, so it needs no read and no further condition. */
export function firstEntry(deps: TrailDeps, whose: Whose, what: Happening): Entry {
  return hasTrail(whose.record) ? entryAfter(deps, whose, what, {}) : untraced(deps, whose, what);
}

/** The next event of a token. Must be made anew when its commit was refused. */
export async function nextEntry(deps: TrailDeps, whose: Whose, what: Happening): Promise<Entry> {
  if (!hasTrail(whose.record)) return untraced(deps, whose, what);
  return entryAfter(deps, whose, what, await readHead(deps.store, whose.realm, whose.record.id));
}

/** The days that events of this token are kept, as its realm said at the minting. */
export function daysOf({ trailDays }: Pick<GuestRecord, 'trailDays'>): number {
  return trailDays ?? DEFAULT_DAYS;
}

function hasTrail(record: Pick<GuestRecord, 'trailDays'>): boolean {
  return daysOf(record) > 0;
}

/** An event of a token without a trail: it is told, and written nowhere. */
function untraced({ clock }: TrailDeps, { record }: Whose, what: Happening): Entry {
  const at = new Date(clock()).toISOString();
  return { event: { ...factsOf(record, what), at, event: what.event, token: record.id }, writes: [] };
}

/**
 * Resolves when the event is in the trail, or is not to be recorded now. Rejects with `Failure('busy')` when other
 * writers always come first.
 */
export async function append(deps: TrailDeps, whose: Whose, what: Happening): Promise<void> {
  if (!hasTrail(whose.record)) {
    const { event } = untraced(deps, whose, what);
    return tell(deps, whose.realm, { event, source: what.source });
  }
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
  { event, source }: { readonly event: Said; readonly source: Source },
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
  const head = document && decodeHead(token, document.value);
  if (head === undefined) return [];
  const { event: last, days } = head;
  const oldest = Math.max(1, last.seq - mostOf(days) + 1);
  const keys = Array.from({ length: last.seq - oldest }, (_, index) =>
    eventKey(realm, token, oldest + index),
  );
  const documents: (Document | undefined)[] = [];
  for (let at = 0; at < keys.length; at += READ_BATCH) {
    documents.push(...(await store.read(keys.slice(at, at + READ_BATCH))));
  }
  const since = new Date(clock() - days * DAY).toISOString();
  const earlier = documents
    .flatMap((one) => (one && decodeEvent(token, one.value)) ?? [])
    .filter(({ at }) => at > since);
  return [...earlier, last];
}

/** When each of these tokens was used last, as far as its trail noted it: milliseconds, in the order of the ids. */
export async function lastUsesOf(
  store: Store,
  realm: string,
  tokens: readonly string[],
): Promise<readonly (number | undefined)[]> {
  const documents = await store.read(tokens.map((token) => headKey(realm, token)));
  return tokens.map((token, index) => {
    const document = documents[index];
    return document && decodeHead(token, document.value)?.noted['guest.used']?.at;
  });
}

function mostOf(days: number): number {
  return Math.max(MAX_EVENTS, MAX_EVENTS_A_DAY * days);
}

async function readHead(store: Store, realm: string, token: string): Promise<Read> {
  const [document] = await store.read([headKey(realm, token)]);
  if (document === undefined) return {};
  const head = decodeHead(token, document.value);
  if (head === undefined) throw new Error(`the trail of ${token} cannot be read`);
  return { stamp: document.stamp, head };
}

function isDue(head: Head | undefined, what: Happening, now: number): boolean {
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
  const days = daysOf(record);
  const head: Head = { event, days, noted: notedWith(read.head?.noted ?? {}, what, now) };
  const surplus = event.seq - mostOf(days);
  const writes: Write[] = [
    {
      put: headKey(realm, record.id),
      value: encodeHead(head),
      ttl: keepHead(record, now),
      onlyIf: read.stamp ?? 'absent',
    },
    ...(previous === undefined ? [] : [keepEvent(realm, previous, { days, now })]),
    ...(surplus < 1 ? [] : [{ remove: eventKey(realm, record.id, surplus) }]),
  ];
  return { event, writes };
}

function notedWith(noted: Noted, what: Happening, now: number): Noted {
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
function keepHead(record: GuestRecord, nowMs: number): number {
  const { exp, iat, granted } = record;
  if (exp === null) return GUEST_CUT_TTL;
  const end = Math.max(exp, iat + (refreshReachOf(granted.lifetime) ?? 0)) + LINGER;
  return Math.max(daysOf(record) * DAY_S, end - Math.floor(nowMs / 1000));
}

function keepEvent(
  realm: string,
  event: ChainedEvent,
  { days, now }: { readonly days: number; readonly now: number },
): Write {
  const age = Math.floor((now - Date.parse(event.at)) / 1000);
  return {
    put: eventKey(realm, event.token, event.seq),
    value: encodeEvent(event),
    ttl: Math.max(0, days * DAY_S + MARGIN - age),
  };
}

function headKey(realm: string, token: string): Key {
  return { realm, kind: 'guest-trail', id: token };
}

function eventKey(realm: string, token: string, seq: number): Key {
  return { realm, kind: 'guest-event', id: `${token}~${seq}` };
}
