/** A Redis that answers, but slowly: the calls of one request share one patience, and a slow handshake is waited for. */
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { openStore } from '../../src/storage/open.ts';
import { withSharedPatience } from '../../src/storage/port/request-patience.ts';
import { postForm } from '../support/http.ts';
import { acme, george } from '../support/realms.ts';
import { startRedis } from '../support/redis.ts';
import { startTestServer } from '../support/server.ts';
import { startSlowRedis } from '../support/slow-redis.ts';
import { keyIn } from './contract/support.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

async function start() {
  const redis = await startRedis();
  cleanups.push(() => redis.stop());
  const slow = await startSlowRedis(redis.port);
  cleanups.push(() => slow.stop());
  return slow;
}

async function open(url: string) {
  const store = await openStore(url, { clock: systemClock, logger: createLogger('silent') });
  cleanups.push(() => store.close());
  return store;
}

/** Below the patience of one call; six of them are above that of a request. */
const SLOW_MS = 700;

describe('a slow Redis', () => {
  it('is waited for once by all calls of a request, not once by each', async () => {
    const slow = await start();
    const store = await open(slow.url);
    slow.answerAfter(SLOW_MS);
    const read = () => store.read([keyIn('acme')]);
    let answered = 0;
    const inARow = async () => {
      for (let call = 0; call < 6; call += 1) {
        await read();
        answered += 1;
      }
    };

    await expect(withSharedPatience(inARow)).rejects.toMatchObject({
      code: 'unavailable',
      trouble: 'silent',
    });
    expect(answered).toBeLessThan(4);
    // The next request has patience of its own, and the connection is still there.
    await expect(withSharedPatience(read)).resolves.toHaveLength(1);
    // What belongs to no request has as much for each call.
    answered = 0;
    await inARow();
    expect(answered).toBe(6);
  });

  it('counts calls that wait at the same time once', async () => {
    const slow = await start();
    const store = await open(slow.url);
    slow.answerAfter(SLOW_MS);

    const calls = withSharedPatience(() =>
      Promise.all(Array.from({ length: 6 }, (_, i) => store.read([keyIn('acme', `${i}`)]))),
    );

    await expect(calls).resolves.toHaveLength(6);
  });

  it('is told to callers as 503, where a request asks it often', async () => {
    const slow = await start();
    const server = await startTestServer({
      store: slow.url,
      realms: [acme()],
      env: { DAYPASS_LOG: 'fatal' },
    });
    cleanups.push(() => server.stop());
    const login = () => postForm(server.endpoint('acme', 'token'), george);
    expect((await login()).status).toBe(200);

    slow.answerAfter(SLOW_MS);
    const answer = await login();
    slow.answerAfter(0);

    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
    await expect.poll(async () => (await login()).status, { timeout: 10_000 }).toBe(200);
  });

  it('is reached again although its handshake takes longer than a call may', async () => {
    const slow = await start();
    const store = await open(slow.url);
    await store.ping();

    slow.greetAfter(2500);
    slow.cut();

    const outcome = () =>
      store.ping().then(
        () => 'back',
        () => 'away',
      );
    await expect.poll(outcome, { timeout: 60_000 }).toBe('away');
    await expect.poll(outcome, { timeout: 60_000 }).toBe('back');
  }, 120_000);
});
