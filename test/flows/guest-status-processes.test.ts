/** Status lists of two processes on one Redis: no place is given twice, and a cut of one is read at both. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ServerProcess, startServerProcess } from '../support/process.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { call, grant, guestRealm, mintGuest } from './guest-support.ts';
import { fetchList, placeIn, statusOf } from './status-list-support.ts';

const publicUrl = 'http://127.0.0.1:3998';

describe('status lists of two processes', () => {
  let redis: RedisServer;
  let first: ServerProcess;
  let second: ServerProcess;
  const at = (server: ServerProcess) => ({ issuer: (realm: string) => `${server.url}/realms/${realm}` });
  const from = (server: ServerProcess) => ({ from: { url: server.url, publicUrl } });

  beforeAll(async () => {
    redis = await startRedis({ appendonly: true });
    const shared = { store: redis.url, publicUrl, realms: [guestRealm()] };
    first = await startServerProcess(shared);
    second = await startServerProcess(shared);
  });
  afterAll(async () => {
    await first?.stop();
    await second?.stop();
    await redis?.stop();
  });

  const mintMany = async (server: ServerProcess, count: number): Promise<readonly string[]> => {
    const tokens = Array.from({ length: 50 }, () => grant({ format: 'jwt_reference' }));
    const batches = await Promise.all(
      Array.from({ length: count / 50 }, () => call(at(server), 'POST', '/guest-tokens/batch', { tokens })),
    );
    return batches.flatMap(({ json }) => json.results.map((one: { token: string }) => one.token));
  };
  const placesOf = (tokens: readonly string[]) => tokens.map(placeIn).map(({ idx, uri }) => `${uri} ${idx}`);

  it('share no place, in 2,000 mints at once and after a crash', async () => {
    const minted = await Promise.all([mintMany(first, 1100), mintMany(second, 900)]);
    await second.kill9();
    await second.start();
    const places = placesOf([...minted.flat(), ...(await mintMany(second, 100))]);

    expect(places).toHaveLength(2100);
    expect(new Set(places).size).toBe(2100);
    const [ofOne = []] = minted;
    const inOrder = ofOne.slice(0, 50).map((token) => placeIn(token).idx);
    expect(inOrder).not.toEqual([...inOrder].sort((a, b) => a - b));
  });

  it('are read at either, whoever minted and whoever cut', async () => {
    const { token } = (await mintGuest(at(first), grant({ format: 'jwt', label: 'apart' }))).json;
    expect(await statusOf(token, from(second))).toBe(0);

    await call(at(second), 'POST', '/guest-tokens/revoke', { label: 'apart' });

    await comesTrue(async () => (await statusOf(token, from(first))) === 1);
    await comesTrue(async () => (await statusOf(token, from(second))) === 1);
  });

  it('are not answered from memory when Redis is gone', async () => {
    const { token } = (await mintGuest(at(first), grant({ format: 'jwt' }))).json;
    const { uri } = placeIn(token);
    await redis.kill9();

    await comesTrue(async () => (await fetchList(uri, from(first))).status === 503);
    const answer = await fetchList(uri, from(first));
    expect(answer.headers.get('retry-after')).toBe('1');
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(await answer.json()).toMatchObject({ code: 'temporarily_unavailable' });

    await redis.restart();
    await comesTrue(async () => (await statusOf(token, from(first)).catch(() => 2)) === 0);
  });
});

/** Asks until it is so; a test's own time limit ends it. */
async function comesTrue(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setImmediate(resolve));
}
