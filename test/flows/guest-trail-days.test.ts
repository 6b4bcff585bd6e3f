/** For how long a realm keeps the trails of its guest tokens, and how much room they take. */
import { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { openRedis } from '../support/raw-store.ts';
import { checkTrail } from '../support/trail.ts';
import { useServerOn } from '../support/use-server.ts';
import { call, grant, guestRealm, introspect, mintGuest } from './guest-support.ts';

const DAY_MS = 86_400_000;
const refreshing = { lifetime: { ttl: 600, refresh: { allowed: true, absolute: 5 * 86_400 } } };

/** Milliseconds that what matches is kept. */
async function lives(url: string, pattern: string): Promise<readonly number[]> {
  const redis = new Redis(url);
  try {
    const keys = await redis.keys(pattern);
    return await Promise.all(keys.sort().map((key) => redis.pttl(key)));
  } finally {
    redis.disconnect();
  }
}

const between = (low: number, high: number) =>
  expect.toSatisfy((value: number) => value > low && value <= high, `between ${low} and ${high}`);

describe('a realm without the setting', () => {
  const { engine, server } = useServerOn(openRedis, { realms: [guestRealm()] });

  it('keeps 90 days of a trail', async () => {
    const { id } = (await mintGuest(server)).json;

    expect(await lives(engine.url, `dp:*guest-trail:${id}`)).toEqual([between(89 * DAY_MS, 90 * DAY_MS)]);
  });

  it('takes at most 340 bytes of Redis for the trail of a guest that was only minted', async () => {
    const { id } = (await mintGuest(server)).json;
    const redis = new Redis(engine.url);
    const [key = ''] = await redis.keys(`dp:*guest-trail:${id}`);

    const bytes = await redis.memory('USAGE', key);
    redis.disconnect();

    expect(bytes).toBeLessThanOrEqual(340);
  });
});

describe('a realm that keeps trails for two days', () => {
  const { engine, server } = useServerOn(openRedis, { realms: [guestRealm({ guests: { trailDays: 2 } })] });

  it('keeps each event for two days, and the last one as long as the token can live', async () => {
    const short = (await mintGuest(server)).json;
    const long = (await mintGuest(server, grant(refreshing))).json;
    await introspect(server, long.token);
    const trail = (await call(server, 'GET', `/guest-tokens/${long.id}/events`)).json;

    expect(await lives(engine.url, `dp:*guest-trail:${short.id}`)).toEqual([between(DAY_MS, 2 * DAY_MS)]);
    expect(await lives(engine.url, `dp:*guest-trail:${long.id}`)).toEqual([between(4 * DAY_MS, 6 * DAY_MS)]);
    expect(await lives(engine.url, `dp:*guest-event:${long.id}*`)).toEqual([
      between(2 * DAY_MS - 60_000, 2 * DAY_MS + 3_600_000),
    ]);
    expect(checkTrail(long.id, trail)).toBe('whole');
  });
});

describe('a realm that keeps no trails', () => {
  const lines: string[] = [];
  const { engine, server } = useServerOn(openRedis, {
    realms: [guestRealm({ guests: { trailDays: 0 } })],
    log: lines,
    env: { DAYPASS_LOG: 'info' },
  });

  it('writes none, whatever happens to a token, and logs the events all the same', async () => {
    const { id, token } = (await mintGuest(server, grant(refreshing))).json;
    await call(server, 'PATCH', `/guest-tokens/${id}`, { lifetime: { ttl: 60 } });
    await introspect(server, token);
    await server.services.guests.settled();
    await call(server, 'DELETE', `/guest-tokens/${id}`);

    const trail = (await call(server, 'GET', `/guest-tokens/${id}/events`)).json;

    expect(await engine.records('acme', 'guest-trail')).toEqual([]);
    expect(await engine.records('acme', 'guest-event')).toEqual([]);
    expect(trail).toEqual({
      events: [{ event: 'guest.revoked', at: null, token: id, derived: true }],
      head: null,
    });
    const logged = lines.map((line) => JSON.parse(line)).filter(({ guest }) => guest === id);
    expect(logged.map(({ event }) => event)).toEqual([
      'guest.minted',
      'guest.narrowed',
      'guest.used',
      'guest.revoked',
    ]);
  });
});
