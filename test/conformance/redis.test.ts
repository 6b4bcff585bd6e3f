import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { inspect } from 'node:util';
import { Redis } from 'ioredis';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { randomId } from '../../src/base/random.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { openStore } from '../../src/storage/open.ts';
import type { Store } from '../../src/storage/port/port.ts';
import { freePort } from '../support/free-port.ts';
import { type RedisServer, sharedRedis, startRedis } from '../support/redis.ts';
import { commitOk, keyIn, listen, readOne } from './contract/support.ts';
import { storeContract } from './store.ts';

const cleanups: (() => unknown)[] = [];
const unavailable = expect.objectContaining({ code: 'unavailable' });

function openAt(url: string): Promise<Store> {
  return openStore(url, { clock: systemClock, logger: createLogger('silent') });
}

async function open(url: string): Promise<Store> {
  const store = await openAt(url);
  cleanups.push(() => store.close());
  return store;
}

async function start(...[options]: Parameters<typeof startRedis>): Promise<RedisServer> {
  const server = await startRedis(options);
  cleanups.push(() => server.stop());
  return server;
}

function rawClient(url: string): Redis {
  const redis = new Redis(url);
  cleanups.push(() => redis.disconnect());
  return redis;
}

/** A way to Redis whose present connections can be made to lose everything without being closed. */
async function startProxy(target: number): Promise<{ port: number; silence(): void }> {
  const pipes: [Socket, Socket][] = [];
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1');
    pipes.push([client, upstream]);
    client.pipe(upstream).pipe(client);
    for (const socket of [client, upstream]) socket.on('error', () => undefined);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => {
    server.close();
    for (const socket of pipes.flat()) socket.destroy();
  });
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    silence() {
      for (const [client, upstream] of pipes) {
        client.unpipe(upstream);
        upstream.unpipe(client);
      }
    },
  };
}

/** The code of what each operation rejects with. */
async function failures(store: Store): Promise<unknown[]> {
  const key = keyIn('acme');
  const results = await Promise.allSettled([
    store.read([key]),
    store.commit([{ put: key, value: '', ttl: 60 }]),
    store.list(key, { limit: 1 }),
    store.count(key, { windowMs: 1000, by: 1 }),
    store.ping(),
    store.warnings(),
  ]);
  return results.map((result) => (result.status === 'rejected' ? result.reason : 'resolved'));
}

const everyOneUnavailable = Array.from({ length: 6 }, () => unavailable);

storeContract('Redis', () => openAt(sharedRedis()));

describe('only Redis', () => {
  afterEach(async () => {
    for (const clean of cleanups.splice(0).reverse()) await clean();
  });

  it('kills by a cut also when its clock has stepped back', async () => {
    const store = await open(sharedRedis());
    const realm = randomId();
    const future = (Date.now() + 3_600_000) * 1000;
    await rawClient(sharedRedis()).set(`dps:{${realm}}`, future, 'EX', 60);
    const before = { put: keyIn(realm, 'before'), value: '', ttl: 60, under: ['n'] };
    const after = { ...before, put: keyIn(realm, 'after') };
    const stamp = await commitOk(store, before);

    await commitOk(store, { cut: 'n', realm, ttl: 60 });
    await commitOk(store, after);

    expect(stamp).toBe(future + 1);
    expect(await store.read([before.put, after.put])).toMatchObject([{ cut: true }, { cut: false }]);
  });

  it('is unavailable while Redis is down and serves again when it is back', async () => {
    const server = await start({ appendonly: true, args: ['--appendfsync', 'always'] });
    const store = await open(server.url);
    await commitOk(store, { put: keyIn('acme'), value: 'kept', ttl: 60 });

    await server.kill9();
    const whileDown = await failures(store);
    await server.restart();

    expect(whileDown).toEqual(everyOneUnavailable);
    await expect.poll(() => store.ping().then(() => 'back', String), { timeout: 60_000 }).toBe('back');
    expect(await readOne(store, keyIn('acme'))).toMatchObject({ value: 'kept' });
  });

  it('starts without Redis and serves when it comes', async () => {
    const port = await freePort();
    const store = await open(`redis://127.0.0.1:${port}`);

    const before = await failures(store);
    await start({ args: ['--port', `${port}`] });

    expect(before).toEqual(everyOneUnavailable);
    await expect.poll(() => store.ping().then(() => 'back', String), { timeout: 60_000 }).toBe('back');
    await commitOk(store, { put: keyIn('acme'), value: '', ttl: 60 });
  });

  it('is unavailable while Redis hangs, also for calls that come later, and serves again after', async () => {
    const server = await start();
    const store = await open(server.url);
    process.kill(server.pid, 'SIGSTOP');
    cleanups.push(() => server.pid && process.kill(server.pid, 'SIGCONT'));

    expect(await failures(store)).toEqual(everyOneUnavailable);
    expect(await failures(store)).toEqual(everyOneUnavailable);

    process.kill(server.pid, 'SIGCONT');
    await expect.poll(() => store.ping().then(() => 'back', String), { timeout: 60_000 }).toBe('back');
  });

  it('does not lose an acknowledged write or cut when Redis is killed', async () => {
    const server = await start({ appendonly: true, args: ['--appendfsync', 'always'] });
    const store = await open(server.url);
    const ids = Array.from({ length: 50 }, (_, i) => `${i}`);
    await Promise.all(
      ids.map((id) => commitOk(store, { put: keyIn('acme', id), value: id, ttl: 60, under: ['n'] })),
    );
    await commitOk(store, { cut: 'n', realm: 'acme', ttl: 60 });

    await server.kill9();
    await server.restart();

    await expect.poll(() => store.ping().then(() => 'back', String), { timeout: 60_000 }).toBe('back');
    expect(await store.read(ids.map((id) => keyIn('acme', id)))).toMatchObject(
      ids.map((value) => ({ value, cut: true })),
    );
  });

  it('tells of a gap after Redis was away, and hears again', async () => {
    const server = await start();
    const store = await open(server.url);
    const { heard, gaps } = await listen(store, 'topic');
    const gapsBefore = gaps.length;

    await server.kill9();
    await server.restart();

    await expect.poll(() => gaps.length, { timeout: 60_000 }).toBe(gapsBefore + 1);
    await expect.poll(() => store.ping().then(() => 'back', String), { timeout: 60_000 }).toBe('back');
    await commitOk(store, { publish: 'topic', realm: 'acme', message: 'm' });
    await expect.poll(heard).toEqual([{ realm: 'acme', message: 'm' }]);
  });

  it('tells of a gap when only the connection that listens broke', async () => {
    const server = await start();
    const store = await open(server.url);
    const { heard, gaps } = await listen(store, 'topic');
    const gapsBefore = gaps.length;

    await rawClient(server.url).call('CLIENT', 'KILL', 'TYPE', 'pubsub');

    await expect.poll(() => gaps.length, { timeout: 60_000 }).toBe(gapsBefore + 1);
    await commitOk(store, { publish: 'topic', realm: 'acme', message: 'm' });
    await expect.poll(heard).toEqual([{ realm: 'acme', message: 'm' }]);
  });

  it('leaves connections that have gone silent, and tells of the gap', async () => {
    const server = await start();
    const proxy = await startProxy(server.port);
    const store = await open(`redis://127.0.0.1:${proxy.port}`);
    const { heard, gaps } = await listen(store, 'topic');
    const gapsBefore = gaps.length;

    proxy.silence();
    await expect(store.ping()).rejects.toEqual(unavailable);

    await expect.poll(() => store.ping().then(() => 'back', String), { timeout: 60_000 }).toBe('back');
    await expect.poll(() => gaps.length, { timeout: 60_000 }).toBe(gapsBefore + 1);
    await commitOk(store, { publish: 'topic', realm: 'acme', message: 'm' });
    await expect.poll(heard).toEqual([{ realm: 'acme', message: 'm' }]);
  });

  it('doubts what was remembered from the first missed heartbeat, until the subscription is confirmed', async () => {
    const server = await start();
    const proxy = await startProxy(server.port);
    const store = await open(`redis://127.0.0.1:${proxy.port}`);
    const seen: string[] = [];
    store.subscribe('topic', {
      onMessage: () => undefined,
      onGap: () => void seen.push('gap'),
      onDoubt: () => void seen.push('doubt'),
    });
    await expect.poll(() => seen, { timeout: 60_000 }).toEqual(['gap']);

    proxy.silence();

    await expect.poll(() => seen, { timeout: 60_000 }).toEqual(['gap', 'doubt', 'gap']);
  });

  it('hears nothing of another database', async () => {
    const server = await start();
    const [one, other] = [await open(`${server.url}/1`), await open(`${server.url}/2`)];
    const { heard } = await listen(one, 'topic');

    await commitOk(other, { publish: 'topic', realm: 'acme', message: 'of another' });
    await commitOk(one, { publish: 'topic', realm: 'acme', message: 'mine' });

    await expect.poll(heard, { timeout: 60_000 }).toEqual([{ realm: 'acme', message: 'mine' }]);
  });

  it('waits for an answer however long this very process was held up', async () => {
    const store = await open((await start()).url);
    await store.ping();

    const asked = [store.ping(), commitOk(store, { put: keyIn('acme'), value: 'v', ttl: 60 })];
    const holdUp = new Promise<void>((resolve) => {
      setImmediate(() => {
        const until = Date.now() + 2500;
        while (Date.now() < until);
        resolve();
      });
    });

    await Promise.all([...asked, holdUp]);
    expect(await readOne(store, keyIn('acme'))).toMatchObject({ value: 'v' });
  });

  it('gives an expiry to every key but those of the registry', async () => {
    const server = await start();
    const store = await open(server.url);
    const under = ['n'];
    await commitOk(
      store,
      { put: keyIn('acme', 'spent'), value: '', ttl: 60, under },
      { put: keyIn('acme', 'registry'), value: '' },
      { index: keyIn('acme', 'expiring'), member: 'm', ttl: 60 },
      { index: keyIn('acme', 'registry'), member: 'm' },
      { index: keyIn('acme', 'mixed'), member: 'long', ttl: 60 },
      { index: keyIn('acme', 'mixed'), member: 'never' },
      { cut: 'n', realm: 'acme', ttl: 60 },
      { cut: '', realm: 'acme', ttl: 60 },
      { close: 'for a time', realm: 'acme', ttl: 60 },
      { close: 'opened', realm: 'acme' },
      { publish: 'topic', realm: 'acme', message: 'm' },
    );
    await commitOk(
      store,
      { put: keyIn('acme', 'spent'), value: '', ttl: 60, under },
      { unindex: keyIn('acme', 'mixed'), member: 'never' },
      { index: keyIn('acme', 'expiring'), member: 'never' },
      { open: 'opened', realm: 'acme', ttl: 60 },
    );
    await commitOk(store, { spend: keyIn('acme', 'spent') });
    await store.count(keyIn('acme'), { windowMs: 60_000, by: 1 });
    await store.count(keyIn('acme', 'read'), { windowMs: 60_000, by: 0 });

    const redis = rawClient(server.url);
    const keys = await redis.keys('*');
    const lives = await Promise.all(keys.map((key) => redis.ttl(key)));

    const eternal = keys.filter((_, i) => lives[i] === -1).sort();
    expect(eternal).toEqual([
      'dp:{acme}:thing:registry',
      'dpi:{acme}:thing:expiring',
      'dpi:{acme}:thing:registry',
    ]);
    const indexLife = lives[keys.indexOf('dpi:{acme}:thing:mixed')];
    expect(indexLife).toBeGreaterThan(0);
    expect(indexLife).toBeLessThanOrEqual(60);
    expect(keys).toHaveLength(11);
  });

  it('forgets an index with the member that stays longest, not the one that came last', async () => {
    const server = await start();
    const store = await open(server.url);
    const index = keyIn('acme');

    await commitOk(store, { index, member: 'long', ttl: 1000 }, { index, member: 'short', ttl: 10 });

    expect(await rawClient(server.url).ttl('dpi:{acme}:thing:x')).toBeGreaterThan(900);
  });

  it('keeps a usual document below 400 bytes', async () => {
    const store = await open(sharedRedis());
    const realm = randomId().slice(0, 8);
    const id = 'i'.repeat(60);
    const under = ['client:portal', `user:${randomId()}`, `session:${randomId()}`];

    await commitOk(store, { put: keyIn(realm, id, 'at'), value: 'v'.repeat(180), ttl: 60, under });

    const bytes = await rawClient(sharedRedis()).memory('USAGE', `dp:{${realm}}:at:${id}`);
    expect(bytes).toBeGreaterThan(240);
    expect(bytes).toBeLessThan(400);
  });

  it('goes on when Redis has forgotten the scripts', async () => {
    const server = await start();
    const store = await open(server.url);
    await commitOk(store, { put: keyIn('acme'), value: 'v', ttl: 60 });

    await rawClient(server.url).script('FLUSH');

    expect(await readOne(store, keyIn('acme'))).toMatchObject({ value: 'v' });
    await commitOk(store, { put: keyIn('acme'), value: 'w', ttl: 60 });
  });

  it('changes nothing when Redis is full, and tells nobody what it was to write', async () => {
    const server = await start();
    const store = await open(server.url);
    const redis = rawClient(server.url);
    await commitOk(store, { put: keyIn('acme'), value: 'v', ttl: 60 });
    await redis.config('SET', 'maxmemory', 1);

    const failure: unknown = await store
      .commit([{ remove: keyIn('acme') }, { put: keyIn('acme', 'y'), value: 's3cret', ttl: 60 }])
      .catch((error: unknown) => error);

    expect(failure).toEqual(unavailable);
    expect(inspect(failure, { depth: 10 })).not.toContain('s3cret');
    expect(await readOne(store, keyIn('acme'))).toMatchObject({ value: 'v' });
    await redis.config('SET', 'maxmemory', 0);
    await commitOk(store, { remove: keyIn('acme') });
  });

  it('is unavailable on a replica and on a primary without its replicas', async () => {
    const server = await start();
    const store = await open(server.url);
    const redis = rawClient(server.url);
    const put = () => store.commit([{ put: keyIn('acme'), value: '', ttl: 60 }]);

    await redis.replicaof('127.0.0.1', await freePort());
    await expect(put()).rejects.toEqual(unavailable);
    await redis.replicaof('NO', 'ONE');
    await expect.poll(() => store.ping().then(() => 'back', String), { timeout: 60_000 }).toBe('back');
    await redis.config('SET', 'min-replicas-to-write', 1);
    await expect(put()).rejects.toEqual(unavailable);

    await redis.config('SET', 'min-replicas-to-write', 0);
    expect(await put()).toMatchObject({ ok: true });
  });

  it('logs in with user, password and database number of the address', async () => {
    const server = await start({ args: ['--user', 'ada', 'on', '>s:p@ss/', '~dp*', '&dp*', '+@all'] });
    const store = await open(`redis://ada:${encodeURIComponent('s:p@ss/')}@127.0.0.1:${server.port}/3`);

    await commitOk(store, { put: keyIn('acme'), value: '', ttl: 60 });

    const redis = rawClient(server.url);
    await redis.select(3);
    expect(await redis.exists('dp:{acme}:thing:x')).toBe(1);
  });

  it.each([
    ['is not there', '99', []],
    ['is denied', '3', ['--user', 'default', 'on', 'nopass', '~*', '&*', '+@all', '-select']],
  ])('is unavailable when the database of the address %s, and writes to no other', async (_why, db, args) => {
    const server = await start({ args });

    const store = await open(`${server.url}/${db}`);
    const found = await failures(store);

    expect(found).toEqual(everyOneUnavailable);
    expect(await rawClient(server.url).dbsize()).toBe(0);
  });

  it('is unavailable with a wrong password, and tells it nobody', async () => {
    const server = await start({ args: ['--requirepass', 'right'] });
    const address = `redis://:wr0ng-p4ss@127.0.0.1:${server.port}`;

    const store = await open(address);
    const found = await failures(store);

    expect(found).toEqual(everyOneUnavailable);
    expect(inspect(found, { depth: 10 })).not.toContain('wr0ng-p4ss');
  });
});
