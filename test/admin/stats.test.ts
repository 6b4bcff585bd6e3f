/** Figures over time, as somebody asks for them over HTTP, on both engines. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { postForm } from '../support/http.ts';
import { type Engine, engines } from '../support/raw-store.ts';
import { gateway, george, engine as service } from '../support/realms.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { admins, head, tenant } from './support.ts';

const mints = { apis: ['analytics'], types: ['dashboard'], actions: ['view'], maxTtl: 3600 };
const base = tenant('acme');
const realm = {
  ...base,
  clients: [
    ...base.clients,
    { id: 'minter', secret: 'minter-secret', grants: ['client_credentials'], mints },
    {
      id: 'statistician',
      secret: 'statistician-secret',
      grants: ['client_credentials'],
      roles: ['statistician'],
    },
  ],
  roles: [...base.roles, { name: 'statistician', permissions: ['daypass:stats:read'] }],
};
const realms = [head, realm, tenant('globex')];

type Series = { kind: string; detail?: string; total: number; values: number[] };

/** Totals by kind and detail. The caller's own token is counted too. */
async function totals(server: TestServer, query = '', realmName = 'acme') {
  const client = realmName === 'acme' ? 'statistician' : 'realm-admin';
  const call = await admins(server, realmName, client);
  const { status, body } = await call({ path: `/realms/${realmName}/stats${query}` });
  expect(status).toBe(200);
  const series: Series[] = body.series;
  return Object.fromEntries(
    series.map(({ kind, detail, total }) => [detail === undefined ? kind : `${kind} ${detail}`, total]),
  );
}

async function guestCall(server: TestServer, path: string, body: object) {
  const response = await fetch(`${server.issuer('acme')}${path}`, {
    method: 'POST',
    headers: { Authorization: `Basic ${btoa('minter:minter-secret')}`, 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
  return (await response.json()) as { id: string };
}

const guest = {
  subject: { tenant: 't', id: 'u' },
  resources: [{ type: 'dashboard', id: 'sales', actions: ['view'], rows: { col: 'a', op: 'eq', value: 1 } }],
};

async function serviceToken(server: TestServer, realmName = 'acme') {
  const form = { grant_type: 'client_credentials' };
  return (await postForm(server.endpoint(realmName, 'token'), form, { auth: service })).json.access_token;
}

describe.each(engines)('figures on %s', (_name, open) => {
  let engine: Engine;
  let server: TestServer;
  beforeAll(async () => {
    engine = await open();
    server = await startTestServer({ realms, store: engine.url });
  });
  afterAll(async () => {
    await server?.stop();
    await engine?.stop();
  });

  it('tell what happened in the realm, each on both ways that a request can take, and survive a restart', async () => {
    await postForm(server.endpoint('acme', 'token'), george);
    await postForm(server.endpoint('acme', 'token'), { ...george, password: 'wrong_password' });
    await postForm(server.endpoint('acme', 'token'), { ...george, password: 'wrong_again' });
    const token = await serviceToken(server);
    const ask = (value: string) =>
      postForm(server.endpoint('acme', 'token/introspect'), { token: value }, { auth: gateway });
    for (const value of [token, token, 'nothing']) await ask(value);
    await postForm(server.endpoint('acme', 'revoke'), { token }, { auth: service });
    const { id } = await guestCall(server, '/guest-tokens', guest);
    await guestCall(server, '/guest-tokens', {
      ...guest,
      resources: [{ ...guest.resources[0], type: 'report' }],
    });
    await guestCall(server, '/guest-tokens/revoke', { ids: [id] });
    await serviceToken(server, 'globex');

    const expected = {
      'logins.succeeded': 1,
      'logins.failed credentials': 2,
      'tokens.issued password': 1,
      'tokens.refused invalid_grant': 2,
      'introspections active': 2,
      'introspections inactive': 1,
      'tokens.revoked': 1,
      'guests.minted': 1,
      'guests.refused': 1,
      'guests.revoked': 1,
    };
    expect(await totals(server)).toMatchObject({ ...expected, 'tokens.issued client_credentials': 2 });
    await serviceToken(server);
    await server.stop();
    server = await startTestServer({ realms, store: engine.url });
    expect(await totals(server)).toMatchObject({ ...expected, 'tokens.issued client_credentials': 4 });
    expect(await totals(server, '?step=day')).toMatchObject(expected);
    expect(await totals(server, '', 'globex')).not.toHaveProperty(['logins.succeeded']);
  });

  it('come in steps, with the time at which each begins, and only those asked for', async () => {
    const call = await admins(server, 'acme', 'statistician');
    const now = Date.now();
    const from = new Date(now - 3 * 3_600_000).toISOString();

    const { body } = await call({
      path: `/realms/acme/stats?from=${from}&kinds=tokens.issued,logins.failed`,
    });

    const kinds = new Set(body.series.map(({ kind }: Series) => kind));
    expect(kinds).toEqual(new Set(['tokens.issued', 'logins.failed']));
    expect(body.times.every((time: string) => time.endsWith(':00:00.000Z'))).toBe(true);
    expect(body.times[0] <= from).toBe(true);
    expect(Date.parse(body.to)).toBeGreaterThan(now);
    for (const { values, total } of body.series as Series[]) {
      expect(values).toHaveLength(body.times.length);
      expect(values.reduce((sum, one) => sum + one, 0)).toBe(total);
    }
  });

  it.each([
    ['?step=week', '/step'],
    ['?from=yesterday', '/from'],
    ['?from=2020-01-01T00:00:00Z', '/from'],
    ['?from=2020-01-01T00:00:00Z&step=day', '/from'],
    ['?to=2999-01-01T00:00:00Z', '/to'],
    ['?kinds=logins', '/kinds'],
    ['?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z', '/from'],
    ['?colour=red', '/colour'],
  ])('refuse %s', async (query, pointer) => {
    const call = await admins(server, 'acme', 'statistician');

    const { status, body } = await call({ path: `/realms/acme/stats${query}` });

    expect([status, body.errors[0].pointer]).toEqual([400, pointer]);
  });

  it('are removed with their realm, and a new one of its name begins with none', async () => {
    const root = await admins(server, head.name, 'root');
    await serviceToken(server, 'globex');
    expect(await totals(server, '', 'globex')).toHaveProperty(['tokens.issued client_credentials']);

    const gone = await root({
      method: 'DELETE',
      path: '/realms/globex',
      headers: { 'If-Match': '*' },
    });

    expect(gone.status).toBe(200);
    expect(await engine.records('globex', 'stats-hours')).toEqual([]);
    expect(await engine.records('globex', 'stats-days')).toEqual([]);
    await root({ method: 'POST', path: '/realms', body: { name: 'globex' } });
    const { body } = await root({ path: '/realms/globex/stats' });
    expect(body.series.filter(({ kind }: Series) => kind.startsWith('tokens'))).toEqual([]);
  });

  it('go on after the realm was disabled for a while', async () => {
    const root = await admins(server, head.name, 'root');
    const before = await totals(server);
    const change = (enabled: boolean) =>
      root({
        method: 'PATCH',
        path: '/realms/acme',
        body: { enabled },
        headers: { 'If-Match': '*', 'Content-Type': 'application/merge-patch+json' },
      });

    expect((await change(false)).status).toBe(200);
    expect((await change(true)).status).toBe(200);

    const after = await totals(server);
    expect(after['guests.minted']).toBe(before['guests.minted']);
    expect(after['tokens.issued client_credentials']).toBeGreaterThan(
      before['tokens.issued client_credentials'] ?? 0,
    );
  });
});
