/**
 * Figures over time: how often what happened in a realm. Each process counts the events of its own in memory and adds
 * them to sheets in the store every few seconds, and when it stops. So a figure is late by these seconds, and a process
 * that is killed loses its last ones. A realm where nothing happens costs nothing.
 *
 * A disabled realm takes no writes: what happens in it is not counted.
 */
import type { Background } from '../base/background.ts';
import type { Clock } from '../base/clock.ts';
import { isFailure } from '../base/errors.ts';
import type { DomainEvent, EventSink } from '../observability/events.ts';
import type { Logger } from '../observability/logger.ts';
import type { Store, Write } from '../storage/port/port.ts';
import { createCounts } from './counts.ts';
import { countedTypes, seriesOf } from './series.ts';
import { addCounts, type Line, readLines, type Span } from './sheet-store.ts';
import { sheetsOf, steps } from './sheets.ts';

/** How late figures are, in milliseconds. */
const FLUSH_MS = 5_000;

type FiguresDeps = {
  readonly store: Store;
  readonly clock: Clock;
  readonly events: Pick<EventSink, 'subscribe'>;
  readonly background: Background;
  readonly logger: Pick<Logger, 'warn'>;
};

export type Figures = ReturnType<typeof createFigures>;

export function createFigures({ store, clock, events, background, logger }: FiguresDeps) {
  const counts = createCounts();
  const flushing = new Map<string, Promise<boolean>>();

  function count(event: DomainEvent): void {
    const hour = Math.floor(clock() / steps.hour.ms);
    for (const series of seriesOf(event)) counts.add(event.realm, hour, series, 1);
  }

  /** Writes all that this process has counted in the realm until now. `false`: the store is not there, and it waits. */
  function flush(realm: string): Promise<boolean> {
    const before = flushing.get(realm) ?? Promise.resolve(true);
    const own = before.then(() => write(realm));
    const ended = own.finally(() => {
      if (flushing.get(realm) === ended) flushing.delete(realm);
    });
    flushing.set(realm, ended);
    return ended;
  }

  async function write(realm: string): Promise<boolean> {
    const taken = counts.take(realm);
    if (taken === undefined) return true;
    try {
      if (!(await addCounts(store, realm, taken))) counts.giveBack(realm, taken);
    } catch (error) {
      if (isFailure(error, 'unavailable')) {
        // If only the answer of the commit was lost, these are counted twice.
        counts.giveBack(realm, taken);
        return false;
      }
      logger.warn({ realm, err: error }, 'figures could not be written');
    }
    return true;
  }

  /** One realm after the other, so that requests go first. Each failure takes seconds, so it ends at the first. */
  async function flushAll(): Promise<void> {
    for (const realm of counts.realms()) if (!(await flush(realm))) return;
  }

  /** What was counted in a realm; of other processes what they have written. Rejects with `Failure('unavailable')`. */
  async function read(realm: string, span: Span): Promise<readonly Line[]> {
    await flush(realm);
    return readLines(store, realm, span);
  }

  /** The writes that belong into the commit that removes a realm. */
  function removal(realm: string): readonly Write[] {
    counts.take(realm);
    return sheetsOf(realm, clock()).map((key) => ({ remove: key }));
  }

  events.subscribe(count, countedTypes);
  background.run(async () => {
    while (await background.pause(FLUSH_MS)) await flushAll();
  });

  return { read, flushAll, removal };
}
