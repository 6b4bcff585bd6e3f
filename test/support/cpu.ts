/**
 * What work costs this thread, in units of a fixed piece of work that is about a millisecond. Counted is CPU, not time:
 * a slow or busy machine changes the unit as it changes what is measured.
 */
import { createHash } from 'node:crypto';

/** The most tries: a collection of garbage may have a share in one. */
const MAX_TRIES = 5;
/** Some machines count in steps of milliseconds. */
const RUNS = 3;

/** Runs until runs cost at most `units` each, and tells what the cheapest cost and what the last resolved to. */
export async function costOf<T>(
  units: number,
  run: () => Promise<T>,
): Promise<{ readonly units: number; readonly result: T }> {
  let best = Number.POSITIVE_INFINITY;
  let result = await run();
  for (let left = MAX_TRIES; left > 0 && best > units; left -= 1) {
    const before = process.threadCpuUsage();
    for (let more = RUNS; more > 0; more -= 1) result = await run();
    best = Math.min(best, since(before) / RUNS / unit());
  }
  return { units: best, result };
}

let known: number | undefined;

/** Microseconds of CPU that a unit costs here. */
function unit(): number {
  known ??= Math.min(...Array.from({ length: MAX_TRIES }, measureWork));
  return known;
}

function measureWork(): number {
  const units = 20;
  const before = process.threadCpuUsage();
  for (let left = units; left > 0; left -= 1) work();
  return since(before) / units;
}

function since(before: NodeJS.CpuUsage): number {
  const { user, system } = process.threadCpuUsage(before);
  return user + system;
}

/** Some of what requests do: objects, text, a hash. */
function work(): void {
  const text = JSON.stringify(Array.from({ length: 5000 }, (_, index) => ({ id: `n${index}`, index })));
  const read: unknown = JSON.parse(text);
  createHash('sha256').update(JSON.stringify(read)).digest();
}
