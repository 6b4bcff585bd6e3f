/**
 * The file of the embedded engine: opening, tables, failures, and deletion of expired rows. Times named `expires` are
 * milliseconds since the epoch; `never` for rows that stay.
 */
import { closeSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type SQLOutputValue, type StatementSync } from 'node:sqlite';
import { Failure } from '../../base/errors.ts';
import { StoreFailure, type StoreTrouble } from '../port/trouble.ts';

export const never = Number.MAX_SAFE_INTEGER;

/** How long the start waits for another process, which may be making the tables. */
const openTimeoutMs = 1000;
/** How long a call waits inside SQLite, and everything else with it; patience.ts tries again. */
const busyTimeoutMs = 2;
const schemaVersion = 1;
/** Rows of one sweep: few enough that a request waits for about a millisecond at most. */
const sweepBatch = 200;

const schema = `
  CREATE TABLE IF NOT EXISTS realm (name TEXT PRIMARY KEY, last INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS document (
    key TEXT PRIMARY KEY, stamp INTEGER NOT NULL, spent INTEGER, expires INTEGER NOT NULL,
    nodes TEXT NOT NULL, value TEXT NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS document_expires ON document (expires);
  CREATE TABLE IF NOT EXISTS node (
    key TEXT PRIMARY KEY, before INTEGER NOT NULL, made INTEGER NOT NULL, cut_until INTEGER NOT NULL,
    closed_until INTEGER NOT NULL, expires INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS node_expires ON node (expires);
  CREATE TABLE IF NOT EXISTS member (
    list TEXT NOT NULL, member TEXT NOT NULL, expires INTEGER NOT NULL, PRIMARY KEY (list, member)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS member_order ON member (list, expires, member);
  CREATE INDEX IF NOT EXISTS member_expires ON member (expires);
  CREATE TABLE IF NOT EXISTS counter (
    key TEXT PRIMARY KEY, count INTEGER NOT NULL, expires INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS counter_expires ON counter (expires);
  CREATE TABLE IF NOT EXISTS message (
    id INTEGER PRIMARY KEY AUTOINCREMENT, origin TEXT NOT NULL, topic TEXT NOT NULL, realm TEXT NOT NULL,
    message TEXT NOT NULL, expires INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS message_expires ON message (expires);
  PRAGMA user_version = ${schemaVersion};
`;

const primaryKeys = {
  document: 'key',
  node: 'key',
  member: 'list, member',
  counter: 'key',
  message: 'id',
} as const;

/** The file is made with mode 0600 in a folder with mode 0700; what is there already keeps its mode. */
export function openDatabase(path: string) {
  const db = failing(() => openFile(path));
  const begin = db.prepare('BEGIN');
  const beginImmediate = db.prepare('BEGIN IMMEDIATE');
  const commit = db.prepare('COMMIT');
  const sweeps = Object.entries(primaryKeys).map(([table, key]) =>
    db.prepare(
      `DELETE FROM ${table} WHERE (${key}) IN (SELECT ${key} FROM ${table} WHERE expires <= ? LIMIT ${sweepBatch})`,
    ),
  );

  function transaction<T>(start: StatementSync, work: () => T): T {
    if (!db.isOpen) throw new Failure('unavailable', 'the store is closed');
    return failing(() => {
      start.run();
      try {
        const result = work();
        commit.run();
        return result;
      } finally {
        if (db.isTransaction) db.exec('ROLLBACK');
      }
    });
  }

  const opened = fileOf(path);

  return {
    /** Throws when the path no longer leads to the file that is open. */
    checkFile(): void {
      if (opened === undefined || fileOf(path) !== opened) throw new StoreFailure('file-replaced', undefined);
    },
    prepare: (sql: string) => db.prepare(sql),
    /** Runs `work` in a read transaction: all its reads see one state. */
    read: <T>(work: () => T): T => transaction(begin, work),
    /** Runs `work` as the only writer of all processes. Its writes are kept unless it throws. */
    write: <T>(work: () => T): T => transaction(beginImmediate, work),
    /** Deletes some expired rows. True when there may be more. */
    sweep(now: number): boolean {
      return transaction(beginImmediate, () =>
        sweeps.map((statement) => statement.run(now).changes === sweepBatch).includes(true),
      );
    },
    close(): void {
      if (db.isOpen) db.close();
    },
  };
}

export type Database = ReturnType<typeof openDatabase>;

export function integer(row: Record<string, SQLOutputValue>, column: string): number {
  const value = row[column];
  if (typeof value !== 'number') throw new TypeError(`${column} is no integer`);
  return value;
}

export function text(row: Record<string, SQLOutputValue>, column: string): string {
  const value = row[column];
  if (typeof value !== 'string') throw new TypeError(`${column} is no text`);
  return value;
}

/** Which file a path leads to; `undefined` when there is none. */
function fileOf(path: string): string | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  return found && `${found.dev}:${found.ino}`;
}

function openFile(path: string): DatabaseSync {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  closeSync(openSync(path, 'a', 0o600));
  const db = new DatabaseSync(path, { timeout: openTimeoutMs });
  try {
    // NORMAL in WAL mode: a commit survives the crash of the process; only a power cut may take the latest ones.
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;');
    createTables(db);
    db.exec(`PRAGMA busy_timeout = ${busyTimeoutMs};`);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function createTables(db: DatabaseSync): void {
  const version = integer(db.prepare('PRAGMA user_version').get() ?? {}, 'user_version');
  if (version > schemaVersion) {
    throw new Failure('invalid_input', 'the database file was written by a newer version');
  }
  if (version < schemaVersion) db.exec(`BEGIN IMMEDIATE; ${schema} COMMIT;`);
}

/** SQLite's primary result codes that mean "not now" and not "wrong": https://sqlite.org/rescode.html */
const troubles: ReadonlyMap<number, StoreTrouble> = new Map([
  [5, 'locked'], // BUSY
  [6, 'locked'], // LOCKED
  [7, 'full'], // NOMEM
  [8, 'read-only'], // READONLY
  [10, 'unreachable'], // IOERR
  [11, 'damaged'], // CORRUPT
  [13, 'full'], // FULL
  [14, 'unreachable'], // CANTOPEN
  [26, 'damaged'], // NOTADB
]);

function failing<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    const trouble = troubleOf(error);
    if (trouble !== undefined) throw new StoreFailure(trouble, error);
    throw error;
  }
}

function troubleOf(error: unknown): StoreTrouble | undefined {
  if (!(error instanceof Error && 'errcode' in error && typeof error.errcode === 'number')) return undefined;
  return troubles.get(error.errcode & 0xff);
}
