/** Expiring indexes: members in the order of their expiry, then of their bytes. */
import { beginningWith } from '../port/pages.ts';
import type { Page } from '../port/port.ts';
import { type Database, integer, never, text } from './database.ts';

type PageOptions = {
  readonly limit: number;
  readonly after?: string | undefined;
  readonly prefix?: string | undefined;
  readonly nowMs: number;
};

export function createMembers(database: Database) {
  const upsert = database.prepare('INSERT OR REPLACE INTO member (list, member, expires) VALUES (?, ?, ?)');
  const erase = database.prepare('DELETE FROM member WHERE list = ? AND member = ?');
  const select = database.prepare(
    `SELECT member, expires FROM member
     WHERE list = ? AND expires > ? AND (expires, member) > (?, ?) ORDER BY expires, member LIMIT ?`,
  );
  const selectFrom = database.prepare(
    `SELECT member, expires FROM member
     WHERE list = ? AND expires = ${never} AND member >= ? ORDER BY member LIMIT ?`,
  );

  return {
    add(list: string, member: string, expires: number): void {
      upsert.run(list, member, expires);
    },

    remove(list: string, member: string): void {
      erase.run(list, member);
    },

    /** The cursor is the position of the last member shown, so it stays valid when that member is gone. */
    page(list: string, options: PageOptions): Page {
      const { after, prefix, limit } = options;
      const [expires, member] = after === undefined ? [0, ''] : placeOf(after);
      const rows =
        after === undefined && prefix !== undefined
          ? selectFrom.all(list, prefix, limit + 1)
          : select.all(list, options.nowMs, expires, member, limit + 1);
      const shown = rows.slice(0, limit);
      const last = rows.length > limit ? shown.at(-1) : undefined;
      return beginningWith(prefix ?? '', {
        members: shown.map((row) => text(row, 'member')),
        ...(last && { next: `${integer(last, 'expires')}:${text(last, 'member')}` }),
      });
    },
  };
}

function placeOf(cursor: string): [number, string] {
  const colon = cursor.indexOf(':');
  return [Number(cursor.slice(0, colon)), cursor.slice(colon + 1)];
}
