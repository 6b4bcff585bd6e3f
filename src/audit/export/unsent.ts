/** What of the audit log has not been delivered yet. */
import { type Clock, epochSeconds } from '../../base/clock.ts';
import type { Key, Write } from '../../storage/port/port.ts';
import type { AuditEvent } from '../audit-event.ts';
import { decodeHead } from '../batch.ts';
import { headKey } from '../places.ts';
import { type ReadingDeps, readBatches } from '../reading.ts';
import type { Target } from './target.ts';

export type UnsentDeps = ReadingDeps & { readonly clock: Clock };

/** The realm of everything about deliveries. No real realm can have this name. */
export const DELIVERIES = '_';

export type Unsent = {
  readonly place: string;
  readonly writer: string;
  readonly n: number;
  /** `changed`: somebody has changed the batch in the store. Empty for one that is over its time. */
  readonly events: readonly AuditEvent[] | 'changed';
  /** Remembers that it was delivered; in the realm `DELIVERIES`. */
  readonly delivered: Write;
};

const STEP = 10;
const DAY = 86_400;

/** The batches of these writers that have not been delivered to a target, each writer's in their order. */
export async function* unsentOf(
  deps: UnsentDeps,
  target: Target['name'],
  { place, writers }: { readonly place: string; readonly writers: readonly string[] },
): AsyncGenerator<Unsent> {
  for (const writer of writers) {
    const key = sentKey(target, place, writer);
    const head = await headOf(deps, place, writer);
    const [sent] = await deps.store.read([key]);
    const ttl = Math.max(DAY, head.until - epochSeconds(deps.clock) + DAY);
    for await (const part of partsAfter(deps, {
      place,
      writer,
      after: Number(sent?.value ?? 0),
      last: head.n,
    })) {
      yield { ...part, delivered: { put: key, value: String(part.n), ttl } };
    }
  }
}

/** Of a head that is gone or was changed, nothing is known: `daypass audit verify` tells. */
async function headOf({ store, digest }: UnsentDeps, place: string, writer: string) {
  const [document] = await store.read([headKey(place, writer)]);
  return (document && decodeHead(digest, place, writer, document.value)) ?? { n: 0, until: 0 };
}

type Stretch = {
  readonly place: string;
  readonly writer: string;
  readonly after: number;
  readonly last: number;
};

async function* partsAfter(
  deps: UnsentDeps,
  { place, writer, after, last }: Stretch,
): AsyncGenerator<Omit<Unsent, 'delivered'>> {
  for (let n = after + 1; n <= last; n += STEP) {
    const numbers = Array.from({ length: Math.min(STEP, last - n + 1) }, (_, index) => n + index);
    const names = numbers.map((number) => ({ place, writer, n: number }));
    const batches = await readBatches(deps, names);
    for (const [at, name] of names.entries()) {
      const batch = batches[at];
      yield { ...name, events: batch === 'changed' ? batch : (batch?.value.events ?? []) };
    }
  }
}

function sentKey(target: Target['name'], place: string, writer: string): Key {
  return { realm: DELIVERIES, kind: 'audit-sent', id: `${target}~${place}~${writer}` };
}
