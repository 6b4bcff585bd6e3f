/** Token status lists: who verifies a guest's JWT by itself reads of everything that ends it before its time. */
import { generateKeyPairSync } from 'node:crypto';
import { compactDecrypt, createLocalJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createGuests } from '../../src/guest/guests.ts';
import type { Services } from '../../src/services.ts';
import type { Store } from '../../src/storage/port/port.ts';
import { get, postForm } from '../support/http.ts';
import { openEmbedded, openRedis } from '../support/raw-store.ts';
import { acme, george } from '../support/realms.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import {
  ACCESS_TOKEN,
  call,
  detail,
  exchange,
  grant,
  guestRealm,
  introspect,
  JWT,
  keeper,
  mintGuest,
  mints,
  movableClock,
  nextMillisecond,
  ownRows,
  ownToken,
  refreshGuest,
  session,
} from './guest-support.ts';
import { fetchList, placeIn, statusOf } from './status-list-support.ts';

/** Counts how often the store is asked. */
function counting(store: Store) {
  const counts = { read: 0, commit: 0, list: 0, count: 0 };
  const counted: Store = {
    ...store,
    read: (keys) => {
      counts.read += 1;
      return store.read(keys);
    },
    commit: (writes) => {
      counts.commit += 1;
      return store.commit(writes);
    },
    list: (index, page) => {
      counts.list += 1;
      return store.list(index, page);
    },
    count: (key, options) => {
      counts.count += 1;
      return store.count(key, options);
    },
  };
  return { counts, counted };
}

describe.each([
  ['embedded', openEmbedded],
  ['redis', openRedis],
] as const)('the status of guest tokens, on the %s store', (_name, open) => {
  let server: TestServer;
  let engine: Awaited<ReturnType<typeof open>>;
  let counts: ReturnType<typeof counting>['counts'];
  let clock: () => number;
  const time = movableClock();
  const sealed = generateKeyPairSync('ec', { namedCurve: 'P-256' });

  const adapt = (services: Services): Services => {
    const adapted = time.adapt(services);
    clock = adapted.clock;
    const { counts: seen, counted } = counting(services.store);
    counts = seen;
    return { ...adapted, guests: createGuests({ ...adapted, store: counted }) };
  };

  beforeAll(async () => {
    engine = await open();
    const base = acme();
    const jwk = { ...sealed.publicKey.export({ format: 'jwk' }), use: 'enc', alg: 'ECDH-ES+A256KW' };
    const apis = base.apis.map((api) => (api.id === 'warehouse' ? { ...api, jwks: { keys: [jwk] } } : api));
    const sealer = {
      id: 'sealer',
      secret: 'sealer-secret',
      grants: ['client_credentials'],
      mints: { ...mints, apis: ['warehouse'] },
    };
    // A quota asks the store now and then.
    const quotas = { guestTokensPerMinute: 'unlimited' };
    server = await startTestServer({
      store: engine.url,
      realms: [guestRealm({ apis, quotas }, { clients: [sealer] }), { ...acme(), name: 'globex' }],
      adapt,
    });
  });
  afterAll(async () => {
    await server.stop();
    await engine.stop();
  });

  const mint = async (overrides: Record<string, unknown> = {}) =>
    (await mintGuest(server, grant({ format: 'jwt', ...overrides }))).json;
  /** As a reader sees it whose copy has just become too old. */
  const status = (token: string) => {
    time.forward(5);
    return statusOf(token, { now: new Date(clock()) });
  };
  const dashboard = (id: string) => ({ type: 'dashboard', id, actions: ['view'], rows: ownRows });

  it('is told of signed ones, as the specification has it', async () => {
    const { token } = await mint();
    const { uri } = placeIn(token);
    const response = await fetchList(uri);
    const jwt = await response.text();

    expect(uri).toMatch(new RegExp(`^${server.issuer('acme')}/status-lists/[A-Za-z0-9_-]{27}$`));
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'application/statuslist+jwt',
      'access-control-allow-origin': '*',
      'cache-control': expect.stringMatching(/^public, max-age=[0-3]$/),
    });
    expect(decodeProtectedHeader(jwt)).toMatchObject({ alg: 'ES256', typ: 'statuslist+jwt' });
    const keys = await (await fetch(server.endpoint('acme', 'certs'))).json();
    const { payload } = await jwtVerify(jwt, createLocalJWKSet(keys), { currentDate: new Date(clock()) });
    expect(payload).toEqual({
      iss: server.issuer('acme'),
      sub: uri,
      iat: expect.any(Number),
      exp: (payload.iat ?? 0) + 30,
      ttl: 3,
      status_list: { bits: 1, lst: expect.any(String) },
    });
    expect(await status(token)).toBe(0);
  });

  it('is of a chain that was narrowed the newest alone', async () => {
    const lifetime = { ttl: 6000, refresh: { allowed: true } };
    const first = await mint({ format: 'jwt_reference', lifetime });
    const child = await exchange(server, {
      subject: first.token,
      details: [detail()],
      more: { requested_token_type: JWT },
    });
    const second = (await refreshGuest(server, first.refresh_token)).json;
    const before = [await status(first.token), await status(child.json.access_token)];

    const change = { resources: [dashboard('dash-1')] };
    expect((await call(server, 'PATCH', `/guest-tokens/${first.id}`, change)).status).toBe(200);

    expect(before).toEqual([0, 0]);
    expect(await status(first.token)).toBe(1);
    expect(await status(child.json.access_token)).toBe(1);
    expect(await status(second.access_token)).toBe(0);
  });

  it('is where a reference has it too, and nowhere in opaque ones', async () => {
    const reference = await mint({ format: 'jwt_reference' });
    const [opaque, uuid] = [await mint({ format: 'opaque' }), await mint({ format: 'uuid' })];

    expect(await status(reference.token)).toBe(0);
    await call(server, 'DELETE', `/guest-tokens/${reference.id}`);
    expect(await status(reference.token)).toBe(1);
    const kept = await engine.records('acme', 't');
    expect(kept.filter(({ value }) => value.includes(opaque.id) || value.includes(uuid.id))).toHaveLength(2);
    expect(
      kept.filter(
        ({ value }) => (value.includes(opaque.id) || value.includes(uuid.id)) && value.includes('"status"'),
      ),
    ).toEqual([]);
  });

  it('turns when the token is revoked, and no other one does', async () => {
    const [one, two] = [await mint(), await mint()];

    await call(server, 'DELETE', `/guest-tokens/${one.id}`);

    expect([await status(one.token), await status(two.token)]).toEqual([1, 0]);
  });

  it.each([
    ['tenant', { tenant: 'cut' }],
    ['subject', { tenant: 'cut', subject: 'u_42' }],
    ['resource of a tenant', { tenant: 'cut', resource: 'dash-cut' }],
    ['resource', { resource: 'dashboard:dash-cut' }],
    ['client', { client: 'portal' }],
    ['label', { label: 'cut' }],
  ])('turns when its %s is cut, and what comes later is valid', async (_selector, selector) => {
    const body = {
      subject: { tenant: 'cut', id: 'u_42' },
      resources: [dashboard('dash-cut')],
      label: 'cut',
    };
    const before = await mint(body);

    const answer = await call(server, 'POST', '/guest-tokens/revoke', selector, { auth: keeper });

    expect(answer.status).toBe(200);
    expect(await status(before.token)).toBe(1);
    expect(await status((await mint(body)).token)).toBe(0);
  });

  it('turns with the parent, its session and its user, and with a chain of refreshes', async () => {
    const login = (await postForm(server.endpoint('acme', 'token'), george)).json;
    const own = await ownToken(server);
    const more = { requested_token_type: JWT };
    const details = [detail({ actions: ['view'] }), session()];
    const ofUser = (await exchange(server, { subject: login.access_token, details, more })).json.access_token;
    const ofClient = (await exchange(server, { subject: own, details, more })).json.access_token;
    const child = (await exchange(server, { subject: ofClient, details, more })).json.access_token;
    const first = await mint({ lifetime: { ttl: 600, refresh: { allowed: true } } });
    const second = (await refreshGuest(server, first.refresh_token)).json;
    expect(await Promise.all([ofUser, ofClient, child].map((token) => status(token)))).toEqual([0, 0, 0]);
    expect([await status(first.token), await status(second.access_token)]).toEqual([0, 0]);

    await postForm(
      server.endpoint('acme', 'logout'),
      { client_id: 'dc-ui', refresh_token: login.refresh_token },
      {},
    );
    await postForm(
      server.endpoint('acme', 'revoke'),
      { token: own, token_type_hint: ACCESS_TOKEN },
      { auth: ['portal', 'portal-secret'] },
    );
    await call(server, 'DELETE', `/guest-tokens/${first.id}`);

    expect(await Promise.all([ofUser, ofClient, child].map((token) => status(token)))).toEqual([1, 1, 1]);
    expect([await status(first.token), await status(second.access_token)]).toEqual([1, 1]);
  });

  it('turns when a shortened end has passed, and not before', async () => {
    const { id, token } = await mint({ lifetime: { ttl: 3600 } });

    await call(server, 'PATCH', `/guest-tokens/${id}`, { lifetime: { ttl: 300 } });
    await call(server, 'PATCH', `/guest-tokens/${id}`, { lifetime: { ttl: 100 } });

    expect(await status(token)).toBe(0);
    time.forward(110);
    expect(await status(token)).toBe(1);
    expect((await introspect(server, token)).json).toMatchObject({ active: false, guest_reason: 'expired' });
    time.forward(1000);
    expect(await status(token)).toBe(1);
  });

  it('turns at once for a value that says more than the narrowed token may do, but not for a reference', async () => {
    const [whole, reference] = [await mint(), await mint({ format: 'jwt_reference' })];
    const rows = { col: 'state', op: 'eq', value: 'CA' };

    for (const { id } of [whole, reference]) {
      const answer = await call(server, 'PATCH', `/guest-tokens/${id}`, {
        resources: [{ ...dashboard('dash-1'), rows }],
      });
      expect(answer.status).toBe(200);
    }

    expect([await status(whole.token), await status(reference.token)]).toEqual([1, 0]);
    expect((await introspect(server, whole.token)).json.active).toBe(true);
  });

  it('turns by cuts of what was issued before some time, also for a token narrowed since', async () => {
    const { id, token } = await mint({ subject: { tenant: 'early', id: 'u' }, format: 'jwt_reference' });
    const cutAt = new Date(nextMillisecond()).toISOString();
    await call(server, 'PATCH', `/guest-tokens/${id}`, { lifetime: { max_uses: 5 } });
    expect(await status(token)).toBe(0);

    await call(server, 'POST', '/guest-tokens/revoke', { tenant: 'early', issued_before: cutAt });

    expect(await status(token)).toBe(1);
  });

  it('is told of a token with a hundred resources, more than one document hangs under', async () => {
    const resources = Array.from({ length: 100 }, (_, index) => dashboard(`many-${index}`));
    const { token } = await mint({ format: 'jwt_reference', resources });
    expect(await status(token)).toBe(0);

    await call(server, 'POST', '/guest-tokens/revoke', { resource: 'many-99' });

    expect(await status(token)).toBe(1);
  });

  it("is not payload of lists that are not there, or are another realm's", async () => {
    const { token } = await mint();
    const { uri } = placeIn(token);
    const id = uri.slice(uri.lastIndexOf('/') + 1);
    const addresses = [
      `${server.issuer('globex')}/status-lists/${id}`,
      `${server.issuer('acme')}/status-lists/${id.slice(0, -1)}${id.endsWith('A') ? 'B' : 'A'}`,
      `${server.issuer('acme')}/status-lists/x`,
    ];

    for (const address of addresses) {
      const before = { ...counts };
      const response = await fetch(address);
      expect(response.status).toBe(404);
      expect(response.headers.get('content-type')).toBe('application/problem+json');
      expect(await response.json()).toMatchObject({ code: 'not_found' });
      expect(counts).toEqual(before);
    }
  });

  it('is answered by GET and HEAD, to who can read it, for now alone', async () => {
    const { uri } = placeIn((await mint()).token);
    const ask = async (init: RequestInit, query = '') => (await fetch(`${uri}${query}`, init)).status;

    expect(await ask({ method: 'HEAD' })).toBe(200);
    expect(await ask({ method: 'OPTIONS' })).toBe(204);
    expect(await ask({ method: 'POST' })).toBe(405);
    expect(await ask({ headers: { accept: 'application/statuslist+cwt' } })).toBe(406);
    expect(await ask({}, '?time=1700000000')).toBe(501);
  });

  it('costs a mint no step of the store', async () => {
    await mint();
    const costOf = async (format: string) => {
      const before = { ...counts };
      expect((await mintGuest(server, grant({ format }))).status).toBe(201);
      return {
        read: counts.read - before.read,
        commit: counts.commit - before.commit,
        list: counts.list - before.list,
        count: counts.count - before.count,
      };
    };

    expect(await costOf('opaque')).toEqual({ read: 0, commit: 1, list: 0, count: 0 });
    expect(await costOf('jwt')).toEqual({ read: 0, commit: 1, list: 0, count: 0 });
  });

  it('is made once for all who ask at the same time', async () => {
    const { uri } = placeIn((await mint()).token);
    time.forward(5);
    const before = { ...counts };

    const lists = await Promise.all(Array.from({ length: 50 }, async () => (await fetchList(uri)).text()));

    expect(new Set(lists).size).toBe(1);
    expect(counts.list - before.list).toBe(1);
  });

  it('is in an encrypted token too', async () => {
    const { token, id } = (
      await mintGuest(server, grant({ format: 'jwe' }), { auth: ['sealer', 'sealer-secret'] })
    ).json;
    const { plaintext } = await compactDecrypt(token, sealed.privateKey);
    const inside = new TextDecoder().decode(plaintext);

    expect(await status(inside)).toBe(0);
    await call(server, 'DELETE', `/guest-tokens/${id}`, undefined, { auth: keeper });
    expect(await status(inside)).toBe(1);
  });
});

describe('metadata', () => {
  it('says nothing of lists of status lists, which there are none of', async () => {
    const server = await startTestServer({ realms: [acme()] });
    const metadata = await get(`${server.issuer('acme')}/.well-known/oauth-authorization-server`);
    await server.stop();

    expect(metadata.json).not.toHaveProperty('status_list_aggregation_endpoint');
  });
});
