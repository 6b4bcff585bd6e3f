/** Two processes on one Redis: a cut of one is a cut of both, and nothing is given out when Redis is gone. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ServerProcess, startServerProcess } from '../support/process.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { checkTrail, type Trail } from '../support/trail.ts';
import {
  call,
  exchange,
  grant,
  guestRealm,
  introspect,
  mintGuest,
  narrowAtLast,
  ownToken,
  refreshGuest,
} from './guest-support.ts';

describe('guests of two processes', () => {
  let redis: RedisServer;
  let first: ServerProcess;
  let second: ServerProcess;
  const at = (server: ServerProcess) => ({
    issuer: (realm: string) => `${server.url}/realms/${realm}`,
    endpoint: server.endpoint,
  });

  beforeAll(async () => {
    redis = await startRedis({ appendonly: true });
    const publicUrl = 'http://127.0.0.1:3999';
    const shared = { store: redis.url, publicUrl, realms: [guestRealm()] };
    first = await startServerProcess(shared);
    second = await startServerProcess({ ...shared, clockAheadMs: 3 });
  });
  afterAll(async () => {
    await first?.stop();
    await second?.stop();
    await redis?.stop();
  });

  const mintMany = async (
    server: ServerProcess,
    tenant: string,
    count: number,
  ): Promise<readonly string[]> => {
    const tokens = Array.from({ length: 50 }, (_, index) => grant({ subject: { tenant, id: `u_${index}` } }));
    const batches = await Promise.all(
      Array.from({ length: count / 50 }, () => call(at(server), 'POST', '/guest-tokens/batch', { tokens })),
    );
    return batches.flatMap(({ json }) => json.results.map((one: { token: string }) => one.token));
  };
  const countActive = async (server: ServerProcess, tokens: readonly string[]) => {
    const answers = await Promise.all(tokens.map((token) => introspect(at(server), token)));
    return answers.filter(({ json }) => json.active).length;
  };

  it('die by one call, a thousand of one tenant on both, and nobody else', async () => {
    const [blue, green] = [
      [...(await mintMany(first, 'blue', 500)), ...(await mintMany(second, 'blue', 500))],
      await mintMany(second, 'green', 50),
    ];
    expect([await countActive(first, blue), await countActive(second, blue)]).toEqual([1000, 1000]);

    const answer = await call(at(first), 'POST', '/guest-tokens/revoke', { tenant: 'blue' });

    expect(answer.status).toBe(200);
    expect([await countActive(second, blue), await countActive(first, blue)]).toEqual([0, 0]);
    expect(await countActive(first, green)).toBe(50);
    const [afterwards = ''] = await mintMany(second, 'blue', 50);
    expect(await countActive(first, [afterwards])).toBe(1);
  });

  it('are minted once for a key, whichever process is asked', async () => {
    const headers = { 'idempotency-key': 'across' };

    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        mintGuest(at(index % 2 === 0 ? first : second), grant(), { headers }),
      ),
    );

    expect(new Set(answers.map(({ json }) => json.token)).size).toBe(1);
  });

  it('are never more at once than their session may have', async () => {
    const body = grant({ session: { key: 'sid-1', max_concurrent: 5 } });

    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, index) => mintGuest(at(index % 2 === 0 ? first : second), body)),
    );

    expect(answers.filter(({ status }) => status === 201)).toHaveLength(5);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(35);
  });

  it('have one trail, in which everything is once, whoever wrote it down', async () => {
    const { id, token } = (await mintGuest(at(first))).json;
    const change = { lifetime: { max_uses: 1000 } };
    const trailAt = async (server: ServerProcess): Promise<Trail> =>
      (await call(at(server), 'GET', `/guest-tokens/${id}/events`)).json;

    const narrowed = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        narrowAtLast(at(index % 2 === 0 ? first : second), id, change),
      ),
    );
    for (const server of [first, second, first, second]) {
      await introspect(at(server), token);
      await trailAt(server);
    }
    await Promise.all([first, second].map((server) => call(at(server), 'DELETE', `/guest-tokens/${id}`)));

    expect(narrowed.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 200));
    const trail = await trailAt(first);
    expect(checkTrail(id, trail)).toBe('whole');
    expect(trail.events.map(({ event }) => event)).toEqual([
      'guest.minted',
      ...Array.from({ length: 20 }, () => 'guest.narrowed'),
      'guest.used',
      'guest.revoked',
    ]);
    // The log is written a little after the answer.
    const anchors = () => [first, second].flatMap((server) => anchorsIn(server.output(), id));
    await expect
      .poll(() => anchors().sort((a, b) => a.seq - b.seq), { timeout: 60_000 })
      .toEqual(trail.events.map(({ seq, hash }) => ({ seq, hash })));
  });

  it('are neither made nor believed while Redis is gone', async () => {
    const own = await ownToken(at(first));
    const body = grant({ lifetime: { ttl: 600, refresh: { allowed: true } } });
    const { token, refresh_token } = (await mintGuest(at(first), body)).json;
    const opener = (await call(at(first), 'POST', '/guest-tokens/openers', grant())).json.opener;
    await redis.kill9();

    const [minted, exchanged, seen, refreshed, listed, cut, embed] = await Promise.all([
      mintGuest(at(first)),
      exchange(at(first), { subject: own }),
      introspect(at(second), token),
      refreshGuest(at(first), refresh_token),
      call(at(first), 'GET', '/guest-tokens?tenant=blue'),
      call(at(first), 'POST', '/guest-tokens/revoke', { tenant: 'blue' }),
      call(at(first), 'GET', `/embed/${opener}`),
    ]);

    for (const answer of [minted, exchanged, refreshed, seen, listed, cut, embed]) {
      expect(answer.status).toBe(503);
      expect(answer.headers.has('retry-after')).toBe(true);
      expect(answer.json.active).not.toBe(true);
      expect(answer.text).not.toMatch(/dpg_|dpgr_/);
    }
    expect(minted.json).toMatchObject({ code: 'temporarily_unavailable', status: 503 });
    await redis.restart();
    await comesBack(async () => (await introspect(at(second), token)).json.active === true);
  });
});

/** What the log says of a token's trail. */
function anchorsIn(output: string, id: string): readonly { readonly seq: number; readonly hash: string }[] {
  const lines = output.split('\n').filter((line) => line.includes('"guest trail"') && line.includes(id));
  return lines.map((line) => JSON.parse(line)).map(({ seq, hash }) => ({ seq, hash }));
}

/** Asks until it is so; a test's own time limit ends it. */
async function comesBack(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo().catch(() => false))) await new Promise((resolve) => setImmediate(resolve));
}
