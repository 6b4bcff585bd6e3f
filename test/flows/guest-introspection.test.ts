/** What a resource server learns of a guest token, and what nobody else does. */
import { generateKeyPairSync } from 'node:crypto';
import { compactDecrypt } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sha256 } from '../../src/base/hash.ts';
import { certificate, trustLoopback } from '../support/certificates.ts';
import { postForm } from '../support/http.ts';
import { analytics, warehouse } from '../support/realms.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import {
  call,
  grant,
  guestRealm,
  introspect,
  mintGuest,
  movableClock,
  other,
  ownRows,
  portal,
  proof,
  proofKey,
} from './guest-support.ts';

const apiKeys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const jwks = { keys: [{ ...apiKeys.publicKey.export({ format: 'jwk' }), use: 'enc', alg: 'ECDH-ES' }] };

const region = (col: string) => ({
  kind: 'row' as const,
  name: 'region',
  parameters: ['state'],
  template: { col, op: 'in', value: '{{ state }}' },
});
const store = {
  kind: 'connection' as const,
  name: 'store',
  parameters: ['password@secret'],
  template: { host: 'db.acme.test', password: '{{ password@secret }}' },
};

/** Two APIs, a gateway for each, and one that proves itself with a certificate. */
function realm(overrides: Record<string, unknown> = {}) {
  const base = guestRealm({ policies: [region('state'), store] });
  const clients = [
    ...base.clients.map((client) => (client.id === 'portal' ? { ...client, mints: both(client) } : client)),
    { id: 'analytics-gate', secret: 'gate-secret', introspects: ['analytics'] },
    { id: 'warehouse-gate', secret: 'gate-secret', introspects: ['warehouse'] },
    {
      id: 'certified',
      introspects: ['analytics'],
      tokenEndpointAuthMethod: 'tls_client_auth',
      tlsClientAuthSubjectDn: certificate.subject,
    },
    {
      id: 'self-signed',
      introspects: ['analytics'],
      tokenEndpointAuthMethod: 'self_signed_tls_client_auth',
      jwks: certificate.jwks,
    },
  ];
  const apis = base.apis.map((api) => (api.id === 'warehouse' ? { ...api, jwks } : api));
  return { ...base, clients, apis, ...overrides };
}

const both = (client: object) => ({
  ...('mints' in client ? (client.mints as object) : {}),
  apis: ['analytics', 'warehouse'],
});
const analyticsGate = ['analytics-gate', 'gate-secret'] as const;
const warehouseGate = ['warehouse-gate', 'gate-secret'] as const;

const dashboard = (overrides: Record<string, unknown> = {}) => ({
  type: 'dashboard',
  id: 'dash-1',
  actions: ['view', 'filter'],
  rows: ownRows,
  ...overrides,
});

describe('introspection of guest tokens', () => {
  let server: TestServer;
  const time = movableClock();

  beforeAll(async () => {
    server = await startTestServer({ realms: [realm()], env: trustLoopback, adapt: time.adapt });
  });
  afterAll(() => server.stop());

  const mint = async (overrides: Record<string, unknown> = {}): Promise<string> => {
    const answer = await mintGuest(server, grant(overrides));
    expect(answer.json.detail).toBeUndefined();
    return answer.json.token;
  };

  it('says who looks at what, with the limits to apply', async () => {
    const token = await mint({
      resources: [dashboard({ columns: { deny: ['salary'] }, limits: { max_rows: 10 } })],
    });

    const { json } = await introspect(server, token, { resource: 'dash-1', action: 'view' });

    expect(json).toMatchObject({
      active: true,
      iss: server.issuer('acme'),
      aud: analytics,
      client_id: 'portal',
      guest: true,
      tenant: 'blue',
      guest_id: 'u_42',
      allowed: true,
      policy: {
        rows: ownRows,
        columns: { deny: ['salary'] },
        limits: { max_rows: 10 },
        sql: { postgresql: { sql: '"tenant_id" = $1', params: ['blue'] } },
      },
    });
    expect(json).not.toHaveProperty('guest_reason');
  });

  it.each<[string, Record<string, string>, boolean]>([
    ['its resource', { resource: 'dash-1' }, true],
    ['its resource by type', { resource: 'dashboard:dash-1', action: 'filter' }, true],
    ['an action that it lacks', { resource: 'dash-1', action: 'export:csv' }, false],
    ['an action that does not exist', { resource: 'dash-1', action: 'constructor' }, false],
    ['a sibling', { resource: 'dash-2' }, false],
    ['the same id of another type', { resource: 'report:dash-1' }, false],
    ['a name that could be two', { resource: 'twin' }, false],
    ['one of the two', { resource: 'report:twin' }, true],
  ])('allows by resource and action: %s', async (_what, form, isAllowed) => {
    const token = await mint({
      resources: [
        dashboard(),
        dashboard({ id: 'twin' }),
        dashboard({ id: 'twin', type: 'report', rows: 'all' }),
      ],
    });

    const { json } = await introspect(server, token, form);

    expect(json).toMatchObject({ active: true, allowed: isAllowed });
    expect('policy' in json).toBe(isAllowed);
  });

  it.each<[string, Record<string, unknown>, Record<string, boolean>]>([
    [
      'metric that begins as a dashboard',
      dashboard({ type: 'metric', id: 'dashboard:payroll' }),
      { 'dashboard:payroll': false, payroll: false, 'metric:dashboard:payroll': true },
    ],
    [
      'report that begins as a custom type',
      dashboard({ type: 'report', id: 'custom:story:1' }),
      { 'custom:story:1': false, 'story:1': false, 'report:custom:story:1': true },
    ],
    [
      'story that begins as a report',
      dashboard({ type: 'custom:story', id: 'report:1' }),
      { 'report:1': false, 'custom:story': false, 'custom:story:report:1': true },
    ],
    [
      'report with a colon of its own',
      dashboard({ type: 'report', id: 'team:sales-dashboard' }),
      { 'team:sales-dashboard': true, 'report:team:sales-dashboard': true, 'sales-dashboard': false },
    ],
  ])('asks for another type by no id: a %s', async (_what, resource, names) => {
    const token = await mint({ resources: [resource] });

    const answers = await Promise.all(
      Object.keys(names).map(async (name) => {
        const { json } = await introspect(server, token, { resource: name });
        return [name, json.allowed];
      }),
    );

    expect(Object.fromEntries(answers)).toEqual(names);
  });

  it.each([
    "O'Brien' OR '1'='1",
    '"; DROP TABLE users; --',
    "' UNION SELECT * FROM users --",
    'x'.repeat(1024),
    '%_\\',
  ])('binds %j as a value, never as text', async (value) => {
    const token = await mint({ resources: [dashboard({ rows: { col: 'name', op: 'eq', value } })] });

    const { json } = await introspect(server, token, { resource: 'dash-1' });

    for (const { sql, params } of Object.values<{ sql: string; params: string[] }>(json.policy.sql)) {
      expect(params).toContain(value);
      expect(sql).not.toContain(value);
    }
  });

  it('shows each API its own part, and strangers nothing', async () => {
    const answer = await mintGuest(
      server,
      grant({
        resources: [
          dashboard({ locations: [analytics] }),
          dashboard({ id: 'table', locations: [warehouse] }),
        ],
      }),
    );
    const { token } = answer.json;
    const seen = async (auth: readonly [string, string], form = {}) =>
      (await introspect(server, token, form, auth)).json;
    const named = (json: { authorization_details: { identifier?: string }[] }) =>
      json.authorization_details.flatMap(({ identifier }) => identifier ?? []);

    expect(named(await seen(analyticsGate))).toEqual(['dash-1']);
    expect(await seen(analyticsGate, { resource: 'table' })).toMatchObject({ active: true, allowed: false });
    expect(named(await seen(warehouseGate))).toEqual(['table']);
    expect(await seen(other)).toEqual({ active: false });
    expect(named(await seen(portal))).toEqual(['dash-1', 'table']);
  });

  it('tells why a token does not count to its API alone', async () => {
    const { json } = await mintGuest(server);
    await call(server, 'DELETE', `/guest-tokens/${json.id}`);

    expect((await introspect(server, json.token)).json).toEqual({ active: false, guest_reason: 'revoked' });
    for (const auth of [portal, other, warehouseGate]) {
      expect((await introspect(server, json.token, {}, auth)).json).toEqual({ active: false });
    }
  });

  it('knows the reasons: too early, too old, idle', async () => {
    const early = await mint({ lifetime: { ttl: 600, not_before: 60 } });
    const idle = await mint({ lifetime: { ttl: 900, idle: 30, not_before: 60 } });
    const reason = async (token: string) => (await introspect(server, token)).json.guest_reason;

    expect(await reason(early)).toBe('not_yet_valid');
    time.forward(60);
    expect(await reason(early)).toBeUndefined();
    expect(await reason(idle)).toBeUndefined();
    time.forward(600);
    expect(await reason(early)).toBe('expired');
    await server.services.store.commit([{ remove: idleRecord(idle) }]);
    expect(await reason(idle)).toBe('idle');
    expect((await introspect(server, early, { resource: 'dash-1' })).json).not.toHaveProperty('policy');
  });

  it.each<[string, object, Record<string, string>, string | undefined]>([
    ['its origin', { origins: ['https://app.acme.com'] }, { origin: 'https://app.acme.com' }, undefined],
    [
      'another origin',
      { origins: ['https://app.acme.com'] },
      { origin: 'https://evil.test' },
      'origin_mismatch',
    ],
    ['no origin', { origins: ['https://app.acme.com'] }, {}, 'origin_mismatch'],
    ['its network', { ip: ['203.0.113.0/24'] }, { ip: '203.0.113.9' }, undefined],
    ['another network', { ip: ['203.0.113.0/24'] }, { ip: '198.51.100.1' }, 'ip_mismatch'],
    ['no address', { ip: ['203.0.113.0/24'] }, {}, 'ip_mismatch'],
    ['an address that is none', { ip: ['0.0.0.0/0'] }, { ip: 'somewhere' }, 'ip_mismatch'],
  ])('holds a token to its binding: %s', async (_what, binding, form, reason) => {
    const token = await mint({ binding });

    expect((await introspect(server, token, form)).json.guest_reason).toBe(reason);
  });

  it('does not let a stolen token be used without its key', async () => {
    const [key, thief] = [await proofKey(), await proofKey()];
    const token = await mint({ binding: { key: { jkt: key.jkt } } });
    const seen = { htm: 'GET', htu: 'https://bi.acme.test/api/data' };
    const ath = sha256(token);
    const claims = { ...seen, ath, iat: time.seconds() };
    const ask = async (dpop: string, more = {}) =>
      (await introspect(server, token, { dpop, ...seen, ...more })).json;

    expect(await ask(await proof(key, claims))).toMatchObject({ active: true, token_type: 'DPoP' });
    const mismatch = { active: false, guest_reason: 'key_mismatch' };
    expect(await ask(await proof(thief, claims))).toEqual(mismatch);
    expect(await ask(await proof(key, { ...claims, ath: undefined }))).toEqual(mismatch);
    expect(await ask(await proof(key, { ...claims, ath: 'another' }))).toEqual(mismatch);
    // RFC 9449 §4.2: a proof has a jti, whoever checks it.
    expect(await ask(await proof(key, { ...claims, jti: undefined }))).toEqual(mismatch);
    expect(await ask(await proof(key, claims), { htm: 'POST' })).toEqual(mismatch);
    expect(await ask(await proof(key, claims), { htu: 'https://bi.acme.test/api/other' })).toEqual(mismatch);
    expect(await ask('no.proof.atall')).toEqual(mismatch);
    expect((await introspect(server, token)).json.cnf).toEqual({ jkt: key.jkt });
  });

  it("follows the realm's row policies at once, and ends what they no longer fit", async () => {
    const policies = [{ kind: 'row', name: 'region', params: { state: ['CA'] } }];
    const { json } = await mintGuest(
      server,
      grant({ policies, lifetime: { ttl: 600, refresh: { allowed: true } } }),
    );
    const rows = async (token: string) =>
      (await introspect(server, token, { resource: 'dash-1' })).json.policy?.rows;
    const limit = (col: string) => ({ and: [{ col, op: 'in', value: ['CA'] }, ownRows] });
    expect(await rows(json.token)).toEqual(limit('state'));

    await server.services.registry.applyRealm({ name: 'acme', policies: [region('province'), store] });
    const refreshed = await postForm(
      server.endpoint('acme', 'token'),
      { grant_type: 'refresh_token', refresh_token: json.refresh_token },
      { auth: portal },
    );

    expect(await rows(json.token)).toEqual(limit('province'));
    expect(refreshed.json.authorization_details[0].rows).toEqual(limit('province'));
    const wider = { ...region('state'), parameters: ['state', 'country'] };
    await server.services.registry.applyRealm({ name: 'acme', policies: [wider] });
    expect((await introspect(server, json.token)).json).toEqual({
      active: false,
      guest_reason: 'policy_changed',
    });
    await server.services.registry.applyRealm({ name: 'acme', policies: [region('state'), store] });
  });

  it('tells the secret of a connection to who proves itself with a certificate, and to nobody else', async () => {
    const secret = 'correct horse';
    const policies = [{ kind: 'connection', name: 'store', params: { 'password@secret': secret } }];
    const minted = await mintGuest(
      server,
      grant({ policies, lifetime: { ttl: 600, refresh: { allowed: true } } }),
    );
    const certified = (
      token: string,
      client_id = 'certified',
      headers: Record<string, string> = certificate.headers,
    ) => postForm(server.endpoint('acme', 'token/introspect'), { token, client_id }, { headers });

    const plain = await introspect(server, minted.json.token);
    const proven = await certified(minted.json.token);

    const pinned = await certified(minted.json.token, 'self-signed', { 'client-cert': certificate.header });
    expect(pinned.json.active).toBe(true);
    expect(minted.text + plain.text + pinned.text).not.toContain(secret);
    expect(proven.json.policies).toEqual([
      { kind: 'connection', name: 'store', value: { host: 'db.acme.test', password: secret } },
    ]);
    const shown = await call(server, 'GET', `/guest-tokens/${minted.json.id}`);
    expect(shown.text).not.toContain(secret);
    const refreshed = await postForm(
      server.endpoint('acme', 'token'),
      { grant_type: 'refresh_token', refresh_token: minted.json.refresh_token },
      { auth: portal },
    );
    expect((await certified(refreshed.json.access_token)).text).toContain(secret);
  });

  const mintFor = (apis: string[]) =>
    server.services.registry.updateClient('acme', 'portal', (client) => ({
      ...client,
      mints: { ...client.mints, apis },
    }));

  it('is not needed to read a token that is encrypted for its API', async () => {
    const body = grant({ format: 'jwe', resources: [dashboard()] });
    const own = await postForm(
      server.endpoint('acme', 'token'),
      { grant_type: 'client_credentials' },
      { auth: portal },
    );
    const exchanged = await postForm(
      server.endpoint('acme', 'token'),
      {
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        subject_token: own.json.access_token,
        subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        audience: 'warehouse',
        authorization_details: JSON.stringify([
          {
            type: 'embed_resource',
            identifier: 'dash-1',
            datatypes: ['dashboard'],
            actions: ['view'],
            rows: 'all',
          },
          { type: 'embed_session', subject: { tenant: 'blue', id: 'u' } },
        ]),
      },
      { auth: portal },
    );
    expect(exchanged.json.access_token).toMatch(/^dpg_/);
    const answer = await mintGuest(server, body, { auth: portal });
    expect(answer.json.code).toBe('invalid_request');

    await mintFor(['warehouse']);
    const { token } = (await mintGuest(server, body)).json;

    const { plaintext } = await compactDecrypt(token, apiKeys.privateKey);
    const claims = JSON.parse(
      Buffer.from(Buffer.from(plaintext).toString().split('.')[1] ?? '', 'base64url').toString(),
    );
    expect(claims).toMatchObject({ aud: warehouse, tenant: 'blue' });
    expect((await introspect(server, token, {}, warehouseGate)).json.active).toBe(true);
    await mintFor(['analytics', 'warehouse']);
  });
});

function idleRecord(token: string) {
  return { realm: 'acme', kind: 'guest-idle', id: sha256(token) };
}
