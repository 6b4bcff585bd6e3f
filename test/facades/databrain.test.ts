import { describe, expect, it } from 'vitest';
import {
  apiKey,
  databrainCalls,
  detailOf,
  type FacadeServer,
  managerToken,
  replay,
  send,
  sessionOf,
  startFor,
  startForFile,
  uuid,
  withSection,
} from './support.ts';

const head = `POST /api/v1/guest-token/create HTTP/1.1
Host: api.usedatabrain.com
Authorization: Bearer ${apiKey}
Content-Type: application/json`;

const full = {
  clientId: 'user-123',
  dataAppName: 'sales-dashboard',
  params: {
    allowedEmbeds: ['embed_1', 'embed_2'],
    appFilters: [{ metricId: 'metric-1', values: { country: ['USA', 'CANADA'] } }],
    dashboardAppFilters: [
      {
        dashboardId: 'dash-1',
        values: {
          region: 'North America',
          timePeriod: { startDate: '2024-01-01', endDate: '2024-12-31' },
        },
        isShowOnUrl: false,
      },
    ],
    rlsSettings: [{ metricId: 'metric-1', values: { tenant_id: 'abc' } }],
    hideDashboardFilters: ['internal_filter'],
    userIdentifier: 'unique-user-id',
    timezone: 'America/New_York',
  },
  permissions: { isEnableDownloadMetrics: false, isShowSideBar: true },
  expiryTime: 3600000,
  datasourceName: 'my-datasource',
};

let server: FacadeServer;
startForFile((started) => {
  server = started;
});

const { create } = databrainCalls(() => server);
const v1 = (more: object = {}) => create(1, { clientId: 'id', workspaceName: 'workspacename', ...more });
const v2 = (more: object = {}) => create(2, { clientId: 'id', dataAppName: 'sales-dashboard', ...more });

describe('the documented requests', () => {
  it.each([
    ['simple', '{ "clientId": "id", "workspaceName": "workspacename" }'],
    [
      'with a dashboard',
      `{ "clientId": "id", "workspaceName": "workspacename",
  "params": { "dashboard": { "id": "dashboardid" } } }`,
    ],
    [
      'with row limits',
      `{ "workspaceName": "your workspace name",
  "clientId": "client or user id",
  "params": { "rlsSettings": [
    { "metricId": "the metric id", "values": { "paid_orders": true, "amount": 500 } } ] } }`,
    ],
  ])('gets a token and nothing else: %s', async (_name, body) => {
    const answer = await replay(server.base, `${head}\n\n${body}`);

    expect(answer.status).toBe(200);
    expect(Object.keys(answer.json)).toEqual(['token']);
    expect(answer.json.token).toMatch(uuid);
    expect(answer.headers.get('content-type')).toContain('application/json');
    expect((await server.introspect(answer.json.token)).active).toBe(true);
  });

  it('maps every field of the second version', async () => {
    const answer = await create(2, full);

    expect([answer.status, Object.keys(answer.json)]).toEqual([200, ['token']]);
    const seen = await server.introspect(answer.json.token);
    expect(seen).toMatchObject({
      active: true,
      client_id: 'compat:databrain',
      tenant: 'user-123',
      guest_id: 'unique-user-id',
      aud: 'https://analytics.acme.test',
      exp: seen.iat + 3600,
    });
    expect(seen.authorization_details.map((one: { identifier?: string }) => one.identifier)).toEqual([
      'embed_1',
      'embed_2',
      'dash-1',
      'metric-1',
      undefined,
    ]);
    expect(detailOf(seen, 'embed_1')).toMatchObject({
      datatypes: ['embed'],
      privileges: ['children'],
      rows: 'all',
    });
    expect(detailOf(seen, 'embed_1').actions).toEqual(['view', 'filter', 'drill', 'explore']);
    expect(detailOf(seen, 'dash-1')).toMatchObject({
      datatypes: ['dashboard'],
      filters: {
        locked: {
          region: 'North America',
          timePeriod: { startDate: '2024-01-01', endDate: '2024-12-31' },
        },
        hidden: ['internal_filter'],
        show_on_url: false,
      },
    });
    expect(detailOf(seen, 'metric-1').rows).toEqual({
      and: [
        { col: 'country', op: 'in', value: ['USA', 'CANADA'] },
        { col: 'tenant_id', op: 'eq', value: 'abc' },
      ],
    });
    expect(sessionOf(seen).context).toEqual({ timezone: 'America/New_York', datasource: 'my-datasource' });
  });

  it('compiles the row limits of a metric for the API that asks', async () => {
    const { allowedEmbeds: _, ...params } = full.params;
    const { token } = (await create(2, { ...full, params })).json;

    const seen = await server.introspect(token, { resource: 'metric-1', action: 'view' });

    expect(seen).toMatchObject({ allowed: true });
    expect(seen.policy.sql.postgresql.params).toContain('abc');
    expect((await server.introspect(token, { resource: 'metric-2' })).allowed).toBe(false);
  });
});

describe('what a request says', () => {
  it.each<[string, unknown, object]>([
    ['text', 'USA', { op: 'eq', value: 'USA' }],
    ['several texts', ['USA', 'CANADA'], { op: 'in', value: ['USA', 'CANADA'] }],
    ['truth', true, { op: 'eq', value: true }],
    ['number', 500, { op: 'eq', value: 500 }],
    [
      'dates',
      { startDate: '2024-01-01', endDate: '2024-12-31' },
      { op: 'between', value: ['2024-01-01', '2024-12-31'] },
    ],
    ['range', { min: 1000, max: 5000 }, { op: 'between', value: [1000, 5000] }],
    ['nothing selected', [], { op: 'in', value: [] }],
  ])('limits rows by %s', async (_name, value, comparison) => {
    const { token } = (await v1({ params: { rlsSettings: [{ metricId: 'm', values: { x: value } }] } })).json;

    expect(detailOf(await server.introspect(token), 'm').rows).toEqual({ col: 'x', ...comparison });
  });

  describe('tell filters of the app and row-level security apart', () => {
    const params = {
      appFilters: [
        { metricId: 'm', values: { country: ['USA', 'CANADA'] } },
        { metricId: 'n', values: { amount: { min: 1, max: 9 } } },
      ],
      rlsSettings: [{ metricId: 'm', values: { tenant_id: 'abc', paid: true } }],
    };
    const country = { col: 'country', op: 'in', value: ['USA', 'CANADA'] };
    const amount = { col: 'amount', op: 'between', value: [1, 9] };
    const rls = {
      and: [
        { col: 'tenant_id', op: 'eq', value: 'abc' },
        { col: 'paid', op: 'eq', value: true },
      ],
    };
    const of = (identifier: string, origin: string, rows: object) => ({
      type: 'metric',
      identifier,
      origin,
      rows,
    });
    const apart = [of('m', 'app_filter', country), of('n', 'app_filter', amount), of('m', 'rls', rls)];

    it('to the API, which applies both as ever', async () => {
      const { token } = (await v1({ params })).json;

      const payload = await server.introspect(token, { resource: 'metric:m' });

      expect(payload.row_origins).toEqual(apart);
      expect(payload.policy.rows).toEqual({ and: [country, rls] });
      expect(payload.policy.sql.sqlite.params).toEqual(['USA', 'CANADA', 'abc', 1]);
    });

    it('to who manages the token, as far as its resources are left', async () => {
      const headers = (await v1({ params })).headers;
      const admin = await managerToken(server);
      const address = `${server.base}/guest-tokens/${headers.get('x-guest-token-id')}`;
      const before = await send(address, { method: 'GET', token: admin });
      const resources = [
        {
          type: 'metric',
          id: 'm',
          actions: ['view'],
          rows: { and: [country, rls, { col: 'x', op: 'not_null' }] },
        },
      ];
      const after = await send(address, { method: 'PATCH', token: admin, body: { resources } });

      expect(before.json.row_origins).toEqual(apart);
      expect(after.status).toBe(200);
      expect(after.json.row_origins).toEqual(apart.filter(({ identifier }) => identifier === 'm'));
      expect(detailOf(after.json, 'm').rows.and).toEqual([country, ...rls.and, { col: 'x', op: 'not_null' }]);
    });

    it('and say nothing where there are none', async () => {
      const { token } = (await v1()).json;

      expect(await server.introspect(token)).not.toHaveProperty('row_origins');
    });
  });

  it('takes SQL only where the realm allows it', async () => {
    const open = await startFor({ change: (acme) => ({ ...acme, guests: { allowRawSql: true } }) });
    const body = {
      clientId: 'id',
      workspaceName: 'workspacename',
      params: {
        appFilters: [
          { metricId: 'm', values: { name: { sql: 'SELECT name FROM clients', columnName: 'name' } } },
        ],
      },
    };

    const allowed = await send(`${open.base}/api/v1/guest-token/create`, { token: apiKey, body });
    const refused = await create(1, body);

    expect(detailOf(await open.introspect(allowed.json.token), 'm').rows).toEqual({
      col: 'name',
      op: 'in_query',
      value: { sql: 'SELECT name FROM clients', columnName: 'name' },
    });
    expect([refused.status, refused.json.error.code]).toEqual([400, 'APP_FILTER_PARAM_ERROR']);
  });

  it.each<[string, object, readonly string[], readonly string[]]>([
    [
      'downloads',
      { isEnableDownloadMetrics: true },
      ['export:csv', 'export:xlsx', 'export:pdf', 'export:image'],
      [],
    ],
    ['underlying data', { isEnableUnderlyingData: true }, ['underlying'], ['edit']],
    ['editing', { isEnableMetricUpdation: true }, ['edit'], ['create']],
    ['managing', { isEnableManageMetrics: true }, ['create', 'edit'], ['archive']],
    [
      'managing without creating',
      { isEnableManageMetrics: true, isDisableMetricCreation: true },
      ['edit'],
      ['create'],
    ],
    ['archiving', { isEnableArchiveMetrics: true }, ['archive'], []],
    ['layout', { isEnableCustomizeLayout: true }, ['layout'], []],
    ['views', { isEnableCreateDashboardView: true }, ['create'], ['edit']],
    ['nothing', {}, ['view', 'filter'], ['export:csv', 'underlying', 'edit', 'create', 'archive', 'layout']],
  ])('allows %s', async (_name, permissions, given, withheld) => {
    const { token } = (await v2({ permissions })).json;

    const { actions } = detailOf(await server.introspect(token), 'sales-dashboard');

    expect(actions).toEqual(expect.arrayContaining([...given]));
    expect(actions.filter((action: string) => withheld.includes(action))).toEqual([]);
  });

  it('passes on what only concerns the page', async () => {
    const { token } = (
      await v2({
        permissions: { isShowSideBar: false, isShowDashboardName: false },
        params: { dashboard: { id: 'dash-9' }, hideDatePicker: true },
        theme: { color: '#123456' },
      })
    ).json;

    expect(sessionOf(await server.introspect(token)).ui).toEqual({
      hide: ['sidebar', 'dashboard_name', 'date_picker'],
      start: { id: 'dash-9', mode: 'default' },
      theme: { color: '#123456' },
    });
  });

  it('takes "None" for nobody in particular', async () => {
    const seen = await server.introspect((await v1({ clientId: 'None' })).json.token);

    expect(sessionOf(seen).subject).toMatchObject({ type: 'anonymous', tenant: 'databrain' });
    expect(seen.guest_id).toBeUndefined();
  });

  it('counts expiryTime in milliseconds, rounded up to seconds', async () => {
    const own = await startFor();
    const body = { clientId: 'id', workspaceName: 'workspacename', expiryTime: 1500 };
    const { token } = (await send(`${own.base}/api/v1/guest-token/create`, { token: apiKey, body })).json;

    own.advance(1.999);
    const before = await own.introspect(token);
    own.advance(0.001);
    const after = await own.introspect(token);

    expect(before.active).toBe(true);
    expect(after).toEqual({ active: false, guest_reason: 'expired' });
  });

  it('never ends without expiryTime, yet can be revoked', async () => {
    const answer = await v1();
    const id = answer.headers.get('x-guest-token-id') ?? '';

    const before = await server.introspect(answer.json.token);
    await server.services.guests.revoke('acme', id, { by: 'test' });

    expect(answer.headers.get('x-guest-expires-at')).toBe('never');
    expect(before).toMatchObject({ active: true, jti: id });
    expect(before.exp).toBeUndefined();
    expect((await server.introspect(answer.json.token)).active).toBe(false);
  });

  it('ends where the section has no tokens without an end, and says so', async () => {
    const strict = await startFor({
      change: withSection('databrain', { allowNonExpiring: false, maxTtl: 7200 }),
    });
    const body = { clientId: 'id', workspaceName: 'workspacename' };

    const answer = await send(`${strict.base}/api/v1/guest-token/create`, { token: apiKey, body });
    const seen = await strict.introspect(answer.json.token);

    expect(seen.exp).toBe(seen.iat + 7200);
    expect(answer.headers.get('x-guest-warnings')).toContain(
      'tokens without an end are not allowed: the token lives 7200 s',
    );
    expect(answer.headers.get('x-guest-expires-at')).toBe(
      new Date(seen.exp * 1000).toISOString().replace('.000Z', 'Z'),
    );
  });

  it('lives no longer than the realm itself says', async () => {
    const strict = await startFor({
      change: (acme) => ({ ...acme, guests: { maxTtl: 60, allowNonExpiring: false } }),
    });
    const body = { clientId: 'id', workspaceName: 'workspacename' };

    const { token } = (await send(`${strict.base}/api/v1/guest-token/create`, { token: apiKey, body })).json;

    const seen = await strict.introspect(token);
    expect(seen.exp).toBe(seen.iat + 60);
  });
});
