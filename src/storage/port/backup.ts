/**
 * What a backup of a store is made of: everything that it holds, with stamps, expiries and cuts, so that what lived
 * lives and what was revoked stays dead. Times are milliseconds since the epoch; stamps are the port's.
 */
import { z } from 'zod';

const count = z.int().min(0);

/** Absent: it stays. */
const expires = count.optional();

/**
 * Nodes by their names, or by the hashes (hex) that Redis keeps in the place of names. Nobody can turn a hash into a
 * name, so what comes from Redis can go to Redis only.
 */
const nodes = { names: z.array(z.string()).optional(), hashes: z.array(z.string()).optional() };

/** `key`: `realm:kind:id`. */
const document = z.strictObject({
  is: z.literal('document'),
  key: z.string(),
  stamp: count,
  spentAt: count.optional(),
  expires,
  value: z.string(),
  ...nodes,
});
const member = z.strictObject({ is: z.literal('member'), list: z.string(), member: z.string(), expires });
const counter = z.strictObject({ is: z.literal('counter'), key: z.string(), count: z.int(), expires });
const stamp = z.strictObject({ is: z.literal('stamp'), realm: z.string(), last: count });
/** One name or one hash. `cutUntil`, `closedUntil`: 0 for none. */
const node = z.strictObject({
  is: z.literal('node'),
  realm: z.string(),
  before: count,
  made: count,
  cutUntil: count,
  closedUntil: count,
  ...nodes,
});

export const backupRecord = z.discriminatedUnion('is', [document, member, counter, stamp, node]);

export type BackupRecord = z.infer<typeof backupRecord>;

/** What each engine offers beside the port, for backups alone. */
export type BackupPort = {
  readonly engine: 'embedded' | 'redis';
  /** About how many records there are. */
  size(): Promise<number>;
  /** Everything, while others go on reading and writing. What was acknowledged before the first record is in it. */
  read(): AsyncIterable<BackupRecord>;
  isEmpty(): Promise<boolean>;
  /** Fills an empty store that nobody else uses. Expired records are left out. */
  write(records: AsyncIterable<BackupRecord>): Promise<void>;
  close(): Promise<void>;
};
