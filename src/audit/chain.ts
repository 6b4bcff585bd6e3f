/** The chain of this process for one place in the store: which writes append events to it. */
import { type Clock, epochSeconds } from '../base/clock.ts';
import { randomValue } from '../base/random.ts';
import type { Store, Write } from '../storage/port/port.ts';
import type { AuditEvent } from './audit-event.ts';
import { type Digest, decodeHead, encodeBatch, encodeHead, type Seen } from './batch.ts';
import {
  batchesIndex,
  batchKey,
  dayOf,
  daysIndex,
  headKey,
  memberOf,
  slotOf,
  slotsIndex,
  writersIndex,
} from './places.ts';

export type ChainDeps = { readonly store: Store; readonly clock: Clock; readonly digest: Digest };

/** Where a chain ends. `writer` is new for each process, and after a commit whose outcome is not known. */
type End = { readonly writer: string; readonly n: number; readonly last: string; readonly until: number };

type Appended = {
  readonly writes: readonly Write[];
  /** To be called when the writes were committed. */
  done(): void;
};

/** The most events of a batch. */
const BATCH = 100;
/** How many other chains the first batch of a chain remembers. */
const MAX_SEEN = 20;
const DAY = 86_400;
/** The message of a commit with events; whoever delivers them listens. */
export const AUDIT_TOPIC = 'audit';

export function createChain({ store, clock, digest }: ChainDeps, place: string) {
  let end = newEnd();

  /** `days`: how long the events are kept. The writes are good for one commit, and for nobody else at the same time. */
  async function append(events: readonly AuditEvent[], days: number): Promise<Appended> {
    if (events.length === 0) return { writes: [], done: () => undefined };
    const ttl = days * DAY;
    const until = epochSeconds(clock) + ttl;
    const seen = end.n === 0 ? await othersSeen() : undefined;
    let next = end;
    const writes: Write[] = [];
    for (const part of partsOf(events)) {
      const name = { writer: next.writer, n: next.n + 1 };
      const { value, seal } = encodeBatch(digest, place, name, {
        v: 1,
        n: name.n,
        prev: next.last,
        prevUntil: next.until,
        until,
        ...(name.n === 1 && seen !== undefined && { seen }),
        events: [...part],
      });
      writes.push(...batchWrites(place, { name, value, ttl, time: lastOf(part).time }));
      next = { ...name, last: seal, until };
    }
    writes.push(...endWrites(place, next, ttl), { publish: AUDIT_TOPIC, realm: place, message: next.writer });
    const done = () => {
      end = next;
    };
    return { writes, done };
  }

  function endWrites(at: string, { writer, n, last, until }: End, ttl: number): readonly Write[] {
    const value = encodeHead(digest, at, writer, { v: 1, n, last, until });
    return [
      // The head stays a little longer than what it is the head of, so that a head that is missing was removed.
      { put: headKey(at, writer), value, ttl: ttl + HEAD_MARGIN },
      { index: writersIndex(at), member: writer, ttl },
    ];
  }

  /** The chains that others wrote last. */
  async function othersSeen(): Promise<Seen[]> {
    const writers: string[] = [];
    let after: string | undefined;
    do {
      const page = await store.list(writersIndex(place), {
        limit: 1000,
        ...(after !== undefined && { after }),
      });
      writers.push(...page.members);
      after = page.next;
    } while (after !== undefined);
    const latest = writers.slice(-MAX_SEEN);
    if (latest.length === 0) return [];
    const documents = await store.read(latest.map((writer) => headKey(place, writer)));
    return latest.flatMap((writer, at) => {
      const document = documents[at];
      const head = document && decodeHead(digest, place, writer, document.value);
      return head === undefined ? [] : [{ writer, n: head.n, until: head.until }];
    });
  }

  /** Begins a new chain, because nobody knows whether the last commit happened. */
  function renew(): void {
    end = newEnd();
  }

  return { append, renew };
}

/** Seconds. */
export const HEAD_MARGIN = 3600;

function newEnd(): End {
  return { writer: randomValue().slice(0, 16), n: 0, last: '', until: 0 };
}

type BatchWrite = {
  readonly name: { readonly writer: string; readonly n: number };
  readonly value: string;
  readonly ttl: number;
  /** Of its last event. */
  readonly time: string;
};

function batchWrites(place: string, { name, value, ttl, time }: BatchWrite): readonly Write[] {
  return [
    { put: batchKey(place, name), value, ttl },
    { index: daysIndex(place), member: dayOf(time), ttl },
    { index: slotsIndex(place, dayOf(time)), member: slotOf(time), ttl },
    { index: batchesIndex(place, slotOf(time)), member: memberOf(name, time), ttl },
  ];
}

/** All events of a batch lie in one slot. */
function partsOf(events: readonly AuditEvent[]): readonly (readonly [AuditEvent, ...AuditEvent[]])[] {
  const parts: [AuditEvent, ...AuditEvent[]][] = [];
  for (const event of events) {
    const part = parts.at(-1);
    if (part !== undefined && part.length < BATCH && slotOf(part[0].time) === slotOf(event.time)) {
      part.push(event);
    } else {
      parts.push([event]);
    }
  }
  return parts;
}

function lastOf(part: readonly [AuditEvent, ...AuditEvent[]]): AuditEvent {
  return part.at(-1) ?? part[0];
}
