/**
 * The port on Redis (7 or newer, or Valkey): one script a call, one round trip. Redis' clock is the store's.
 */
import type { Logger } from '../../observability/logger.ts';
import type { RedisAddress } from '../port/address.ts';
import { checkCount, checkKey, checkPage, checkWrites } from '../port/checks.ts';
import { beginningWith } from '../port/pages.ts';
import type { Document, Page, Store } from '../port/port.ts';
import { commitArguments } from './commit.ts';
import { answer, connectRedis, settled } from './connect.ts';
import { channelOf, counterKey, documentKey, indexKey } from './keys.ts';
import { createRights } from './rights.ts';
import { type CommitReply, type DocumentReply, defineScripts } from './scripts.ts';
import { createSubscriptions } from './subscriptions.ts';
import { warningsOf } from './warnings.ts';

/** How long the start waits for Redis before it continues without. */
const patienceMs = 1000;

/** Resolves whether or not Redis is there; until it is, every call rejects with `Failure('unavailable')`. */
export async function createRedisStore(address: RedisAddress, logger: Logger): Promise<Store> {
  const redis = connectRedis(address, logger);
  defineScripts(redis);
  const user = address.username ?? 'default';
  const rights = createRights(redis, { user, channel: channelOf(address.db, 'rights'), logger });
  const subscriptions = createSubscriptions({
    rights,
    connect: () => connectRedis(address, logger),
    channel: (topic) => channelOf(address.db, topic),
    logger,
  });
  await settled(redis, patienceMs);
  if (redis.status === 'ready') await rights.check();
  redis.on('ready', () => void rights.check());

  return {
    async read(keys) {
      if (keys.length === 0) return [];
      keys.forEach(checkKey);
      const replies = await answer(redis, redis.dpRead(keys.length, ...keys.map(documentKey)));
      return keys.map((_, i) => documentOf(replies[i]));
    },

    async commit(writes) {
      const realm = checkWrites(writes);
      let reply: CommitReply;
      try {
        reply = await answer(redis, redis.dpCommit(...commitArguments(realm, writes, address.db)));
      } catch (error) {
        rights.suspect(error);
        throw error;
      }
      if (reply.length === 1) return { ok: true, stamp: reply[0] };
      return { ok: false, step: reply[0], reason: reply[1] };
    },

    async list(index, { limit, after, prefix }) {
      checkKey(index);
      checkPage(limit);
      const isFrom = after === undefined && prefix !== undefined ? '1' : '0';
      const [score, member] = after === undefined ? startOf(prefix) : placeOf(after);
      const found = await answer(redis, redis.dpList(indexKey(index), limit, score, member, isFrom));
      return beginningWith(prefix ?? '', pageOf(found, limit));
    },

    async count(key, { windowMs, by }) {
      checkKey(key);
      checkCount(windowMs, by);
      const [count, resetsInMs] = await answer(redis, redis.dpCount(counterKey(key), by, windowMs));
      return { count, resetsInMs };
    },

    subscribe: subscriptions.subscribe,

    async ping() {
      await answer(redis, redis.ping());
      await rights.confirm();
    },

    warnings: () => warningsOf(redis),

    async close() {
      subscriptions.close();
      // Calls that were made before are answered first, unless the connection is lost.
      await answer(redis, redis.quit()).catch(() => redis.disconnect());
    },
  };
}

function documentOf(reply: DocumentReply | null | undefined): Document | undefined {
  if (!reply) return undefined;
  const [now, stamp, spentAt, cut, value] = reply;
  return { value, stamp, cut: cut === 1, now, ...(spentAt !== 0 && { spentAt }) };
}

/**
 * Members and scores alternate. The cursor is the position of the last member shown, so it stays valid when that
 * member is gone.
 */
function pageOf(found: readonly string[], limit: number): Page {
  const shown = found.slice(0, 2 * limit);
  const members = shown.filter((_, i) => i % 2 === 0);
  return found.length > shown.length ? { members, next: `${shown.at(-1)}:${members.at(-1)}` } : { members };
}

/** Members without an expiry have the score `inf`, and lie by their bytes. */
function startOf(prefix: string | undefined): [string, string] {
  return prefix === undefined ? ['', ''] : ['inf', prefix];
}

function placeOf(cursor: string): [string, string] {
  const colon = cursor.indexOf(':');
  return [cursor.slice(0, colon), cursor.slice(colon + 1)];
}
