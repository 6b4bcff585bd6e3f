/**
 * How figures are stored: a sheet for each day with a column for each hour, kept for 35 days, and a sheet for each
 * month with a column for each day, kept for 400. So a realm has at most 52 of these documents, and a month by hours
 * or a year by days is one read. All times are UTC.
 */
import { z } from 'zod';
import type { Key } from '../storage/port/port.ts';
import type { Series } from './series.ts';

export type Step = 'hour' | 'day';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const DAY_S = 86_400;

/** A step of time: how long it is, and for how many days its figures can be asked for. */
export const steps = {
  hour: { ms: HOUR_MS, days: 35 },
  day: { ms: DAY_MS, days: 400 },
} as const satisfies Readonly<Record<Step, { ms: number; days: number }>>;

/** Where a figure stands: the sheet and the column in it. */
export type Place = { readonly key: Key; readonly column: number };

/** The place of a moment (milliseconds since the epoch). */
export function placeOf(realm: string, step: Step, ms: number): Place {
  const time = new Date(ms);
  const date = time.toISOString();
  return step === 'hour'
    ? { key: { realm, kind: 'stats-hours', id: date.slice(0, 10) }, column: time.getUTCHours() }
    : { key: { realm, kind: 'stats-days', id: date.slice(0, 7) }, column: time.getUTCDate() - 1 };
}

/** Seconds that a sheet is kept after it was written last: its last column, and one more day, can still be asked for. */
export function lifeOf(step: Step): number {
  return (steps[step].days + 1) * DAY_S;
}

/** Every sheet that a realm can have at this moment; clocks of nodes may differ by a day. */
export function sheetsOf(realm: string, nowMs: number): readonly Key[] {
  const keys = (['hour', 'day'] as const).flatMap((step) =>
    Array.from(
      { length: steps[step].days + 3 },
      (_, days) => placeOf(realm, step, nowMs + (1 - days) * DAY_MS).key,
    ),
  );
  return [...new Map(keys.map((key) => [`${key.kind} ${key.id}`, key])).values()];
}

/** For each series its columns; those behind the last count are absent. */
export type Sheet = Readonly<Record<Series, readonly number[]>>;

const stored = z.object({ v: z.literal(1), counts: z.record(z.string(), z.array(z.number())) });

export function encodeSheet(counts: Sheet): string {
  return JSON.stringify({ v: 1, counts });
}

/** Throws on text that is no sheet, or one of a newer version. */
export function decodeSheet(text: string | undefined): Sheet {
  return text === undefined ? {} : stored.parse(JSON.parse(text)).counts;
}

/** A sheet with counts added in one column. */
export function added(sheet: Sheet, column: number, counts: ReadonlyMap<Series, number>): Sheet {
  const more = [...counts].map(([series, count]) => {
    const before = sheet[series] ?? [];
    const columns = Array.from({ length: Math.max(before.length, column + 1) }, (_, at) => before[at] ?? 0);
    return [series, columns.with(column, (columns[column] ?? 0) + count)] as const;
  });
  return { ...sheet, ...Object.fromEntries(more) };
}
