/**
 * Connections to Redis: where they go, when they count as broken, how their failures are told. A call never waits
 * for a connection that is not there: it fails at once, and connecting goes on in the background without end.
 */
import { isIP } from 'node:net';
import { Redis } from 'ioredis';
import { Failure } from '../../base/errors.ts';
import type { Logger } from '../../observability/logger.ts';
import type { RedisAddress } from '../port/address.ts';

/** Below the two seconds that the port allows. */
const answerMs = 1500;
const connectMs = 1500;
const longestRetryMs = 500;

export function connectRedis({ engine: _, isTls, ...address }: RedisAddress, logger: Logger): Redis {
  const redis = new Redis({
    ...address,
    ...(isTls && { tls: isIP(address.host) ? {} : { servername: address.host } }),
    connectionName: 'daypass',
    disableClientInfo: true,
    connectTimeout: connectMs,
    retryStrategy: (times) => Math.min(25 * 2 ** Math.min(times, 10), longestRetryMs),
    maxLoadingRetryTime: longestRetryMs,
    enableOfflineQueue: false,
    // A commit whose answer was lost may have happened; sending it again could refuse its own success.
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    autoResubscribe: false,
    // One write to the socket for all that is asked in one turn of the event loop.
    enableAutoPipelining: true,
  });
  logOutages(redis, logger);
  leaveSilentHandshakes(redis);
  refuseOtherDatabases(redis);
  return redis;
}

/** Resolves when the connection is ready, or after `withinMs` without it. */
export function settled(redis: Redis, withinMs: number): Promise<void> {
  if (redis.status === 'ready') return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, withinMs);
    redis.once('ready', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/**
 * The answer, or `Failure('unavailable')` in bounded time. A connection that owes an answer and says nothing is cut:
 * its other callers fail too, and new ones fail fast until there is another.
 */
export async function answer<T>(redis: Redis, asked: Promise<T>): Promise<T> {
  let stop = () => {};
  const late = new Promise<never>((_, reject) => {
    stop = startPatience(() => reject(leave(redis)));
  });
  try {
    return await Promise.race([asked, late]);
  } catch (error) {
    throw failureOf(error);
  } finally {
    stop();
  }
}

/**
 * Calls `onEnd` once this process has waited for `answerMs`. A process that was held up itself (loading code, short of
 * processor time) has not waited: the answer may be there and unread. Of the ticks that it missed only one counts.
 */
function startPatience(onEnd: () => void): () => void {
  let ticks = 10;
  const timer = setInterval(() => {
    ticks -= 1;
    if (ticks > 0) return;
    clearInterval(timer);
    onEnd();
  }, answerMs / ticks);
  return () => clearInterval(timer);
}

function leave(redis: Redis): Error {
  const error = new Error('no answer in time');
  redis.stream.destroy(error);
  return error;
}

function leaveSilentHandshakes(redis: Redis): void {
  let stop = () => {};
  redis.on('connect', () => {
    stop = startPatience(() => leave(redis));
  });
  redis.on('ready', () => stop());
  redis.on('close', () => stop());
}

/** Replies that mean "not now": https://redis.io/docs/latest/develop/reference/protocol-spec/#simple-errors */
const notNow =
  /\b(READONLY|LOADING|OOM|MISCONF|MASTERDOWN|NOREPLICAS|CLUSTERDOWN|TRYAGAIN|BUSY|NOAUTH|WRONGPASS|NOPERM)\b/;

function failureOf(error: unknown): Error {
  // What the client throws carries the command with its arguments, and those are no business of a log.
  const cause = new Error(messageOf(error));
  const isReply = error instanceof Error && error.name === 'ReplyError';
  if (isReply && !notNow.test(cause.message)) return cause;
  return new Failure('unavailable', 'the store cannot be reached', { cause });
}

function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(/,? with args beginning with.*/s, '');
}

/** When Redis refuses the database of the address, the client would go on in database 0, with somebody else's data. */
function refuseOtherDatabases(redis: Redis): void {
  redis.on('error', (error: Error & { readonly command?: { readonly name: string } }) => {
    if (error.command?.name === 'select') redis.disconnect(true);
  });
}

function logOutages(redis: Redis, logger: Logger): void {
  let isDown = false;
  redis.on('error', (error: unknown) => {
    if (!isDown) logger.error({ reason: messageOf(error) }, 'Redis cannot be reached');
    isDown = true;
  });
  redis.on('ready', () => {
    if (isDown) logger.info('Redis is back');
    isDown = false;
  });
}
