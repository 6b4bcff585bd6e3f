/** How much tokens were used: what is left of their budgets, and when the trail noted a use last. */
import type { Clock } from '../../base/clock.ts';
import type { Store } from '../../storage/port/port.ts';
import { usesOf } from '../grant/lifetime.ts';
import type { GuestRecord } from '../record/guest-record.ts';
import { lastUsesOf } from '../trail/trail.ts';
import type { TrailNotes } from '../trail/trail-notes.ts';
import { countsOf } from './introspect.ts';

export type Usage = {
  /** The fewest uses that are left in its own budget and those above it; `null` without any. */
  readonly usesLeft: number | null;
  /** Uses counted in its own budget, which its refreshed successors share; `null` without one. */
  readonly useCount: number | null;
  /** Milliseconds since the epoch. A sample: uses are noted less and less often. */
  readonly lastUsedAt: number | null;
};

type Deps = { readonly store: Store; readonly clock: Clock; readonly notes: TrailNotes };

/** Of each record, in one round trip to the store. */
export async function usagesOf(
  { notes, ...deps }: Deps,
  realm: string,
  records: readonly GuestRecord[],
): Promise<readonly Usage[]> {
  if (records.length === 0) return [];
  await notes.settled();
  const ids = records.map(({ id }) => id);
  const [lastUses, counts] = await Promise.all([
    lastUsesOf(deps.store, realm, ids),
    Promise.all(records.map((record) => countsOf(deps, { record, realm: { name: realm } }))),
  ]);
  return records.map((record, index) => ({
    ...usesIn(record, counts[index] ?? []),
    lastUsedAt: lastUses[index] ?? null,
  }));
}

function usesIn(
  { budgets, granted }: GuestRecord,
  counts: readonly number[],
): Pick<Usage, 'usesLeft' | 'useCount'> {
  const left = budgets.map(({ most }, index) => Math.max(0, most - (counts[index] ?? 0)));
  // Its own budget comes after those that it inherited.
  const own = usesOf(granted.lifetime) === null ? undefined : counts.at(-1);
  return { usesLeft: left.length === 0 ? null : Math.min(...left), useCount: own ?? null };
}
