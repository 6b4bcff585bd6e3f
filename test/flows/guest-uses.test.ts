/** Uses of guest tokens are counted exactly; hosts that a token is bound to are looked up. */
import { describe, expect, it } from 'vitest';
import { sha256 } from '../../src/base/hash.ts';
import { createGuests } from '../../src/guest/guests.ts';
import { postForm } from '../support/http.ts';
import { engines } from '../support/raw-store.ts';
import { startTestServer } from '../support/server.ts';
import { useServerOn } from '../support/use-server.ts';
import { call, detail, exchange, grant, guestRealm, introspect, mintGuest, portal } from './guest-support.ts';

describe.each(engines)('uses, on the %s store', (_name, open) => {
  const { server } = useServerOn(open, { realms: [guestRealm()] });

  it('are counted exactly, whoever asks at the same moment', async () => {
    const { token } = (await mintGuest(server, grant({ lifetime: { ttl: 600, max_uses: 7 } }))).json;

    const answers = await Promise.all(Array.from({ length: 100 }, () => introspect(server, token)));

    const active = answers.filter(({ json }) => json.active);
    expect(active).toHaveLength(7);
    expect(answers.find(({ json }) => !json.active)?.json).toEqual({
      active: false,
      guest_reason: 'max_uses',
    });
  });

  it('are not a dry run, nor a look of who minted the token', async () => {
    const { token } = (await mintGuest(server, grant({ lifetime: { ttl: 600, one_time: true } }))).json;

    for (let look = 0; look < 3; look += 1) {
      expect((await introspect(server, token, { dry_run: 'true' })).json.active).toBe(true);
      expect((await introspect(server, token, {}, portal)).json.active).toBe(true);
    }
    expect((await introspect(server, token)).json.active).toBe(true);
    expect((await introspect(server, token, { dry_run: 'true' })).json.guest_reason).toBe('max_uses');
    expect((await introspect(server, token, {}, portal)).json).toEqual({ active: false });
  });

  it('are not what was refused for its origin', async () => {
    const binding = { origins: ['https://app.acme.com'] };
    const { token } = (await mintGuest(server, grant({ binding, lifetime: { ttl: 600, one_time: true } })))
      .json;

    expect((await introspect(server, token, { origin: 'https://evil.test' })).json.guest_reason).toBe(
      'origin_mismatch',
    );
    expect((await introspect(server, token, { origin: 'https://app.acme.com' })).json.active).toBe(true);
  });

  it('are told in the token itself: how many are left, and when the trail noted one last', async () => {
    const { id, token } = (await mintGuest(server, grant({ lifetime: { ttl: 600, max_uses: 3 } }))).json;
    const free = (await mintGuest(server)).json.id;
    const inList = async (wanted: string) =>
      (await call(server, 'GET', '/guest-tokens?limit=100')).json.guest_tokens.find(
        (one: { id: string }) => one.id === wanted,
      );
    const shown = async (wanted = id) => {
      const alone = (await call(server, 'GET', `/guest-tokens/${wanted}`)).json;
      expect(await inList(wanted)).toEqual(alone);
      return alone;
    };

    expect(await shown()).toMatchObject({ uses_left: 3, use_count: 0, last_used_at: null });
    await introspect(server, token);
    await server.services.guests.settled();

    const used = { uses_left: 2, use_count: 1, last_used_at: expect.stringMatching(/^20/) };
    expect(await shown()).toMatchObject(used);
    expect(await shown(free)).toMatchObject({ uses_left: null, use_count: null, last_used_at: null });
    const child = await exchange(server, { subject: token, details: [detail()] });
    const { jti } = (await introspect(server, child.json.access_token)).json;
    expect(await shown(jti)).toMatchObject({ uses_left: 1, use_count: 1 });
    expect(await shown()).toMatchObject({ uses_left: 1, use_count: 2 });
  });

  it('of a child that has none left are none of its parent', async () => {
    const parent = (await mintGuest(server, grant({ lifetime: { ttl: 600, max_uses: 5 } }))).json.token;
    const child = (
      await exchange(server, {
        subject: parent,
        details: [detail(), { type: 'embed_session', lifetime: { ttl: 60, one_time: true } }],
      })
    ).json.access_token;
    const ask = async (token: string) => (await introspect(server, token)).json.active;

    const byChild = await Promise.all(Array.from({ length: 10 }, () => ask(child)));
    const byParent = await Promise.all(Array.from({ length: 10 }, () => ask(parent)));

    expect(byChild.filter(Boolean)).toHaveLength(1);
    expect(byParent.filter(Boolean)).toHaveLength(4);
  });

  it('that are refused do not keep a token awake, and a token asleep has none', async () => {
    const lifetime = { ttl: 600, idle: 60, max_uses: 1 };
    const { token } = (await mintGuest(server, grant({ lifetime }))).json;
    const idle = { realm: 'acme', kind: 'guest-idle', id: sha256(token) };
    const renewed = async () => (await server.services.store.read([idle]))[0]?.stamp;

    await introspect(server, token);
    const after = await renewed();
    await introspect(server, token);

    expect(after).toBeDefined();
    expect(await renewed()).toBe(after);
  });

  it('go on counting through refreshes', async () => {
    const lifetime = { ttl: 600, max_uses: 2, refresh: { allowed: true } };
    const { token, refresh_token } = (await mintGuest(server, grant({ lifetime }))).json;
    await introspect(server, token);
    const refreshed = await postForm(
      server.endpoint('acme', 'token'),
      { grant_type: 'refresh_token', refresh_token },
      { auth: portal },
    );

    expect((await introspect(server, refreshed.json.access_token)).json.active).toBe(true);
    expect((await introspect(server, refreshed.json.access_token)).json.guest_reason).toBe('max_uses');
  });
});

it('looks up the hosts that a token is bound to, and lets nobody in while it finds none', async () => {
  const addresses = new Map([['office.acme.test', ['203.0.113.5']]]);
  const server = await startTestServer({
    realms: [guestRealm()],
    adapt: (services) => ({
      ...services,
      guests: createGuests({ ...services, resolveHost: async (host) => addresses.get(host) ?? [] }),
    }),
  });
  const { token } = (
    await mintGuest(server, grant({ binding: { ip: ['office.acme.test', '198.51.100.0/24'] } }))
  ).json;
  const reason = async (ip: string) => (await introspect(server, token, { ip })).json.guest_reason;

  expect(await reason('203.0.113.5')).toBeUndefined();
  expect(await reason('198.51.100.7')).toBeUndefined();
  expect(await reason('203.0.113.6')).toBe('ip_mismatch');
  addresses.clear();
  expect(await reason('203.0.113.5')).toBe('ip_mismatch');
  await server.stop();
});
