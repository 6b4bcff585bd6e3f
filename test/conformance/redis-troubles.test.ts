/** What is wrong with a Redis is named, and a server that takes no writes is believed nothing. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { Redis } from 'ioredis';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { openStore } from '../../src/storage/open.ts';
import type { Store } from '../../src/storage/port/port.ts';
import { createReadiness } from '../../src/storage/readiness.ts';
import { watchTroubles } from '../../src/storage/trouble-watch.ts';
import { freePort } from '../support/free-port.ts';
import { startRedis } from '../support/redis.ts';
import { commitOk, keyIn, listen, readOne } from './contract/support.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

async function start(...args: readonly string[]) {
  const server = await startRedis({ args });
  cleanups.push(() => server.stop());
  return server;
}

async function open(url: string): Promise<Store> {
  const store = await openStore(url, { clock: systemClock, logger: createLogger('silent') });
  cleanups.push(() => store.close());
  return store;
}

function rawClient(url: string): Redis {
  const redis = new Redis(url);
  cleanups.push(() => redis.disconnect());
  return redis;
}

/** An address that leads to another server whenever it is told so, for new connections only. */
async function startAddress(first: number) {
  let target = first;
  const sockets: Socket[] = [];
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1');
    sockets.push(client, upstream);
    client.pipe(upstream).pipe(client);
    for (const socket of [client, upstream]) socket.on('error', () => undefined);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const leadTo = (other: number) => {
    target = other;
  };
  return { url: `redis://127.0.0.1:${port}`, leadTo };
}

const put = { put: keyIn('acme'), value: 'v', ttl: 60 };
const troubleOf = (call: Promise<unknown>) =>
  call.then(
    () => 'none',
    (error) => error.trouble,
  );
const troublesOf = async (store: Store) => [
  await troubleOf(store.read([keyIn('acme')])),
  await troubleOf(store.commit([put])),
];
/** A fresh answer: readiness is remembered for a second. */
const readinessOf = (store: Store) => createReadiness({ store, clock: systemClock })();

describe('the trouble with Redis is named', () => {
  it.each<[string, (redis: Redis) => Promise<unknown>, string]>([
    ['read-only', async (redis) => redis.replicaof('127.0.0.1', await freePort()), 'read-only'],
    ['no-replicas', (redis) => redis.config('SET', 'min-replicas-to-write', 1), 'no-replicas'],
    ['full', (redis) => redis.config('SET', 'maxmemory', 1), 'none'],
    [
      'no-permission',
      (redis) => redis.call('ACL', 'SETUSER', 'default', '-eval', '-evalsha'),
      'no-permission',
    ],
  ])('%s while it runs, and readiness tells', async (reason, harm, reading) => {
    const server = await start();
    const store = await open(server.url);
    await commitOk(store, put);
    expect(await readinessOf(store)).toEqual({ status: 'up', store: 'up' });

    await harm(rawClient(server.url));

    expect(await troubleOf(store.read([keyIn('acme')]))).toBe(reading);
    expect(await readinessOf(store)).toEqual({ status: 'down', store: 'down', reason });
    await expect.poll(() => troubleOf(store.commit([put]))).toBe(reason);
  });

  it.each<[string, string, (port: number) => string, readonly string[]]>([
    ['no password', 'credentials', (port) => `redis://127.0.0.1:${port}`, ['--requirepass', 'x']],
    ['a wrong password', 'credentials', (port) => `redis://:y@127.0.0.1:${port}`, ['--requirepass', 'x']],
    ['another database', 'wrong-database', (port) => `redis://127.0.0.1:${port}/99`, []],
    ['TLS against plain text', 'tls', (port) => `rediss://127.0.0.1:${port}`, []],
  ])('for %s: %s', async (_what, trouble, urlOf, args) => {
    const server = await start(...args);

    const store = await open(urlOf(server.port));

    await expect.poll(() => troublesOf(store)).toEqual([trouble, trouble]);
  });

  it('unreachable where nobody listens', async () => {
    const store = await open(`redis://127.0.0.1:${await freePort()}`);

    expect(await troublesOf(store)).toEqual(['unreachable', 'unreachable']);
  });

  it('in the log once when it begins and once when it ends, and for every call in the count', async () => {
    const server = await start();
    const lines: unknown[] = [];
    const write = (line: unknown) => void lines.push(line);
    const counted: string[] = [];
    const logger = { error: write, info: write };
    const { store, onTrouble } = watchTroubles(await open(server.url), logger as never);
    onTrouble((trouble) => void counted.push(trouble));
    const redis = rawClient(server.url);
    await redis.config('SET', 'maxmemory', 1);

    await troubleOf(store.commit([put]));
    await troubleOf(store.commit([put]));
    await store.read([keyIn('acme')]);
    await redis.config('SET', 'maxmemory', 0);
    await store.commit([put]);

    expect(counted).toEqual(['full', 'full']);
    expect(lines).toEqual([
      { calls: 'write', trouble: 'full', reason: expect.stringContaining('OOM') },
      { calls: 'write' },
    ]);
  });
});

describe('a Redis that was demoted', () => {
  it('is believed nothing, and left for the master that its address leads to', async () => {
    const [first, second] = [await start(), await start()];
    const address = await startAddress(first.port);
    const store = await open(address.url);
    await commitOk(store, put);

    address.leadTo(second.port);
    await rawClient(first.url).replicaof('127.0.0.1', second.port);

    expect(await troubleOf(store.read([keyIn('acme')]))).toBe('read-only');
    await expect.poll(() => troubleOf(store.commit([put])), { timeout: 60_000 }).toBe('none');
    expect(await rawClient(second.url).exists('dp:{acme}:thing:x')).toBe(1);
  });

  it('answers neither lists nor counts', async () => {
    const server = await start();
    const store = await open(server.url);
    const key = keyIn('acme');
    const calls = [
      () => store.list(key, { limit: 1 }),
      () => store.count(key, { windowMs: 1000, by: 0 }),
      () => store.count(key, { windowMs: 1000, by: 1 }),
    ];
    await rawClient(server.url).replicaof('127.0.0.1', await freePort());

    for (const call of calls) await expect.poll(() => troubleOf(call())).toBe('read-only');
  });
});

it('commits nothing for a user who may not publish, instead of half of it', async () => {
  const server = await start('--user', 'ada', 'on', '>pw', '~dp*', 'resetchannels', '+@all');
  const [ada, other] = [await open(`redis://ada:pw@127.0.0.1:${server.port}`), await open(server.url)];
  const { heard } = await listen(other, 'topic');
  const message = { publish: 'topic', realm: 'acme', message: 'm' } as const;

  const trouble = await troubleOf(ada.commit([put, { cut: 'n', realm: 'acme', ttl: 60 }, message]));

  expect(trouble).toBe('no-permission');
  expect(await readOne(other, keyIn('acme'))).toBeUndefined();
  expect(heard()).toEqual([]);
});
