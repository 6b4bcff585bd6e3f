/** Rows of documents. An expired row counts as absent, deleted or not. */
import { type Database, integer, text } from './database.ts';

export type Row = {
  readonly stamp: number;
  readonly spentAt: number | undefined;
  readonly under: readonly string[];
  readonly value: string;
};

export function createDocuments(database: Database) {
  const select = database.prepare(
    'SELECT stamp, spent, nodes, value FROM document WHERE key = ? AND expires > ?',
  );
  const upsert = database.prepare(
    'INSERT OR REPLACE INTO document (key, stamp, spent, expires, nodes, value) VALUES (?, ?, NULL, ?, ?, ?)',
  );
  const markSpent = database.prepare('UPDATE document SET spent = ? WHERE key = ? AND spent IS NULL');
  const erase = database.prepare('DELETE FROM document WHERE key = ?');

  return {
    find(key: string, nowMs: number): Row | undefined {
      const row = select.get(key, nowMs);
      if (row === undefined) return undefined;
      const nodes = text(row, 'nodes');
      return {
        stamp: integer(row, 'stamp'),
        spentAt: row['spent'] === null ? undefined : integer(row, 'spent'),
        under: nodes === '' ? [] : nodes.split('\n'),
        value: text(row, 'value'),
      };
    },

    put(key: string, row: { stamp: number; under: readonly string[]; value: string; expires: number }): void {
      // Names of nodes contain no control characters, so each is one line.
      const nodes = row.under.filter((name) => name !== '').join('\n');
      upsert.run(key, row.stamp, row.expires, nodes, row.value);
    },

    /** A document that was spent keeps the time of its first use. */
    spend(key: string, stamp: number): void {
      markSpent.run(stamp, key);
    },

    remove(key: string): void {
      erase.run(key);
    },
  };
}

export type Documents = ReturnType<typeof createDocuments>;
