/**
 * Backups of Redis: every key is read while others go on. Each record is as it was at some moment of the backup; cuts
 * and last stamps are read last, so that no record is older than the cut that killed it.
 */
import type { Redis } from 'ioredis';
import type { Logger } from '../../observability/logger.ts';
import type { RedisAddress } from '../port/address.ts';
import type { BackupPort, BackupRecord } from '../port/backup.ts';
import { answer, connectRedis, settled } from './connect.ts';
import { nodeHash, nodeHashBytes, realmNodeKey, stampKey } from './keys.ts';

const patienceMs = 1000;
/** Keys of one question: Redis answers others in between. */
const batch = 500;
/** `scripts.ts`: how long the last stamp of a realm is kept. */
const stampKeptMs = 400 * 86_400_000;
/** `scripts.ts`: a closed node without an end. */
const forever = Number.MAX_SAFE_INTEGER;

export async function openRedisBackup(address: RedisAddress, logger: Logger): Promise<BackupPort> {
  const redis = connectRedis(address, logger);
  await settled(redis, patienceMs);

  async function* keysLike(pattern: string): AsyncGenerator<readonly Buffer[]> {
    let cursor = '0';
    do {
      const [next, keys] = await answer(redis, redis.scanBuffer(cursor, 'MATCH', pattern, 'COUNT', batch));
      yield keys;
      cursor = next.toString();
    } while (cursor !== '0');
  }

  async function* read(): AsyncGenerator<BackupRecord> {
    const seen = new Set<string>();
    for (const pattern of ['dp[:ic]*', 'dp[ns]:*']) {
      for await (const keys of keysLike(pattern)) {
        // A scan may show a key twice.
        const fresh = keys.filter((key) => !seen.has(key.toString('latin1')));
        for (const key of fresh) seen.add(key.toString('latin1'));
        yield* recordsOf(redis, fresh);
      }
    }
  }

  async function write(records: AsyncIterable<BackupRecord>): Promise<void> {
    let waiting: BackupRecord[] = [];
    for await (const record of records) {
      waiting.push(record);
      if (waiting.length < batch) continue;
      await writeAll(redis, waiting);
      waiting = [];
    }
    await writeAll(redis, waiting);
    for await (const keys of keysLike('dpi:*')) await settleIndexes(redis, keys);
  }

  return {
    engine: 'redis',
    size: () => answer(redis, redis.dbsize()),
    read,
    async isEmpty() {
      for await (const keys of keysLike('dp[:icns]*')) if (keys.length > 0) return false;
      return true;
    },
    write,
    async close() {
      await answer(redis, redis.quit()).catch(() => redis.disconnect());
    },
  };
}

async function* recordsOf(redis: Redis, keys: readonly Buffer[]): AsyncGenerator<BackupRecord> {
  const [indexes, others] = [keys.filter(isIndex), keys.filter((key) => !isIndex(key))];
  for (const key of indexes) yield* membersOf(redis, key);
  if (others.length === 0) return;
  const values = await answer(redis, redis.mgetBuffer(...others));
  const ends = await Promise.all(others.map((key) => answer(redis, redis.pexpiretime(key))));
  for (const [at, key] of others.entries()) {
    const value = values[at];
    const end = ends[at] ?? GONE;
    if (value && end !== GONE) yield recordOf(key, value, end === STAYS ? {} : { expires: end });
  }
}

/** https://redis.io/docs/latest/commands/pexpiretime/ */
const GONE = -2;
const STAYS = -1;

type Expiry = { readonly expires?: number };

function isIndex(key: Buffer): boolean {
  return key.subarray(0, 4).toString() === 'dpi:';
}

async function* membersOf(redis: Redis, key: Buffer): AsyncGenerator<BackupRecord> {
  const list = nameOf(key);
  const seen = new Set<string>();
  let cursor = '0';
  do {
    const [next, found] = await answer(redis, redis.zscan(key, cursor, 'COUNT', batch));
    for (let at = 0; at < found.length; at += 2) {
      const [member = '', score = ''] = [found[at], found[at + 1]];
      if (seen.has(member)) continue;
      seen.add(member);
      yield { is: 'member', list, member, ...(score === 'inf' ? {} : { expires: Number(score) }) };
    }
    cursor = next;
  } while (cursor !== '0');
}

function recordOf(key: Buffer, value: Buffer, expiry: Expiry): BackupRecord {
  switch (key.subarray(0, 4).toString()) {
    case 'dps:':
      return { is: 'stamp', realm: realmOf(key), last: Number(value.toString()) };
    case 'dpc:':
      return { is: 'counter', key: nameOf(key), count: Number(value.toString()), ...expiry };
    case 'dpn:':
      return nodeOf(key, value);
    default:
      return documentOf(key, value, expiry);
  }
}

/** The layout is that of `scripts.ts`. */
function documentOf(key: Buffer, record: Buffer, expiry: Expiry): BackupRecord {
  const isSpent = record.readUInt8(0) === 2;
  const at = isSpent ? 15 : 8;
  const valueAt = at + 2 + record.readUInt16BE(at) * nodeHashBytes;
  const hashes: string[] = [];
  for (let from = at + 2; from < valueAt; from += nodeHashBytes) {
    hashes.push(record.subarray(from, from + nodeHashBytes).toString('hex'));
  }
  return {
    is: 'document',
    key: nameOf(key),
    stamp: readSeven(record, 1),
    ...(isSpent && { spentAt: readSeven(record, 8) }),
    ...expiry,
    ...(hashes.length > 0 && { hashes }),
    value: record.subarray(valueAt).toString(),
  };
}

function nodeOf(key: Buffer, record: Buffer): BackupRecord {
  const realm = realmOf(key);
  const hash = key.subarray(Buffer.byteLength(realmNodeKey(realm)));
  return {
    is: 'node',
    realm,
    ...(hash.length === 0 ? { names: [''] } : { hashes: [hash.toString('hex')] }),
    before: readSeven(record, 0),
    made: readSeven(record, 7),
    cutUntil: readSeven(record, 14),
    closedUntil: readSeven(record, 21),
  };
}

/** `dp:{acme}:token:x` as `acme:token:x`. */
function nameOf(key: Buffer): string {
  const text = key.toString();
  const end = text.indexOf('}');
  return `${text.slice(text.indexOf('{') + 1, end)}${text.slice(end + 1)}`;
}

function realmOf(key: Buffer): string {
  const text = key.toString('latin1');
  return text.slice(text.indexOf('{') + 1, text.indexOf('}'));
}

/** 7 bytes hold every exact integer of JavaScript. */
function readSeven(record: Buffer, at: number): number {
  return record.readUIntBE(at, 1) * 2 ** 48 + record.readUIntBE(at + 1, 6);
}

function seven(value: number): Buffer {
  const bytes = Buffer.alloc(7);
  bytes.writeUIntBE(Math.floor(value / 2 ** 48), 0, 1);
  bytes.writeUIntBE(value % 2 ** 48, 1, 6);
  return bytes;
}

async function writeAll(redis: Redis, records: readonly BackupRecord[]): Promise<void> {
  await Promise.all(records.map((record) => answer(redis, writeOne(redis, record))));
}

function writeOne(redis: Redis, record: BackupRecord): Promise<unknown> {
  switch (record.is) {
    case 'stamp':
      return redis.set(stampKey(record.realm), String(record.last), 'PX', stampKeptMs);
    case 'counter':
      return put(redis, placed('dpc:', record.key), Buffer.from(String(record.count)), record.expires);
    case 'member':
      return redis.zadd(placed('dpi:', record.list), String(record.expires ?? '+inf'), record.member);
    case 'document':
      return put(redis, placed('dp:', record.key), packed(record), record.expires);
    case 'node':
      return putNode(redis, record);
  }
}

/** `acme:token:x` as `dp:{acme}:token:x`. */
function placed(prefix: string, name: string): string {
  const colon = name.indexOf(':');
  return `${prefix}{${name.slice(0, colon)}}${name.slice(colon)}`;
}

function put(
  redis: Redis,
  key: string | Buffer,
  value: Buffer,
  expires: number | undefined,
): Promise<unknown> {
  return expires === undefined ? redis.set(key, value) : redis.set(key, value, 'PXAT', Math.max(1, expires));
}

type Hanging = Extract<BackupRecord, { is: 'document' | 'node' }>;

function hashesOf({ names = [], hashes = [] }: Hanging): readonly Buffer[] {
  return [...names.map(nodeHash), ...hashes.map((hash) => Buffer.from(hash, 'hex'))];
}

function packed(record: Extract<BackupRecord, { is: 'document' }>): Buffer {
  const { stamp, spentAt, value } = record;
  const hashes = hashesOf(record);
  const size = Buffer.alloc(2);
  size.writeUInt16BE(hashes.length);
  const head = [Buffer.from([spentAt === undefined ? 1 : 2]), seven(stamp)];
  const spent = spentAt === undefined ? [] : [seven(spentAt)];
  return Buffer.concat([...head, ...spent, size, ...hashes, Buffer.from(value)]);
}

function putNode(redis: Redis, node: Extract<BackupRecord, { is: 'node' }>): Promise<unknown> {
  const { before, made, cutUntil, closedUntil } = node;
  const [hash = Buffer.alloc(0)] = hashesOf(node);
  const key = Buffer.concat([Buffer.from(realmNodeKey(node.realm)), hash]);
  const until = closedUntil >= forever ? undefined : Math.max(cutUntil, closedUntil);
  return put(redis, key, Buffer.concat([before, made, cutUntil, closedUntil].map(seven)), until);
}

/** An index lives as long as the member that stays longest. */
async function settleIndexes(redis: Redis, keys: readonly Buffer[]): Promise<void> {
  await Promise.all(
    keys.map(async (key) => {
      const [, latest] = await answer(redis, redis.zrange(key, -1, '-1', 'WITHSCORES'));
      if (latest !== undefined && latest !== 'inf') await answer(redis, redis.pexpireat(key, Number(latest)));
    }),
  );
}
