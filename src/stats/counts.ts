/** What a process has counted and not written yet. */
import type { Series } from './series.ts';

/** The counts of one realm: by hour since the epoch, then by series. */
export type Counts = ReadonlyMap<number, ReadonlyMap<Series, number>>;

type Counted = Map<number, Map<Series, number>>;

export function createCounts() {
  const waiting = new Map<string, Counted>();

  function add(realm: string, hour: number, series: Series, by: number): void {
    const ofRealm = entry(waiting, realm, () => new Map() as Counted);
    const ofHour = entry(ofRealm, hour, () => new Map<Series, number>());
    ofHour.set(series, (ofHour.get(series) ?? 0) + by);
  }

  /** The counts of a realm, which wait no longer. */
  function take(realm: string): Counts | undefined {
    const taken = waiting.get(realm);
    waiting.delete(realm);
    return taken;
  }

  function giveBack(realm: string, counts: Counts): void {
    for (const [hour, ofHour] of counts) {
      for (const [series, by] of ofHour) add(realm, hour, series, by);
    }
  }

  return { add, take, giveBack, realms: () => [...waiting.keys()] };
}

function entry<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const found = map.get(key);
  if (found !== undefined) return found;
  const made = make();
  map.set(key, made);
  return made;
}
