/** Adds counts to the sheets of a realm, and reads them. */
import { isConflict } from '../storage/port/optimistic-retry.ts';
import type { Store, Write } from '../storage/port/port.ts';
import type { Counts } from './counts.ts';
import type { Series } from './series.ts';
import { added, decodeSheet, encodeSheet, lifeOf, placeOf, type Step, steps } from './sheets.ts';

/** So many processes would have to write the same sheet at the same moment. */
const MAX_TRIES = 20;

/** A series between two moments: one value for each step. */
export type Line = { readonly series: Series; readonly values: number[] };

/** `from` (included) and `to` (excluded): milliseconds since the epoch, on the border of a step. */
export type Span = { readonly step: Step; readonly from: number; readonly to: number };

/**
 * Adds the counts, in one read and one commit. Resolves to `false`, and nothing was written, when other processes were
 * faster every time. The counts of a disabled realm are dropped: it takes no writes.
 */
export async function addCounts(store: Store, realm: string, counts: Counts): Promise<boolean> {
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const outcome = await store.commit(await writesOf(store, realm, counts));
    if (outcome.ok || !isConflict(outcome)) return true;
  }
  return false;
}

async function writesOf(store: Store, realm: string, counts: Counts): Promise<readonly Write[]> {
  const places = [...counts].flatMap(([hour, ofHour]) =>
    (['hour', 'day'] as const).map((step) => {
      const place = placeOf(realm, step, hour * steps.hour.ms);
      return { ...place, ofHour, ttl: lifeOf(step) };
    }),
  );
  const groups = [...Map.groupBy(places, ({ key }) => `${key.kind} ${key.id}`).values()];
  const found = await store.read(groups.flatMap(([first]) => first?.key ?? []));
  return groups.flatMap((group, at): Write[] => {
    const [first] = group;
    if (first === undefined) return [];
    const sheet = group.reduce(
      (before, { column, ofHour }) => added(before, column, ofHour),
      decodeSheet(found[at]?.value),
    );
    const { key, ttl } = first;
    return [{ put: key, value: encodeSheet(sheet), ttl, onlyIf: found[at]?.stamp ?? 'absent' }];
  });
}

/** The series that counted anything in the span, by their names. One round trip. */
export async function readLines(
  store: Store,
  realm: string,
  { step, from, to }: Span,
): Promise<readonly Line[]> {
  const length = Math.round((to - from) / steps[step].ms);
  const places = Array.from({ length }, (_, at) => placeOf(realm, step, from + at * steps[step].ms));
  const keys = [...new Map(places.map(({ key }) => [key.id, key])).values()];
  // Whether the realm was cut since does not matter: a cut kills tokens, not figures.
  const found = await store.read(keys);
  const sheets = new Map(keys.map(({ id }, at) => [id, decodeSheet(found[at]?.value)]));
  const names = new Set([...sheets.values()].flatMap((sheet) => Object.keys(sheet)));
  const lineOf = (series: Series) => ({
    series,
    values: places.map(({ key, column }) => sheets.get(key.id)?.[series]?.[column] ?? 0),
  });
  return [...names]
    .sort()
    .map(lineOf)
    .filter(({ values }) => values.some((value) => value > 0));
}
