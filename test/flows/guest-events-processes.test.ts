/** `/events` of two processes on one Redis: what one of them cuts is heard at both, and silence is never pretended. */
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from '../support/command.ts';
import { basic, get } from '../support/http.ts';
import { masterKey } from '../support/operator.ts';
import { type ServerProcess, startServerProcess } from '../support/process.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { type Listening, listen } from './event-support.ts';
import { call, grant, guestRealm, introspect, keeper, mintGuest } from './guest-support.ts';
import { statusOf } from './status-list-support.ts';

const publicUrl = 'http://127.0.0.1:3997';
const gateway = ['gateway', 'gateway-secret'] as const;

describe('events of two processes', () => {
  let redis: RedisServer;
  let first: ServerProcess;
  let second: ServerProcess;
  const at = (server: ServerProcess) => ({
    issuer: (realm: string) => `${server.url}/realms/${realm}`,
    endpoint: server.endpoint,
  });
  const hear = (server: ServerProcess) => listen(at(server).issuer('acme'));

  beforeAll(async () => {
    redis = await startRedis({ appendonly: true });
    const shared = { store: redis.url, publicUrl, realms: [guestRealm()] };
    first = await startServerProcess(shared);
    second = await startServerProcess({ ...shared, clockAheadMs: 3 });
  });
  afterAll(async () => {
    await first?.stop();
    await second?.stop();
    await redis?.stop();
  });

  const mintAt = async (server: ServerProcess) => {
    const { id, token } = (await mintGuest(at(server), grant({ format: 'jwt', label: 'mine' }))).json;
    const { json } = await introspect(at(server), token, { cut_keys: 'true' });
    return { id, token, keys: json.cut_keys as string[] };
  };
  const cutOf = ({ until }: Listening, keys: readonly string[]) =>
    until(({ event, data }) => event === 'cut' && data.keys?.some((key) => keys.includes(key)) === true);
  const flushes = ({ heard }: Listening) => heard.filter(({ event }) => event === 'flush').length;

  it('tell at each what was cut at the other, and the same keys for it', async () => {
    const streams = [await hear(first), await hear(second)];
    const [one, two] = [await mintAt(first), await mintAt(second)];
    const again = await introspect(at(second), one.token, { cut_keys: 'true' });
    expect(again.json.cut_keys).toEqual(one.keys);

    await call(at(second), 'DELETE', `/guest-tokens/${one.id}`);
    for (const stream of streams) {
      await cutOf(stream, one.keys);
      await stream.until(({ data }) => data.tokens?.includes(one.id) === true);
      expect(stream.heard.filter(({ data }) => data.tokens?.includes(two.id))).toEqual([]);
    }
    await call(at(first), 'POST', '/guest-tokens/revoke', { label: 'mine' }, { auth: keeper });
    for (const stream of streams) {
      await cutOf(stream, two.keys);
      stream.stop();
    }
  });

  it('tell of a cut of the whole realm, which status lists say too', async () => {
    const stream = await hear(second);
    const { token } = await mintAt(first);
    const before = flushes(stream);

    const env = {
      DAYPASS_STORE: redis.url,
      DAYPASS_URL: publicUrl,
      DAYPASS_KEY: masterKey.toString('base64'),
    };
    const { code, stderr } = await runCommand(['token', 'revoke-all', '--realm', 'acme'], { env });
    expect([code, stderr]).toEqual([0, '']);

    await stream.until(() => flushes(stream) > before);
    const from = { from: { url: second.url, publicUrl } };
    await comesTrue(async () => (await statusOf(token, from)) === 1);
    stream.stop();
  });

  it('forget everything when messages may have been missed', async () => {
    const streams = [await hear(first), await hear(second)];
    const before = streams.map(flushes);
    const raw = new Redis(redis.url);

    await raw.call('CLIENT', 'KILL', 'TYPE', 'pubsub');

    for (const [index, stream] of streams.entries()) {
      await stream.until(() => flushes(stream) > (before[index] ?? 0));
      stream.stop();
    }
    raw.disconnect();
  });

  it('end when Redis is gone, are refused until it is back, and begin anew', async () => {
    const streams = [await hear(first), await hear(second)];
    const { id, keys } = await mintAt(first);
    await redis.kill9();

    for (const { ended } of streams) expect(await ended).toBe('ended');
    const refused = await get(`${at(first).issuer('acme')}/events`, { authorization: basic(gateway) });
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1']);

    await redis.restart();
    let again: Listening | undefined;
    while (again === undefined) again = await hear(second).catch(() => undefined);
    await comesTrue(async () => (await call(at(first), 'DELETE', `/guest-tokens/${id}`)).status === 204);
    await cutOf(again, keys);
    again.stop();
  });

  it('end when Redis does not answer any more, without saying so', async () => {
    const stream = await hear(first);

    process.kill(redis.pid, 'SIGSTOP');

    expect(await stream.ended).toBe('ended');
    process.kill(redis.pid, 'SIGCONT');
    await comesTrue(() =>
      hear(first).then(
        (one) => one.stop() === undefined,
        () => false,
      ),
    );
  });
});

/** Asks until it is so; a test's own time limit ends it. */
async function comesTrue(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setImmediate(resolve));
}
