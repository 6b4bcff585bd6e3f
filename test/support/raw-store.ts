/**
 * The engines as a thief or a debugger sees them: what lies there, byte by byte, without the server's code. And the one
 * thing that tests change there: when a record was spent, because nobody can move Redis' clock.
 */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Redis } from 'ioredis';
import { lastingOf } from './lasting.ts';
import { type RedisServer, startRedis } from './redis.ts';

export type RawKey = { readonly realm: string; readonly kind: string; readonly id: string };

export type RawRecord = { readonly id: string; readonly isSpent: boolean; readonly value: string };

export type Engine = {
  /** For `DAYPASS_STORE`. */
  readonly url: string;
  /** The server behind it; only Redis has one. */
  readonly redis: RedisServer | undefined;
  /** All live records of a kind. */
  records(realm: string, kind: string): Promise<readonly RawRecord[]>;
  /** Changes what a live record says, behind everybody's back; `undefined` removes it. */
  rewrite(key: RawKey, value: string | undefined): Promise<void>;
  /** The names of everything of a realm that never expires. */
  lasting(realm: string): Promise<readonly string[]>;
  /** Moves the time at which a record was spent into the past. */
  ageSpending(key: RawKey, byMs: number): Promise<void>;
  /** Everything at rest: names and values as they are in memory, and every file. */
  dump(): Promise<Buffer>;
  /** What lies on the disk, also when nothing runs any more. */
  dumpFiles(): Promise<Buffer>;
  stop(): Promise<void>;
};

export const engines: readonly (readonly [name: string, open: () => Promise<Engine>])[] = [
  ['embedded', openEmbedded],
  ['redis', openRedis],
];

export async function openEmbedded(): Promise<Engine> {
  const folder = await mkdtemp(join(tmpdir(), 'daypass-store-'));
  const path = join(folder, 'daypass.db');
  const withDatabase = <T>(work: (db: DatabaseSync) => T): T => {
    const db = new DatabaseSync(path, { timeout: 5000 });
    try {
      return work(db);
    } finally {
      db.close();
    }
  };
  return {
    url: `sqlite:${path}`,
    redis: undefined,
    records: async (realm, kind) => {
      const prefix = `${realm}:${kind}:`;
      const rows = withDatabase((db) =>
        db
          .prepare('SELECT key, spent, value FROM document WHERE key >= ? AND key < ?')
          .all(prefix, `${prefix}~~~`),
      );
      return rows.map(({ key, spent, value }) => ({
        id: String(key).slice(prefix.length),
        isSpent: spent !== null,
        value: String(value),
      }));
    },
    rewrite: async ({ realm, kind, id }, value) => {
      const key = `${realm}:${kind}:${id}`;
      const { changes } = withDatabase((db) =>
        value === undefined
          ? db.prepare('DELETE FROM document WHERE key = ?').run(key)
          : db.prepare('UPDATE document SET value = ? WHERE key = ?').run(value, key),
      );
      if (changes !== 1) throw new Error('no such record');
    },
    lasting: (realm) => lastingOf(`sqlite:${path}`, realm),
    ageSpending: async ({ realm, kind, id }, byMs) => {
      const { changes } = withDatabase((db) =>
        db
          .prepare('UPDATE document SET spent = spent - ? WHERE key = ? AND spent IS NOT NULL')
          .run(byMs * 1000, `${realm}:${kind}:${id}`),
      );
      if (changes !== 1) throw new Error('no such spent record');
    },
    dump: () => filesOf(folder),
    dumpFiles: () => filesOf(folder),
    stop: () => rm(folder, { recursive: true, force: true }),
  };
}

export async function openRedis(): Promise<Engine> {
  const server = await startRedis({ appendonly: true, args: ['--appendfsync', 'always'] });
  const raw = new Redis({ port: server.port, host: '127.0.0.1' });
  // The server is stopped and killed by some tests; this connection comes back by itself.
  raw.on('error', () => undefined);
  const folder = await folderOf(raw);
  return {
    url: server.url,
    redis: server,
    records: async (realm, kind) => {
      const prefix = `dp:{${realm}}:${kind}:`;
      const keys = await raw.keys(`${prefix}*`);
      const values = await Promise.all(keys.map((key) => raw.getBuffer(key)));
      return keys.flatMap((key, i) => recordOf(key.slice(prefix.length), values[i] ?? undefined));
    },
    rewrite: async ({ realm, kind, id }, value) => {
      const key = `dp:{${realm}}:${kind}:${id}`;
      const record = await raw.getBuffer(key);
      if (record === null) throw new Error('no such record');
      if (value === undefined) await raw.del(key);
      else
        await raw.set(
          key,
          Buffer.concat([record.subarray(0, valueAt(record)), Buffer.from(value)]),
          'KEEPTTL',
        );
    },
    lasting: (realm) => lastingOf(server.url, realm),
    ageSpending: async ({ realm, kind, id }, byMs) => {
      const key = `dp:{${realm}}:${kind}:${id}`;
      const record = await raw.getBuffer(key);
      if (record?.[0] !== 2) throw new Error('no such spent record');
      const spentAt = Buffer.concat([Buffer.alloc(1), record.subarray(8, 15)]).readBigUInt64BE();
      const aged = Buffer.alloc(8);
      aged.writeBigUInt64BE(spentAt - BigInt(byMs * 1000));
      await raw.setrange(key, 8, aged.subarray(1));
    },
    dump: async () => Buffer.concat([await memoryOf(raw), await filesOf(folder)]),
    dumpFiles: () => filesOf(folder),
    stop: async () => {
      raw.disconnect();
      await server.stop();
    },
  };
}

/** Format and state, stamp, when spent a second stamp, number of nodes, their hashes, the value. */
function recordOf(id: string, record: Buffer | undefined): RawRecord[] {
  if (record === undefined) return [];
  return [{ id, isSpent: isSpent(record), value: record.subarray(valueAt(record)).toString() }];
}

function valueAt(record: Buffer): number {
  const nodesAt = isSpent(record) ? 15 : 8;
  return nodesAt + 2 + record.readUInt16BE(nodesAt) * 10;
}

function isSpent(record: Buffer): boolean {
  return record[0] === 2;
}

async function memoryOf(raw: Redis): Promise<Buffer> {
  const parts: (Buffer | string)[] = [];
  for (const key of await raw.keys('*')) {
    parts.push(key);
    if ((await raw.type(key)) === 'zset') parts.push(...(await raw.zrange(key, 0, '-1')));
    else parts.push((await raw.getBuffer(key)) ?? '');
  }
  return Buffer.concat(parts.map((part) => Buffer.from(part)));
}

async function folderOf(raw: Redis): Promise<string> {
  const [, folder = ''] = (await raw.config('GET', 'dir')) as string[];
  return folder;
}

async function filesOf(folder: string): Promise<Buffer> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return Buffer.concat(
    await Promise.all(files.map(({ parentPath, name }) => readFile(join(parentPath, name)))),
  );
}
