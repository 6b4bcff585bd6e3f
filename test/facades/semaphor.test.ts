import { describe, expect, it } from 'vitest';
import {
  apiKey,
  semaphorDashboard as dashboard,
  detailOf,
  type FacadeServer,
  replay,
  send,
  sessionOf,
  startFor,
  startForFile,
  withSection,
} from './support.ts';

const project = {
  type: 'project',
  projectId: 'p_0c9f2f0e-2f6e-4f5e-9a53-4f3f0f7c1a11',
  projectSecret: 'ps_6a7d3b52-51c4-4d0c-8d36-1f5f3f6f2b22',
};

const documented = `POST /api/v1/token HTTP/1.1
Host: semaphor.cloud
Content-Type: application/json

{
  "dashboardId": "d_cf007a8b-19bc-46ad-8787-2915445b7b86",
  "dashboardSecret": "ds_f32f0b30-b7e1-40f9-ba6a-9804a5b9d635",
  "tokenExpiry": 600,
  "tenantId": "tenant_abc_123",
  "endUserId": "u_42",
  "endUserEmail": "user@example.com",
  "allowEdit": false,
  "cls": { "name": "store_sales_primary", "params": { "tenant": "tenant_abc_123" } },
  "rcls": [{ "name": "region_filter", "params": { "state": ["California", "Nevada", "Washington"] } }],
  "params": { "currencyFormat": { "locale": "en-US", "currency": "USD" } },
  "config": { "showAdvancedMode": false, "showDashboardAssistant": false }
}`;

let server: FacadeServer;
startForFile((started) => {
  server = started;
});

const ask = (body: unknown) => send(`${server.base}/api/v1/token`, { body });
const invalidate = (token?: string, on = server) =>
  send(`${on.base}/api/v1/invalidate-token`, token === undefined ? {} : { token });
const claimsOf = (token: string) =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());

describe('the documented request', () => {
  it('gets a token and nothing else, limited as it says', async () => {
    const answer = await replay(server.base, documented);

    expect([answer.status, Object.keys(answer.json)]).toEqual([200, ['accessToken']]);
    const seen = await server.introspect(answer.json.accessToken);
    expect(seen).toMatchObject({
      active: true,
      client_id: 'compat:semaphor',
      tenant: 'tenant_abc_123',
      guest_id: 'u_42',
      exp: seen.iat + 600,
    });
    expect(detailOf(seen, dashboard.dashboardId)).toMatchObject({
      datatypes: ['dashboard'],
      privileges: ['children'],
      rows: { col: 'state', op: 'in', value: ['California', 'Nevada', 'Washington'] },
    });
    expect(detailOf(seen, dashboard.dashboardId).actions).not.toContain('edit');
    expect(seen.policies).toContainEqual({
      kind: 'connection',
      name: 'store_sales_primary',
      value: { connection: 'store_sales_tenant_abc_123' },
    });
    expect(sessionOf(seen)).toMatchObject({
      subject: { email: 'user@example.com', type: 'end_user' },
      context: { locale: 'en-US', currency: 'USD' },
      ui: { features: { advanced: false, assistant: false } },
    });
  });

  it('lives an hour when it does not say how long', async () => {
    const { accessToken } = (await ask(dashboard)).json;

    const seen = await server.introspect(accessToken);

    expect(seen.exp).toBe(seen.iat + 3600);
    expect(sessionOf(seen).subject).toMatchObject({ type: 'anonymous', tenant: 'semaphor' });
    expect(detailOf(seen, dashboard.dashboardId).rows).toBe('all');
  });

  it('gets what the component reads out of the token, and nothing that limits it', async () => {
    const { accessToken } = (await ask({ ...dashboard, allowEdit: true, endUserId: 'u_42' })).json;

    const claims = claimsOf(accessToken);

    expect(claims).toMatchObject({
      iss: server.base,
      apiServiceUrl: server.base,
      project_id: project.projectId,
      allowEdit: true,
      exp: claims.iat + 3600,
    });
    expect(claims).not.toHaveProperty('authorization_details');
  });

  it('means the same with one policy or value and with a list of it', async () => {
    const policy = { name: 'region_filter', params: { state: ['CA'] } };
    const single = { name: 'region_filter', params: { state: 'CA' } };
    const seen = [];
    for (const rcls of [policy, [policy], single]) {
      const { accessToken } = (await ask({ ...dashboard, rcls })).json;
      seen.push(detailOf(await server.introspect(accessToken), dashboard.dashboardId).rows);
    }

    expect(seen).toEqual(Array(3).fill({ col: 'state', op: 'in', value: ['CA'] }));
  });

  it('is shortened to the longest life there is, and told so', async () => {
    const answer = await ask({ ...dashboard, tokenExpiry: 9_000_000 });

    const seen = await server.introspect(answer.json.accessToken);
    expect(seen.exp).toBe(seen.iat + 2_592_000);
    expect(answer.headers.get('x-guest-warnings')).toContain('2592000 s');
  });
});

describe('who a token of a project is for', () => {
  it.each<[string, object, object]>([
    [
      'staff',
      { orgUserId: 'o1', orgUserEmail: 'o@acme.test' },
      { id: 'o1', type: 'org_user', email: 'o@acme.test' },
    ],
    ['a user by id', { endUserId: 'u1', tenantId: 't1' }, { id: 'u1', type: 'end_user', tenant: 't1' }],
    [
      'a user by e-mail',
      { endUserEmail: 'u@acme.test', tenantName: 'Acme' },
      { id: 'u@acme.test', tenant: 'Acme', email: 'u@acme.test' },
    ],
    [
      'a new user',
      { endUserEmail: 'u@acme.test', tenantId: 't1', autoCreateEndUser: true, displayName: 'Ann' },
      { provision: 'jit', roles: ['VIEWER'], name: 'Ann' },
    ],
    [
      'a new power user',
      { endUserId: 'u', autoCreateEndUser: true, role: 'POWER_USER' },
      { roles: ['POWER_USER'] },
    ],
    [
      'staff, whom nobody creates',
      { orgUserId: 'o1', endUserId: 'u1', autoCreateEndUser: true },
      { id: 'o1', type: 'org_user', provision: 'none' },
    ],
    ['a user who is there', { endUserId: 'u1' }, { id: 'u1', provision: 'none' }],
    ['staff before users', { orgUserId: 'o1', endUserId: 'u1' }, { id: 'o1', type: 'org_user' }],
  ])('is %s', async (_name, who, subject) => {
    const answer = await ask({ ...project, ...who });

    expect([answer.status, answer.json.error]).toEqual([200, undefined]);
    const seen = await server.introspect(answer.json.accessToken);
    expect(sessionOf(seen).subject).toMatchObject(subject);
    expect(detailOf(seen, project.projectId)).toMatchObject({ datatypes: ['project'] });
    expect(claimsOf(answer.json.accessToken).project_id).toBe(project.projectId);
  });

  it.each<[string, object, object]>([
    ['where it starts', { initialDashboardId: 'd1' }, { ui: { start: { id: 'd1', mode: 'default' } } }],
    [
      'where it must go',
      { initialDashboardId: 'd1', targetDashboardId: 'd2' },
      { ui: { start: { id: 'd2', mode: 'force' } } },
    ],
    [
      'its domains',
      { semanticDomainAccess: { mode: 'include', domains: ['sales', 'hr'] } },
      { context: { domains: { mode: 'include', ids: ['sales', 'hr'] } } },
    ],
    [
      'its domains, the older way',
      { allowedSemanticDomains: ['hr'] },
      { context: { domains: { ids: ['hr'] } } },
    ],
    [
      'domains in both ways',
      { allowedSemanticDomains: ['hr'], semanticDomainAccess: { mode: 'include', domains: ['sales'] } },
      { context: { domains: { ids: [] } } },
    ],
  ])('says %s', async (_name, more, session) => {
    const { accessToken } = (await ask({ ...project, endUserId: 'u', ...more })).json;

    expect(sessionOf(await server.introspect(accessToken))).toMatchObject(session);
  });

  it.each<[boolean, object]>([
    [true, { allowEdit: true }],
    [true, { config: { allowEdit: true } }],
    [false, { allowEdit: false, config: { allowEdit: true } }],
    [false, {}],
  ])('may edit: %s for %j', async (may, more) => {
    const { accessToken } = (await ask({ ...dashboard, ...more })).json;

    const { actions } = detailOf(await server.introspect(accessToken), dashboard.dashboardId);
    expect(actions.includes('edit')).toBe(may);
    expect(claimsOf(accessToken).allowEdit).toBe(may);
  });
});

describe('policies that are assigned', () => {
  const start = () => startFor({ change: withSection('semaphor', { assignedPolicies: ['region_filter'] }) });

  it('are filled in from securityParams', async () => {
    const own = await start();
    const body = { ...dashboard, securityParams: { state: ['CA'] } };

    const answer = await send(`${own.base}/api/v1/token`, { body });

    const seen = await own.introspect(answer.json.accessToken);
    expect(detailOf(seen, dashboard.dashboardId).rows).toEqual({ col: 'state', op: 'in', value: ['CA'] });
  });

  it.each<[string, object]>([
    ['without a value', {}],
    ['with a value too many', { securityParams: { state: ['CA'], other: 1 } }],
    [
      'with an overlay',
      { securityParams: { state: ['CA'] }, rcls: { name: 'region_filter', params: { state: ['NV'] } } },
    ],
  ])('refuse a request %s', async (_name, more) => {
    const own = await start();

    const answer = await send(`${own.base}/api/v1/token`, { body: { ...dashboard, ...more } });

    expect([answer.status, answer.json.code]).toEqual([400, 'INVALID_REQUEST']);
  });
});

describe('errors', () => {
  it.each<[string, unknown]>([
    ['no JSON', '{'],
    ['no object', 'null'],
    ['no credentials', {}],
    ['no secret', { dashboardId: dashboard.dashboardId }],
    ['an unknown field', { ...dashboard, extra: 1 }],
    ['an unknown kind', { ...dashboard, type: 'other' }],
    ['a life of text', { ...dashboard, tokenExpiry: '600' }],
    ['no life', { ...dashboard, tokenExpiry: 0 }],
    ['half a second', { ...dashboard, tokenExpiry: 0.5 }],
    ['an e-mail address of no text', { ...dashboard, endUserEmail: 5 }],
    ['a policy without a name', { ...dashboard, cls: { params: {} } }],
    ['a policy of objects', { ...dashboard, rcls: { name: 'region_filter', params: { state: { a: 1 } } } }],
    ['an unknown policy', { ...dashboard, rcls: { name: 'nothing', params: {} } }],
    ['a policy of another kind', { ...dashboard, sls: { name: 'region_filter', params: { state: ['CA'] } } }],
    ['a policy without a value', { ...dashboard, cls: { name: 'store_sales_primary', params: {} } }],
    ['values for no policy', { ...dashboard, securityParams: { state: 'CA' } }],
    [
      'a currency that is none',
      { ...dashboard, params: { currencyFormat: { locale: 'en-US', currency: 'XQQ' } } },
    ],
    [
      'a language that is none',
      { ...dashboard, params: { currencyFormat: { locale: 'not a locale', currency: 'USD' } } },
    ],
    ['a member twice', JSON.stringify(dashboard).replace('{', '{"dashboardSecret":"x",')],
    ['an unknown setting', { ...dashboard, config: { showEverything: true } }],
    ['other domains', { ...dashboard, semanticDomainAccess: { mode: 'exclude', domains: [] } }],
    ['nobody', project],
    ['an e-mail address of no tenant', { ...project, endUserEmail: 'u@acme.test' }],
    ['an unknown role', { ...project, endUserId: 'u', role: 'ADMIN' }],
  ])('is INVALID_REQUEST for %s', async (_name, body) => {
    const answer = await ask(body);

    expect([answer.status, Object.keys(answer.json), answer.json.code]).toEqual([
      400,
      ['error', 'code'],
      'INVALID_REQUEST',
    ]);
    expect(answer.json.error).toBeTypeOf('string');
  });

  it('is the same INVALID_CREDENTIALS for a wrong secret and an unknown dashboard', async () => {
    const own = await startFor();
    const answers = [];
    for (const body of [
      { ...dashboard, dashboardSecret: 'ds_wrong' },
      { ...dashboard, dashboardId: 'd_unknown' },
      { ...project, projectSecret: dashboard.dashboardSecret, endUserId: 'u' },
    ]) {
      answers.push(await send(`${own.base}/api/v1/token`, { body }));
    }

    expect(answers.map(({ status }) => status)).toEqual([401, 401, 401]);
    expect(answers[0]?.json).toEqual({ error: 'Invalid credentials.', code: 'INVALID_CREDENTIALS' });
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
  });

  it('is RATE_LIMIT_EXCEEDED for who guesses', async () => {
    const own = await startFor();
    const attempt = (dashboardSecret: string) =>
      send(`${own.base}/api/v1/token`, { body: { ...dashboard, dashboardSecret } });
    for (let index = 0; index < 20; index += 1) await attempt(`ds_${index}`);

    const answer = await attempt('ds_20');

    expect([answer.status, answer.json.code]).toEqual([429, 'RATE_LIMIT_EXCEEDED']);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await attempt(dashboard.dashboardSecret)).status).toBe(200);
  });

  it('is 413 for a body over 64 KiB, and the older GET is not there', async () => {
    const large = await ask({ ...dashboard, displayName: 'x'.repeat(70_000) });
    const older = await send(`${server.base}/api/v1/token`, { method: 'GET' });

    expect([large.status, older.status, older.headers.get('allow')]).toEqual([413, 405, 'POST']);
  });
});

describe('invalidate-token', () => {
  it('ends the token at once, and says the same again', async () => {
    const { accessToken } = (await ask(dashboard)).json;

    const first = await invalidate(accessToken);
    const dead = await server.introspect(accessToken);
    const second = await invalidate(accessToken);

    expect([first.status, first.text]).toEqual([200, '{"success":true}']);
    expect(dead).toEqual({ active: false, guest_reason: 'revoked' });
    expect([second.status, second.text]).toEqual([first.status, first.text]);
  });

  it('can be called from any page, without its credentials', async () => {
    const headers = { origin: 'https://app.example.com' };
    const answer = await send(`${server.base}/api/v1/invalidate-token`, { token: 'x', headers });
    const preflight = await send(`${server.base}/api/v1/invalidate-token`, {
      method: 'OPTIONS',
      headers: {
        ...headers,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization',
      },
    });

    for (const { headers: given } of [answer, preflight]) {
      expect(given.get('access-control-allow-origin')).toBe('*');
      expect(given.has('access-control-allow-credentials')).toBe(false);
    }
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-headers')).toContain('Authorization');
  });

  it('ends any guest token that is held, as the revocation endpoint does', async () => {
    const other = await send(`${server.base}/api/v1/guest-token/create`, {
      token: apiKey,
      body: { clientId: 'id', workspaceName: 'workspacename' },
    });

    const answer = await invalidate(other.json.token);

    expect(answer.status).toBe(200);
    expect((await server.introspect(other.json.token)).active).toBe(false);
  });

  it('wants a token', async () => {
    const answer = await invalidate();

    expect([answer.status, answer.json.code]).toEqual([401, 'INVALID_TOKEN']);
  });
});
