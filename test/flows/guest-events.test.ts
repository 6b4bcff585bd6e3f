/** `/events`: a resource server that remembers introspection answers hears which of them to forget, and nothing else. */

import { readFile } from 'node:fs/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { publishRevocation } from '../../src/revocation/cuts.ts';
import { type Answer, basic, get, postForm } from '../support/http.ts';
import { engines } from '../support/raw-store.ts';
import { george } from '../support/realms.ts';
import { startTestServer } from '../support/server.ts';
import { useServerOn } from '../support/use-server.ts';
import { type Listening, listen } from './event-support.ts';
import {
  call,
  detail,
  exchange,
  grant,
  guestRealm,
  introspect,
  keeper,
  mintGuest,
  ownRows,
  ownToken,
  refreshGuest,
  session,
} from './guest-support.ts';

const warehouse = ['store-rs', 'store-rs-secret'] as const;
const rs = (id: string, introspects: string[]) => ({ id, secret: `${id}-secret`, introspects });

describe.each(engines)('what resource servers hear, on the %s store', (_name, open) => {
  const listening: Listening[] = [];
  const clients = [
    rs('store-rs', ['warehouse']),
    rs('changing', ['analytics']),
    rs('leaving', ['analytics']),
    rs('greedy', ['analytics']),
  ];
  const globex = guestRealm({ name: 'globex' });
  const initech = guestRealm({ name: 'initech' });
  const { server } = useServerOn(open, {
    realms: [guestRealm({}, { clients }), globex, initech],
  });
  afterEach(() => {
    for (const one of listening.splice(0)) one.stop();
  });

  const hear = async (auth?: readonly [string, string], realm = 'acme') => {
    const one = await listen(server.issuer(realm), auth);
    listening.push(one);
    return one;
  };
  const mint = async (overrides: Record<string, unknown> = {}) =>
    (await mintGuest(server, grant(overrides))).json;
  const keysOf = async (token: string): Promise<readonly string[]> =>
    (await introspect(server, token, { cut_keys: 'true', dry_run: 'true' })).json.cut_keys;
  const cutOf = ({ until }: Listening, keys: readonly string[]) =>
    until(({ event, data }) => event === 'cut' && data.keys?.some((key) => keys.includes(key)) === true);
  const dashboard = (id: string) => ({ type: 'dashboard', id, actions: ['view'], rows: ownRows });
  const revoke = (selector: object): Promise<Answer> =>
    call(server, 'POST', '/guest-tokens/revoke', selector, { auth: keeper });

  it('comes as a stream that proxies pass on, and begins with knowing nothing', async () => {
    const { response, heard, until } = await hear();

    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
      'x-content-type-options': 'nosniff',
      'x-request-id': expect.any(String),
    });
    expect(heard[0]).toEqual({ event: 'flush', data: {} });
    await until(({ event }) => event === ':');
  });

  it('is a token that was revoked or narrowed, by its id and its key', async () => {
    const gateway = await hear();
    const [one, two, rest] = [await mint(), await mint(), await mint()];
    const [keysOfOne, keysOfTwo, others] = await Promise.all(
      [one, two, rest].map(({ token }) => keysOf(token)),
    );

    await call(server, 'DELETE', `/guest-tokens/${one.id}`);
    await call(server, 'PATCH', `/guest-tokens/${two.id}`, { lifetime: { ttl: 60 } });

    await gateway.until(({ data }) => data.tokens?.includes(one.id) === true);
    await gateway.until(({ data }) => data.tokens?.includes(two.id) === true);
    await cutOf(gateway, keysOfOne ?? []);
    await cutOf(gateway, keysOfTwo ?? []);
    const payload = gateway.heard.flatMap(({ data }) => data.keys ?? []);
    expect(payload.filter((key) => others?.includes(key))).toEqual([]);
  });

  it.each([
    ['tenant', { tenant: 'cut' }],
    ['subject', { tenant: 'cut', subject: 'u_42' }],
    ['resource of a tenant', { tenant: 'cut', resource: 'dash-cut' }],
    ['resource', { resource: 'dashboard:dash-cut' }],
    ['client', { client: 'portal' }],
    ['label', { label: 'cut' }],
  ])('is a cut of a %s, by a key of what lies below it', async (_selector, selector) => {
    const gateway = await hear();
    const subject = { tenant: 'cut', id: 'u_42' };
    const { token } = await mint({ subject, resources: [dashboard('dash-cut')], label: 'cut' });
    const elsewhere = await mintGuest(
      server,
      grant({ subject: { tenant: 'kept', id: 'u_42' }, resources: [dashboard('dash-kept')], label: 'kept' }),
      { auth: ['other', 'other-secret'] },
    );
    const keys = await keysOf(token);
    const kept = await keysOf(elsewhere.json.token);

    expect((await revoke(selector)).status).toBe(200);

    const { data } = await cutOf(gateway, keys);
    expect(data.keys?.filter((key) => kept.includes(key))).toEqual([]);
  });

  it('is a resource that was taken from a token before it was cut', async () => {
    const gateway = await hear();
    const { id, token } = await mint({ resources: [dashboard('stays'), dashboard('went')] });
    await call(server, 'PATCH', `/guest-tokens/${id}`, { resources: [dashboard('stays')] });
    const keys = await keysOf(token);
    gateway.heard.length = 0;

    await revoke({ resource: 'went' });

    await cutOf(gateway, keys);
    expect((await introspect(server, token)).json.guest_reason).toBe('revoked');
  });

  it('is what kills a guest from above: parent, session, chain of refreshes', async () => {
    const gateway = await hear();
    const login = (await postForm(server.endpoint('acme', 'token'), george)).json;
    const own = await ownToken(server);
    const details = [detail({ actions: ['view'] }), session()];
    const ofUser = (await exchange(server, { subject: login.access_token, details })).json.access_token;
    const ofClient = (await exchange(server, { subject: own, details })).json.access_token;
    const child = (await exchange(server, { subject: ofClient, details })).json.access_token;
    const first = await mint({ lifetime: { ttl: 600, refresh: { allowed: true } } });
    const second = (await refreshGuest(server, first.refresh_token)).json.access_token;
    const ends = [
      [[login.access_token, ofUser], () => logout(login.refresh_token)],
      [[own, ofClient, child], () => revokeToken(own)],
      [[second], () => call(server, 'DELETE', `/guest-tokens/${first.id}`)],
    ] as const;

    for (const [tokens, end] of ends) {
      const keys = await Promise.all(tokens.map(keysOf));
      gateway.heard.length = 0;
      await end();
      for (const of of keys) await cutOf(gateway, of);
    }
  });

  const logout = (refresh_token: string) =>
    postForm(server.endpoint('acme', 'logout'), { client_id: 'dc-ui', refresh_token });
  const revokeToken = (token: string) =>
    postForm(server.endpoint('acme', 'revoke'), { token }, { auth: ['portal', 'portal-secret'] });

  it('is a user or client that lost something', async () => {
    const gateway = await hear();
    const { registry } = server.services;
    const login = (await postForm(server.endpoint('acme', 'token'), george)).json;
    const { token } = await mint();
    const [ofUser, ofClient] = [await keysOf(login.access_token), await keysOf(token)];
    const user = await registry.findUserByLogin('acme', 'george.becker');

    await registry.updateUser('acme', user?.user.id ?? '', (now) => ({
      ...now,
      password: 'another_password',
    }));
    await cutOf(gateway, ofUser);
    await registry.updateClient('acme', 'portal', (now) => ({ ...now, enabled: false }));
    await cutOf(gateway, ofClient);
    await registry.updateClient('acme', 'portal', (now) => ({ ...now, enabled: true }));
  });

  it('is everything, when the realm or its policies change', async () => {
    const gateway = await hear(undefined, 'globex');
    const flushes = () => gateway.heard.filter(({ event }) => event === 'flush').length;
    const before = flushes();

    await server.services.store.commit([{ cut: '', realm: 'globex', ttl: 60 }]);
    await gateway.until(() => flushes() > before);
    await server.services.registry.updateRealm('globex', (now) => ({ ...now, displayName: 'Globex' }));
    await gateway.until(() => flushes() > before + 1);
  });

  it('names nothing of an API that is not its own, nor of another realm, and keys are for one reader', async () => {
    const [store, globex] = [await hear(warehouse), await hear(undefined, 'globex')];
    const gateway = await hear();
    globex.heard.length = 0;
    const { id, token } = await mint({ subject: { tenant: 'secret-tenant', id: 'secret-user' } });
    const keys = await keysOf(token);

    await call(server, 'DELETE', `/guest-tokens/${id}`);
    await revoke({ tenant: 'secret-tenant' });
    await server.services.store.commit([publishRevocation('globex', { nodes: ['last'] })]);

    await cutOf(gateway, keys);
    await store.until(({ event }) => event === 'cut');
    await globex.until(({ event }) => event === 'cut');
    expect(globex.heard.filter(({ event }) => event === 'cut')).toHaveLength(1);
    const text = JSON.stringify(store.heard);
    expect(text).not.toMatch(/secret-tenant|secret-user|gt_/);
    expect(keys.filter((key) => text.includes(key))).toEqual([]);
    expect(JSON.stringify(gateway.heard)).not.toMatch(/secret-tenant|secret-user/);
  });

  it('shows keys only to who asks for them, and none of what is not active', async () => {
    const { id, token } = await mint();

    expect((await introspect(server, token)).json).not.toHaveProperty('cut_keys');
    expect(await keysOf(token)).toContainEqual(expect.stringMatching(/^[A-Za-z0-9_-]{12}$/));
    await call(server, 'DELETE', `/guest-tokens/${id}`);
    expect((await introspect(server, token, { cut_keys: 'true' })).json).toEqual({
      active: false,
      guest_reason: 'revoked',
    });
  });

  it('is for clients that introspect, and nobody else', async () => {
    const events = `${server.issuer('acme')}/events`;
    const as = (...auth: [string, string]) => get(events, { authorization: basic(auth) });
    const own = await ownToken(server);

    const refused = [
      await get(events),
      await as('gateway', 'wrong'),
      await as('nobody', 'gateway-secret'),
      await get(events, { authorization: `Bearer ${own}` }),
      await get(`${events}?client_id=dc-ui`),
    ];
    for (const answer of refused) {
      expect(answer).toMatchObject({ status: 401, json: { code: 'invalid_client' } });
      expect(answer.headers.get('www-authenticate')).toMatch(/^Basic /);
    }
    expect(await as('portal', 'portal-secret')).toMatchObject({
      status: 403,
      json: { code: 'access_denied' },
    });
    expect((await get(`${server.issuer('nowhere')}/events`)).status).toBe(404);
  });

  it('answers GET and HEAD, in its own type', async () => {
    const ask = (init: RequestInit) =>
      fetch(`${server.issuer('acme')}/events`, {
        ...init,
        headers: { authorization: basic(['gateway', 'gateway-secret']), ...init.headers },
      });

    const head = await ask({ method: 'HEAD' });
    expect([head.status, head.headers.get('content-type'), await head.text()]).toEqual([
      200,
      'text/event-stream',
      '',
    ]);
    const post = await ask({ method: 'POST' });
    expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET']);
    expect((await ask({ headers: { accept: 'application/json' } })).status).toBe(406);
  });

  it('ends when the client is not what it was: another secret, fewer APIs, disabled', async () => {
    const { registry } = server.services;
    const changes = [
      (now: object) => ({ ...now, secret: 'changed-secret' }),
      (now: object) => ({ ...now, secret: 'changing-secret', introspects: [] }),
      (now: object) => ({ ...now, introspects: ['analytics'], enabled: false }),
    ];
    for (const change of changes) {
      await registry.updateClient('acme', 'changing', (now) => ({
        ...now,
        enabled: true,
        introspects: ['analytics'],
      }));
      const client = await registry.findClient('acme', 'changing');
      const one = await hear(['changing', client?.secret ?? '']);
      await registry.updateClient('acme', 'changing', (now) => ({ ...now, ...change(now) }));
      await one.ended;
    }
    const left = await hear(['leaving', 'leaving-secret']);
    await registry.removeClient('acme', 'leaving');
    await left.ended;
  });

  it('ends when the realm is disabled', async () => {
    const one = await hear(undefined, 'initech');

    await server.services.registry.updateRealm('initech', (now) => ({ ...now, enabled: false }));

    await one.ended;
  });

  it('is for at most 16 connections of a client, and there is room again when one goes', async () => {
    const auth = ['greedy', 'greedy-secret'] as const;
    const all = await Promise.all(Array.from({ length: 16 }, () => hear(auth)));

    const refused = await get(`${server.issuer('acme')}/events`, { authorization: basic(auth) });
    expect(refused).toMatchObject({ status: 429, json: { code: 'too_many_requests' } });
    expect(refused.headers.get('retry-after')).toBe('10');

    all[0]?.stop();
    let again: Listening | undefined;
    while (again === undefined) again = await hear(auth).catch(() => undefined);
    for (const one of [...all, again]) one.stop();
  });
});

describe('a server that is told to stop', () => {
  it('ends every stream, instead of waiting until it tears them off', async () => {
    const server = await startTestServer({ realms: [guestRealm()] });
    const one = await listen(server.issuer('acme'));

    await server.stop();

    expect(await one.ended).toBe('ended');
  });
});

describe('the recipe in the documentation', () => {
  it('remembers answers, and forgets what was cut and nothing else', async () => {
    const server = await startTestServer({ realms: [guestRealm()] });
    const { introspect: ask, cache } = await recipe(server.issuer('acme'));
    const tokens = await Promise.all([grant(), grant()].map((body) => mintGuest(server, body)));
    const [one, two] = tokens.map(({ json }) => json);
    const counted = (await mintGuest(server, grant({ lifetime: { max_uses: 9 } }))).json;
    const isKnown = (token: string) => [...cache.keys()].some((key) => key.includes(token));
    const remember = async (token: string) => {
      while (!isKnown(token)) expect((await ask({ token })).active).toBe(true);
    };
    // What it remembers before it hears anything is forgotten at the first flush.
    await comesTrue(async () => {
      await Promise.all([remember(one.token), remember(two.token)]);
      const before = await ask({ token: one.token });
      return before === (await ask({ token: one.token }));
    });
    await remember(one.token);
    await remember(two.token);
    await ask({ token: counted.token });
    expect(isKnown(counted.token)).toBe(false);

    await call(server, 'DELETE', `/guest-tokens/${one.id}`);

    await comesTrue(async () => !isKnown(one.token));
    expect((await ask({ token: one.token })).active).toBe(false);
    expect(isKnown(two.token)).toBe(true);
    await server.stop();
    await comesTrue(async () => cache.size === 0);
    await expect(ask({ token: two.token })).rejects.toThrow();
  });
});

type Recipe = {
  introspect(form: Record<string, string>): Promise<{ active: boolean }>;
  readonly cache: ReadonlyMap<string, unknown>;
};

/** As it stands in the documentation, for another address. */
async function recipe(issuer: string): Promise<Recipe> {
  const text = await readFile(new URL('../../docs/guest-tokens.md', import.meta.url), 'utf8');
  const [code = ''] = [...text.matchAll(/```js\n([\s\S]*?)```/g)].flatMap(([, block = '']) =>
    block.includes('keepHearing()') ? [block] : [],
  );
  const moved = code.replace('https://login.example.com/realms/acme', issuer);
  return import(`data:text/javascript,${encodeURIComponent(`${moved}\nexport { introspect, cache };`)}`);
}

/** Asks until it is so; a test's own time limit ends it. */
async function comesTrue(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setImmediate(resolve));
}
