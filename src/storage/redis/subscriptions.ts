/**
 * Subscriptions, on a connection of their own. They are renewed with the connection. Messages may be missed from the
 * moment it broke (or from the first call) until Redis has confirmed the subscription: then `onGap` is called.
 */
import type { Redis } from 'ioredis';
import type { Logger } from '../../observability/logger.ts';
import { createListeners, type Listener, type Listeners } from '../port/listeners.ts';
import { unpackMessage } from './commit.ts';
import { answer } from './connect.ts';
import type { Rights } from './rights.ts';

/** A dead connection looks like a quiet one: only a question tells them apart. */
const heartbeatMs = 1000;

type Deps = {
  readonly connect: () => Redis;
  /** The channel of a topic. */
  readonly channel: (topic: string) => string;
  readonly rights: Pick<Rights, 'tellRefusedSubscription'>;
  readonly logger: Logger;
};

export function createSubscriptions({ connect, channel, rights, logger }: Deps) {
  const listeners = createListeners();
  let connection: Redis | undefined;
  let heartbeat: NodeJS.Timeout | undefined;
  const trust = createTrust(listeners);

  function open(): Redis {
    const redis = connect();
    redis.on('ready', () => confirm(redis, listeners.topics()));
    redis.on('message', (from: string, packed: string) => {
      listeners.deliver(from.slice(channel('').length), unpackMessage(packed));
    });
    redis.on('close', trust.lose);
    heartbeat = setInterval(() => void trust.beat(redis), heartbeatMs).unref();
    return redis;
  }

  function confirm(redis: Redis, topics: readonly string[]): void {
    if (topics.length === 0) return;
    redis.subscribe(...topics.map(channel)).then(
      () => trust.confirm(topics),
      (error: Error) => {
        if (!rights.tellRefusedSubscription(error)) {
          logger.error({ reason: error.message }, 'Redis refused a subscription');
        }
        redis.disconnect(true);
      },
    );
  }

  return {
    subscribe(topic: string, listener: Listener): () => void {
      connection ??= open();
      const redis = connection;
      const isFirst = !listeners.has(topic);
      const leave = listeners.add(topic, listener);
      // When the connection is not ready, it subscribes to all topics once it is.
      if (isFirst && redis.status === 'ready') confirm(redis, [topic]);
      return () => {
        leave();
        if (!listeners.has(topic)) redis.unsubscribe(channel(topic)).catch(() => undefined);
      };
    },

    close(): void {
      clearInterval(heartbeat);
      connection?.disconnect();
    },
  };
}

/** Whether everything that was published since the last gap has been heard. */
function createTrust(listeners: Listeners) {
  let isTrusted = true;
  /** Whether the present connection is subscribed. */
  let isConfirmed = false;
  let isAsked = false;

  function doubt(): void {
    if (!isTrusted) return;
    isTrusted = false;
    listeners.doubt();
  }

  function lose(): void {
    isConfirmed = false;
    doubt();
  }

  function confirm(topics: readonly string[]): void {
    isConfirmed = true;
    isTrusted = true;
    listeners.gap(topics);
  }

  /**
   * One question at a time: the next beat finds one that has had no answer for a whole beat. Messages arrive before the
   * answer of a later question, so an answer means that none is missing. A connection that stays silent is closed and
   * made again.
   */
  async function beat(redis: Redis): Promise<void> {
    if (isAsked) return doubt();
    if (redis.status !== 'ready') return;
    isAsked = true;
    try {
      await answer(redis, redis.ping());
      if (!isTrusted && isConfirmed) confirm(listeners.topics());
    } catch {
      doubt();
    } finally {
      isAsked = false;
    }
  }

  return { lose, confirm, beat };
}
