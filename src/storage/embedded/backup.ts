/** Backups of the embedded engine: one read transaction sees one state, whatever is written meanwhile. */
import { Failure } from '../../base/errors.ts';
import type { BackupPort, BackupRecord } from '../port/backup.ts';
import { type Database, integer, never, openDatabase, text } from './database.ts';

type Row = Parameters<typeof integer>[0];

/** Counted together they are the size. */
const tables = ['realm', 'document', 'node', 'member', 'counter'] as const;

export function openEmbeddedBackup({ path }: { readonly path: string }): BackupPort {
  const database = openDatabase(path);
  const rowsIn = (table: (typeof tables)[number]) =>
    integer(database.prepare(`SELECT count(*) AS size FROM ${table}`).get() ?? {}, 'size');

  async function* read(): AsyncGenerator<BackupRecord> {
    database.prepare('BEGIN').run();
    try {
      for (const [sql, recordOf] of sources) {
        for (const row of database.prepare(sql).iterate()) yield recordOf(row);
      }
    } finally {
      database.prepare('COMMIT').run();
    }
  }

  /** All or nothing. */
  async function write(records: AsyncIterable<BackupRecord>): Promise<void> {
    const insert = inserter(database);
    database.prepare('BEGIN IMMEDIATE').run();
    try {
      for await (const record of records) insert(record);
      database.prepare('COMMIT').run();
    } catch (error) {
      database.prepare('ROLLBACK').run();
      throw error;
    }
  }

  return {
    engine: 'embedded',
    size: async () => tables.reduce((sum, table) => sum + rowsIn(table), 0),
    read,
    isEmpty: async () => tables.every((table) => rowsIn(table) === 0),
    write,
    close: async () => database.close(),
  };
}

const sources: readonly (readonly [sql: string, recordOf: (row: Row) => BackupRecord])[] = [
  [
    'SELECT name, last FROM realm',
    (row) => ({ is: 'stamp', realm: text(row, 'name'), last: integer(row, 'last') }),
  ],
  ['SELECT key, stamp, spent, expires, nodes, value FROM document', documentOf],
  [
    'SELECT list, member, expires FROM member',
    (row) => ({ is: 'member', list: text(row, 'list'), member: text(row, 'member'), ...expiryOf(row) }),
  ],
  [
    'SELECT key, count, expires FROM counter',
    (row) => ({ is: 'counter', key: text(row, 'key'), count: integer(row, 'count'), ...expiryOf(row) }),
  ],
  ['SELECT key, before, made, cut_until, closed_until FROM node', nodeOf],
];

function documentOf(row: Row): BackupRecord {
  const nodes = text(row, 'nodes');
  return {
    is: 'document',
    key: text(row, 'key'),
    stamp: integer(row, 'stamp'),
    ...(row['spent'] === null ? {} : { spentAt: integer(row, 'spent') }),
    ...expiryOf(row),
    names: nodes === '' ? [] : nodes.split('\n'),
    value: text(row, 'value'),
  };
}

/** The name of a realm holds no colon, so the first one ends it. */
function nodeOf(row: Row): BackupRecord {
  const key = text(row, 'key');
  const colon = key.indexOf(':');
  return {
    is: 'node',
    realm: key.slice(0, colon),
    names: [key.slice(colon + 1)],
    before: integer(row, 'before'),
    made: integer(row, 'made'),
    cutUntil: integer(row, 'cut_until'),
    closedUntil: integer(row, 'closed_until'),
  };
}

function expiryOf(row: Row): { readonly expires?: number } {
  const expires = integer(row, 'expires');
  return expires === never ? {} : { expires };
}

/** Expired rows count as absent, so they may come along. */
function inserter(database: Database) {
  const realm = database.prepare('INSERT INTO realm VALUES (?, ?)');
  const document = database.prepare('INSERT INTO document VALUES (?, ?, ?, ?, ?, ?)');
  const member = database.prepare('INSERT INTO member VALUES (?, ?, ?)');
  const counter = database.prepare('INSERT INTO counter VALUES (?, ?, ?)');
  const node = database.prepare('INSERT INTO node VALUES (?, ?, ?, ?, ?, ?)');
  return function insert(record: BackupRecord): void {
    switch (record.is) {
      case 'stamp':
        realm.run(record.realm, record.last);
        return;
      case 'document': {
        const { key, stamp, spentAt = null, expires = never, value } = record;
        document.run(key, stamp, spentAt, expires, namesOf(record).join('\n'), value);
        return;
      }
      case 'member':
        member.run(record.list, record.member, record.expires ?? never);
        return;
      case 'counter':
        counter.run(record.key, record.count, record.expires ?? never);
        return;
      case 'node': {
        const { before, made, cutUntil, closedUntil } = record;
        const key = `${record.realm}:${namesOf(record)[0] ?? ''}`;
        node.run(key, before, made, cutUntil, closedUntil, Math.max(cutUntil, closedUntil));
      }
    }
  };
}

function namesOf({ names = [], hashes = [] }: Extract<BackupRecord, { is: 'document' | 'node' }>) {
  if (hashes.length === 0) return names;
  throw new Failure('invalid_input', 'a backup of Redis can be restored into Redis only');
}
