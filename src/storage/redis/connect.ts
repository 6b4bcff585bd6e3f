/**
 * Connections to Redis: addresses, when a connection counts as broken, and how failures are reported. A call never
 * waits for a missing connection: it fails at once, and connecting goes on in the background.
 */
import { isIP } from 'node:net';
import { Redis } from 'ioredis';
import type { Logger } from '../../observability/logger.ts';
import type { RedisAddress } from '../port/address.ts';
import { isPatienceOver } from '../port/request-patience.ts';
import { StoreFailure, type StoreTrouble } from '../port/trouble.ts';

/** Below the two seconds that the port allows. */
const answerMs = 1500;
/** What the first attempt to connect may take, and again the handshake after it; each further one takes twice as long. */
const connectMs = 1500;
const longestConnectMs = 6000;
const longestRetryMs = 500;
const NO_ANSWER = 'no answer in time';

/** What was wrong with the latest attempt to connect, until one succeeds. */
const whyDown = new WeakMap<Redis, string>();

export function connectRedis({ engine: _, isTls, ...address }: RedisAddress, logger: Logger): Redis {
  const redis: Redis = new Redis({
    ...address,
    ...(isTls && { tls: isIP(address.host) ? {} : { servername: address.host } }),
    connectionName: 'daypass',
    disableClientInfo: true,
    connectTimeout: connectMs,
    retryStrategy: (times) => {
      // Nobody waits for it, because calls fail at once meanwhile, and a slow server must be reached some time.
      redis.options.connectTimeout = Math.min(connectMs * 2 ** Math.min(times, 10), longestConnectMs);
      return Math.min(25 * 2 ** Math.min(times, 10), longestRetryMs);
    },
    maxLoadingRetryTime: longestRetryMs,
    enableOfflineQueue: false,
    // A commit whose answer was lost may have happened. To send it again could refuse its own success.
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    autoResubscribe: false,
    // A server that was a master when the connection was made: its address may lead to the new one by now.
    reconnectOnError: (error) => /\bREADONLY\b/.test(error.message),
    // One write to the socket for all calls of one turn of the event loop.
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
 * Resolves to the answer, or rejects with `Failure('unavailable')` in bounded time. A connection that owes an answer
 * and is silent is closed: its other callers fail too, and new ones fail at once until there is another connection.
 */
export async function answer<T>(redis: Redis, asked: Promise<T>): Promise<T> {
  let stop = () => {};
  const late = new Promise<never>((_, reject) => {
    stop = startPatience(
      answerMs,
      () => reject(leave(redis)),
      () => reject(new Error(NO_ANSWER)),
    );
  });
  try {
    const reply = await Promise.race([asked, late]);
    whyDown.delete(redis);
    return reply;
  } catch (error) {
    throw failureOf(redis, error);
  } finally {
    stop();
  }
}

/**
 * Calls `onEnd` when this process has waited for `patienceMs`, or `onShared` before that when the request has waited
 * long enough with its earlier calls. A process that was held up itself (it loaded code or had no processor time) has
 * not waited: the answer may have arrived, unread. Of the ticks that it missed only one counts.
 */
function startPatience(patienceMs: number, onEnd: () => void, onShared?: () => void): () => void {
  let ticks = 10;
  const tickMs = patienceMs / ticks;
  const timer = setInterval(() => {
    ticks -= 1;
    const isOver = ticks <= 0;
    if (!isOver && (onShared === undefined || !isPatienceOver(tickMs, performance.now()))) return;
    clearInterval(timer);
    if (isOver) onEnd();
    else onShared?.();
  }, tickMs);
  return () => clearInterval(timer);
}

function leave(redis: Redis): Error {
  const error = new Error(NO_ANSWER);
  redis.stream.destroy(error);
  return error;
}

function leaveSilentHandshakes(redis: Redis): void {
  let stop = () => {};
  redis.on('connect', () => {
    stop = startPatience(redis.options.connectTimeout ?? connectMs, () => leave(redis));
  });
  redis.on('ready', () => stop());
  redis.on('close', () => stop());
}

/** Replies that mean "not now": https://redis.io/docs/latest/develop/reference/protocol-spec/#simple-errors */
const replies: readonly (readonly [RegExp, StoreTrouble])[] = [
  [/\bREADONLY\b/, 'read-only'],
  [/\bOOM\b/, 'full'],
  [/\bNOREPLICAS\b/, 'no-replicas'],
  [/\bMISCONF\b/, 'not-saving'],
  [/\b(LOADING|MASTERDOWN)\b/, 'loading'],
  [/\b(NOAUTH|WRONGPASS)\b|invalid password|without any password/, 'credentials'],
  [/\bNOPERM\b|user executing the script can't|ACL failure in script/, 'no-permission'],
  [/\b(CLUSTERDOWN|TRYAGAIN|BUSY)\b/, 'unreachable'],
];

/** What goes wrong while a connection is made. */
const handshakes: readonly (readonly [RegExp, StoreTrouble])[] = [
  ...replies,
  [/DB index|no such db/i, 'wrong-database'],
  [/\b(SSL|TLS|certificate|altnames|EPROTO|Protocol error)\b|ERR_(SSL|TLS)_/i, 'tls'],
  [/no answer in time/, 'silent'],
];

function troubleIn(known: typeof replies, message: string): StoreTrouble | undefined {
  return known.find(([pattern]) => pattern.test(message))?.[1];
}

function failureOf(redis: Redis, error: unknown): Error {
  // Errors of the client contain the command with its arguments, which must not get into a log.
  const cause = new Error(messageOf(error));
  const trouble = troubleIn(replies, cause.message);
  if (error instanceof Error && error.name === 'ReplyError') {
    // This reply ends the connection, and is the reason until there is another one.
    if (trouble === 'read-only') whyDown.set(redis, cause.message);
    return trouble === undefined ? cause : new StoreFailure(trouble, cause);
  }
  if (cause.message === NO_ANSWER) return new StoreFailure('silent', cause);
  // Without a connection the reason is what broke or refused the last one.
  const reason = whyDown.get(redis);
  return new StoreFailure(
    troubleIn(handshakes, reason ?? '') ?? 'unreachable',
    reason === undefined ? cause : new Error(`not connected: ${reason}`),
  );
}

function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(/,? with args beginning with.*/s, '');
}

/**
 * When Redis refuses the database in the address, the client would continue in database 0, with data of somebody
 * else.
 */
function refuseOtherDatabases(redis: Redis): void {
  redis.on('error', (error: Error & { readonly command?: { readonly name: string } }) => {
    if (error.command?.name === 'select') redis.disconnect(true);
  });
}

/** What the client says of calls without a connection: it follows from what was wrong before. */
const consequences = /Stream isn't writeable|Connection is closed/;

/** A server that takes no TLS leaves the handshake without an answer. */
function reasonOf(redis: Redis, error: unknown): string {
  const message = messageOf(error);
  const { stream } = redis;
  const isUnanswered = 'encrypted' in stream && message.includes('ETIMEDOUT');
  return isUnanswered ? 'the TLS handshake was not answered' : message;
}

function logOutages(redis: Redis, logger: Logger): void {
  let isDown = false;
  redis.on('error', (error: unknown) => {
    const reason = reasonOf(redis, error);
    if (!consequences.test(reason)) whyDown.set(redis, reason);
    if (!isDown) logger.error({ reason }, 'Redis cannot be reached');
    isDown = true;
  });
  redis.on('ready', () => {
    if (isDown) logger.info('Redis is back');
    isDown = false;
  });
}
