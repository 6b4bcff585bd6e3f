/** RFC 8707, RFC 9396 §2.2: a guest token is for the APIs that its resources name, however it was asked for. */
import { describe, expect, it } from 'vitest';
import { postForm } from '../support/http.ts';
import { useServer } from '../support/use-server.ts';
import {
  call,
  detail,
  exchange,
  grant,
  guestRealm,
  introspect,
  mintGuest,
  mints,
  ownToken,
  portal,
  session,
} from './guest-support.ts';

const analytics = 'https://analytics.acme.test';
const warehouse = 'https://warehouse.acme.test';
const gate = ['warehouse-gate', 'gate-secret'] as const;
const chartGate = ['analytics-gate', 'gate-secret'] as const;

const both = { mints: { ...mints, apis: ['analytics', 'warehouse'] } };
const gates = ['warehouse', 'analytics'].map((api) => ({
  id: `${api}-gate`,
  secret: 'gate-secret',
  introspects: [api],
}));

const server = useServer({ realms: [guestRealm({}, { portal: both, clients: gates })] });

type Place = { readonly id: string; readonly locations?: readonly string[] };
type Wanted = { readonly places: readonly Place[]; readonly audience?: string };

const rows = 'all';
const actions = ['view'];

function asJson({ places, audience }: Wanted) {
  const resources = places.map((place) => ({ type: 'dashboard', actions, rows, ...place }));
  return grant({ resources, ...(audience === undefined ? {} : { audience: [audience] }) });
}

async function byJson(wanted: Wanted) {
  const { status, json } = await mintGuest(server, asJson(wanted));
  return { status, error: json.code, token: json.token };
}

async function byExchange({ places, audience }: Wanted) {
  const details = places.map(({ id, ...place }) => detail({ identifier: id, actions, rows, ...place }));
  const { status, json } = await exchange(server, {
    subject: await ownToken(server),
    details: [...details, session()],
    more: audience === undefined ? {} : { audience },
  });
  return { status, error: json.error, token: json.access_token };
}

async function byOpener(wanted: Wanted) {
  const { status, json } = await call(server, 'POST', '/guest-tokens/openers', asJson(wanted));
  return { status, error: json.code, token: undefined };
}

const there = { id: 'table', locations: [warehouse] };
const here = { id: 'chart', locations: [analytics] };
const anywhere = { id: 'usual' };

describe.each([
  ['native JSON', byJson],
  ['an exchange', byExchange],
])('%s', (_name, mint) => {
  it.each<[string, Wanted, string | string[]]>([
    ['nothing', { places: [anywhere] }, analytics],
    ['the second API, by its resource', { places: [there] }, warehouse],
    ['both, by their resources', { places: [here, there] }, [analytics, warehouse]],
    ['one, by some of its resources', { places: [anywhere, there] }, [analytics, warehouse]],
    ['the second API, by its id', { places: [anywhere], audience: 'warehouse' }, warehouse],
    ['the second API, by its audience', { places: [anywhere], audience: warehouse }, warehouse],
    [
      'one of two that a resource names',
      { places: [{ id: 'x', locations: [analytics, warehouse] }], audience: 'warehouse' },
      warehouse,
    ],
  ])('makes a token for what is named: %s', async (_what, wanted, audience) => {
    const { token } = await mint(wanted);

    expect((await introspect(server, token, {}, portal)).json.aud).toEqual(audience);
  });

  it('shows a resource without a place to the usual API alone', async () => {
    const { token } = await mint({ places: [anywhere, there] });
    const allowed = async (resource: string, auth: readonly [string, string]) =>
      (await introspect(server, token, { resource }, auth)).json.allowed;

    expect([await allowed('usual', chartGate), await allowed('table', chartGate)]).toEqual([true, false]);
    expect([await allowed('usual', gate), await allowed('table', gate)]).toEqual([false, true]);
  });

  it.each<[string, Wanted]>([
    ['an API outside the ceiling', { places: [anywhere], audience: 'https://other.test' }],
    [
      'an API outside the ceiling, by its resource',
      { places: [{ id: 'x', locations: ['https://other.test'] }] },
    ],
    ['an API, and a resource that is at another', { places: [there], audience: 'analytics' }],
  ])('refuses %s', async (_what, wanted) => {
    expect(await mint(wanted)).toMatchObject({ status: 400, error: 'invalid_target' });
  });
});

it('is the same for openers', async () => {
  const refused = await byOpener({ places: [there], audience: 'analytics' });
  const made = await byOpener({ places: [there] });

  expect(refused).toMatchObject({ status: 400, error: 'invalid_target' });
  expect(made.status).toBe(201);
});

it('stays so when the token is refreshed', async () => {
  const lifetime = { ttl: 60, refresh: { allowed: true } };
  const { json } = await mintGuest(server, { ...asJson({ places: [anywhere, there] }), lifetime });

  const refreshed = await postForm(
    server.endpoint('acme', 'token'),
    { grant_type: 'refresh_token', refresh_token: json.refresh_token },
    { auth: portal },
  );

  const { access_token: token } = refreshed.json;
  expect((await introspect(server, token, {}, portal)).json.aud).toEqual([analytics, warehouse]);
  expect((await introspect(server, token, { resource: 'usual' }, gate)).json.allowed).toBe(false);
});

it('is narrowed by what a token is exchanged for', async () => {
  const { token } = await byJson({ places: [anywhere, there] });

  const child = await exchange(server, {
    subject: token,
    details: [detail({ identifier: 'table', actions, rows })],
  });

  expect((await introspect(server, child.json.access_token, {}, portal)).json.aud).toBe(warehouse);
});
