/** Counters that expire one window after their first count. */
import type { Counted } from '../port/port.ts';
import { type Database, integer } from './database.ts';

export function createCounters(database: Database) {
  const select = database.prepare('SELECT count, expires FROM counter WHERE key = ? AND expires > ?');
  const upsert = database.prepare('INSERT OR REPLACE INTO counter (key, count, expires) VALUES (?, ?, ?)');

  function find(key: string, nowMs: number): Counted {
    const row = select.get(key, nowMs);
    if (row === undefined) return { count: 0, resetsInMs: 0 };
    return { count: integer(row, 'count'), resetsInMs: integer(row, 'expires') - nowMs };
  }

  function add(
    key: string,
    { windowMs, by, nowMs }: { windowMs: number; by: number; nowMs: number },
  ): Counted {
    const found = find(key, nowMs);
    const next = { count: found.count + by, resetsInMs: found.resetsInMs || windowMs };
    upsert.run(key, next.count, nowMs + next.resetsInMs);
    return next;
  }

  return { find, add };
}
