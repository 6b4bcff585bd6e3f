/** What is in the store of a realm that was removed: nothing that stays. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { postForm } from '../support/http.ts';
import { type Engine, engines } from '../support/raw-store.ts';
import { gateway, engine as service } from '../support/realms.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { admins, adminToken, head, tenant } from './support.ts';

const mints = {
  apis: ['analytics'],
  types: ['dashboard'],
  actions: ['view'],
  maxTtl: 3600,
  allowNonExpiring: true,
};
const base = tenant('acme');
const realm = {
  ...base,
  guests: { allowNonExpiring: true },
  clients: [
    ...base.clients,
    { id: 'minter', secret: 'minter-secret', grants: ['client_credentials'], mints },
  ],
  compat: {
    databrain: {
      serviceTokens: ['a-service-token-of-the-realm'],
      dataApps: [{ name: 'sales', apiKeys: ['an-api-key-of-the-sales-app'] }],
    },
  },
};

async function importUsers(server: TestServer, count: number): Promise<void> {
  const lines = Array.from({ length: count }, (_, at) =>
    JSON.stringify({ username: `person-${at}`, email: `person-${at}@acme.test`, roles: ['analyst'] }),
  );
  const response = await fetch(`${server.url}/admin/v1/realms/acme/users/import`, {
    method: 'POST',
    headers: {
      Authorization: `Bearer ${await adminToken(server, 'acme', 'realm-admin')}`,
      'Content-Type': 'application/x-ndjson',
    },
    body: lines.join('\n'),
  });
  expect((await response.text()).match(/"created"/g)).toHaveLength(count);
}

async function mintGuest(server: TestServer, more: object): Promise<number> {
  const resources = [
    { type: 'dashboard', id: 'sales', actions: ['view'], rows: { col: 'a', op: 'eq', value: 1 } },
  ];
  const response = await fetch(`${server.issuer('acme')}/guest-tokens`, {
    method: 'POST',
    headers: { Authorization: `Basic ${btoa('minter:minter-secret')}`, 'Content-Type': 'application/json' },
    body: JSON.stringify({ subject: { tenant: 't', id: 'u' }, resources, ...more }),
  });
  return response.status;
}

/** Everything that a realm can have: people with sessions, tokens of each kind, keys, policies, counters. */
async function fill(server: TestServer): Promise<void> {
  await importUsers(server, 230);
  const call = await admins(server, 'acme', 'realm-admin');
  const below = '/realms/acme';
  const policy = { kind: 'row', name: 'mine', template: { col: 'a', op: 'eq', value: 1 } };
  const made = await Promise.all([
    call({ method: 'POST', path: `${below}/policies`, body: policy }),
    call({ method: 'POST', path: `${below}/compat/databrain/dataApps/sales/apiKeys`, body: {} }),
    call({
      method: 'POST',
      path: `${below}/clients`,
      body: { id: 'more', grants: ['client_credentials'] },
      headers: { 'Idempotency-Key': 'k' },
    }),
  ]);
  expect(made.map(({ status }) => status)).toEqual([201, 201, 201]);
  const key = await fetch(`${server.issuer('acme')}/api/v2/data-app/api-tokens`, {
    method: 'POST',
    headers: { Authorization: 'Bearer a-service-token-of-the-realm', 'Content-Type': 'application/json' },
    body: JSON.stringify({ dataAppName: 'sales', name: 'backend' }),
  });
  expect(key.status).toBe(200);
  const token = server.endpoint('acme', 'token');
  const george = { client_id: 'dc-ui', grant_type: 'password', username: 'george.becker' };
  const scope = 'openid offline_access';
  const login = await postForm(token, { ...george, password: 'my_password', scope });
  await postForm(token, { ...george, password: 'wrong_password' });
  const { json } = await postForm(token, { grant_type: 'client_credentials' }, { auth: service });
  await postForm(
    server.endpoint('acme', 'token/introspect'),
    { token: json.access_token },
    { auth: gateway },
  );
  expect([login.status, typeof json.access_token]).toEqual([200, 'string']);
  const guests = [{}, { lifetime: { ttl: null } }, { format: 'jwt' }, { format: 'jwt_reference' }];
  for (const guest of guests) expect(await mintGuest(server, guest)).toBeLessThan(300);
}

describe.each(engines)('a realm that was removed, on %s', (_name, open) => {
  let engine: Engine;
  let server: TestServer;
  beforeAll(async () => {
    engine = await open();
    server = await startTestServer({ realms: [head, realm, tenant('globex')], store: engine.url });
  });
  afterAll(async () => {
    await server?.stop();
    await engine?.stop();
  });

  it('leaves nothing behind that stays, and the others as they were', async () => {
    const ofGlobex = await engine.lasting('globex');
    await fill(server);
    expect((await engine.lasting('acme')).length).toBeGreaterThan(2 * 230);
    const root = await admins(server, head.name, 'root');

    const { status } = await root({
      method: 'DELETE',
      path: '/realms/acme',
      headers: { 'If-Match': '*' },
    });

    expect(status).toBe(200);
    expect(await engine.lasting('acme')).toEqual([]);
    expect(await engine.lasting('globex')).toEqual(expect.arrayContaining([...ofGlobex]));
  });
});
