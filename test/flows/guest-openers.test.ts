/** One-use openers: looking spends nothing, redeeming happens once, and the token works only with the browser's key. */
import { describe, expect, it } from 'vitest';
import { Failure } from '../../src/base/errors.ts';
import { sha256 } from '../../src/base/hash.ts';
import { createGuests } from '../../src/guest/guests.ts';
import type { Store } from '../../src/storage/port/port.ts';
import { get } from '../support/http.ts';
import { engines } from '../support/raw-store.ts';
import { startTestServer } from '../support/server.ts';
import { useServerOn } from '../support/use-server.ts';
import {
  call,
  grant,
  guestRealm,
  introspect,
  mintGuest,
  type ProofKey,
  proof,
  proofKey,
  refreshGuest,
} from './guest-support.ts';

describe.each(engines)('openers, on the %s store', (_name, open) => {
  const { server } = useServerOn(open, { realms: [guestRealm()] });

  const create = async (overrides: Record<string, unknown> = {}) =>
    (await call(server, 'POST', '/guest-tokens/openers', grant(overrides))).json;
  const redeem = async (url: string, key: ProofKey, claims: object = {}) => {
    const response = await fetch(url, {
      method: 'POST',
      headers: { DPoP: await proof(key, { htm: 'POST', htu: url, ...claims }) },
    });
    return { status: response.status, json: await response.json() };
  };

  it('are told with their address and end', async () => {
    const answer = await call(server, 'POST', '/guest-tokens/openers', grant({ opener: { ttl: 90 } }));

    expect(answer).toMatchObject({
      status: 201,
      json: {
        opener: expect.stringMatching(/^dpo_/),
        url: `${server.issuer('acme')}/embed/${answer.json.opener}`,
        expires_in: 90,
      },
    });
  });

  it.each<[string, Record<string, unknown>, string]>([
    ['29 seconds', { opener: { ttl: 29 } }, '/opener/ttl'],
    ['301 seconds', { opener: { ttl: 301 } }, '/opener/ttl'],
    ['an unknown option', { opener: { uses: 2 } }, '/opener/uses'],
    ['a grant that is refused', { resources: [] }, '/resources'],
    [
      'a resource above the ceiling',
      { resources: [{ type: 'dataset', id: 'd', actions: ['view'], rows: 'all' }] },
      '/resources/0/type',
    ],
  ])('are not made for %s', async (_what, overrides, pointer) => {
    expect((await create(overrides)).errors).toMatchObject([{ pointer }]);
  });

  it('are redeemed once, whoever comes at the same moment', async () => {
    const { url } = await create();
    const keys = await Promise.all(Array.from({ length: 20 }, proofKey));

    const answers = await Promise.all(keys.map((key) => redeem(url, key)));

    const opened = answers.filter(({ status }) => status === 201);
    expect(opened).toHaveLength(1);
    expect(opened[0]?.json).toMatchObject({ token_type: 'DPoP', token: expect.stringMatching(/^dpg_/) });
    for (const { status, json } of answers.filter((answer) => answer.status !== 201)) {
      expect([status, json.code, json.errors]).toMatchObject([404, 'not_found', [{ code: 'spent' }]]);
    }
    expect((await introspect(server, opened[0]?.json.token)).json).toMatchObject({ active: true, cnf: {} });
  });

  it('bind the token to the key of who redeemed, who refreshes it with that key', async () => {
    const { url } = await create({ lifetime: { ttl: 60, refresh: { allowed: true } } });
    const [key, thief] = [await proofKey(), await proofKey()];
    const { json } = await redeem(url, key);
    const seen = { htm: 'GET', htu: 'https://bi.acme.test/data' };
    const ask = async (by: ProofKey) =>
      (
        await introspect(server, json.token, {
          dpop: await proof(by, { ...seen, ath: sha256(json.token) }),
          ...seen,
        })
      ).json;
    const htu = server.endpoint('acme', 'token');
    const renew = async (by: ProofKey) =>
      refreshGuest(server, json.refresh_token, { headers: { DPoP: await proof(by, { htm: 'POST', htu }) } });

    expect((await ask(key)).active).toBe(true);
    expect(await ask(thief)).toEqual({ active: false, guest_reason: 'key_mismatch' });
    expect((await renew(thief)).json.error).toBe('invalid_grant');
    expect((await renew(key)).json.token_type).toBe('DPoP');
  });

  it('are not spent by looking, nor by a proof that does not hold', async () => {
    const { url } = await create();
    const key = await proofKey();
    const looks = [
      await get(url),
      await get(url),
      await call(server, 'HEAD', new URL(url).pathname.replace('/realms/acme', '')),
    ];

    const without = await fetch(url, { method: 'POST' });
    const elsewhere = await redeem(url, key, { htu: 'https://evil.test/' });
    const anotherMethod = await redeem(url, key, { htm: 'GET' });

    expect(looks.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect([without.status, elsewhere.status, anotherMethod.status]).toEqual([400, 400, 400]);
    expect((await redeem(url, key)).status).toBe(201);
  });

  it('do not take a proof twice', async () => {
    const { url } = await create();
    const key = await proofKey();
    await redeem(url, key, { jti: 'the-same-proof' });
    const second = await create();

    const replayed = await redeem(second.url, key, { jti: 'the-same-proof' });

    expect(replayed.status).toBe(400);
  });

  it.each<[string, object]>([
    ['tenant', { tenant: 'blue' }],
    ['resource', { resource: 'dash-1' }],
    ['client', { client: 'portal' }],
  ])('die with their %s', async (_what, selector) => {
    const { url } = await create();

    await call(server, 'POST', '/guest-tokens/revoke', selector);

    expect((await redeem(url, await proofKey())).status).toBe(404);
    expect((await get(url)).status).toBe(404);
  });

  it('die when their client may mint less', async () => {
    const { url } = await create();
    const change = (actions: string[]) =>
      server.services.registry.updateClient('acme', 'portal', (client) => ({
        ...client,
        mints: { ...client.mints, actions },
      }));
    await change(['view']);

    expect((await redeem(url, await proofKey())).status).toBe(404);
    await change(['view', 'filter']);
  });

  it('show a page that only the origins of the token may frame', async () => {
    const bound = await get((await create({ binding: { origins: ['https://app.acme.com'] } })).url);
    const free = await get((await create()).url);
    const unknown = await get(`${server.issuer('acme')}/embed/dpo_nobody`);

    expect(bound.headers.get('content-security-policy')).toContain('frame-ancestors https://app.acme.com;');
    expect(free.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    for (const page of [bound, free]) {
      expect(page.headers.get('referrer-policy')).toBe('no-referrer');
      expect(page.headers.get('cache-control')).toBe('no-store');
      expect(page.headers.get('content-security-policy')).not.toContain('unsafe');
    }
    expect(unknown.status).toBe(404);
  });

  it('tell the origins of the token what became of them, in a page that these may frame', async () => {
    const binding = { origins: ['https://app.acme.com'] };
    const [spent, revoked] = [await create({ binding }), await create({ binding, label: 'gone' })];
    await redeem(spent.url, await proofKey());
    await call(server, 'POST', '/guest-tokens/revoke', { label: 'gone' });

    for (const [{ url }, state] of [
      [spent, 'spent'],
      [revoked, 'expired'],
    ]) {
      const page = await get(url);
      expect(page.status).toBe(404);
      expect(page.text).toContain(`"state":"${state}"`);
      expect(page.headers.get('content-security-policy')).toContain('frame-ancestors https://app.acme.com;');
      expect(page.headers.has('x-frame-options')).toBe(false);
    }
  });

  it.each([
    ['de-AT, en;q=0.5', 'de', 'Wird geöffnet'],
    ['fr, en', 'en', 'Opening'],
    ['', 'en', 'Opening'],
  ])('are shown to who reads %j in %s', async (accepted, locale, text) => {
    const page = await get((await create()).url, { 'accept-language': accepted });

    expect(page.text).toContain(`<html lang="${locale}">`);
    expect(page.text).toContain(text);
  });

  it('are no tokens', async () => {
    const { opener } = await create();

    expect((await introspect(server, opener)).json).toEqual({ active: false });
    expect(
      (await mintGuest(server, grant(), { headers: { authorization: `Bearer ${opener}` } })).status,
    ).toBe(401);
  });
});

it('shows a page that tries again while the store is away', async () => {
  let isAway = false;
  const server = await startTestServer({
    realms: [guestRealm()],
    adapt: (services) => {
      const gone = () => Promise.reject(new Failure('unavailable', 'gone'));
      const store: Store = {
        ...services.store,
        read: (keys) => (isAway ? gone() : services.store.read(keys)),
      };
      return { ...services, store, guests: createGuests({ ...services, store }) };
    },
  });
  const { json } = await call(server, 'POST', '/guest-tokens/openers', grant());

  isAway = true;
  const away = await get(json.url, { 'accept-language': 'de' });
  isAway = false;
  const back = await get(json.url);
  await server.stop();

  expect([away.status, away.headers.get('retry-after')]).toEqual([503, '1']);
  expect(away.headers.get('content-type')).toContain('text/html');
  expect(away.text).toContain('Keine Verbindung');
  expect(back.status).toBe(200);
});
