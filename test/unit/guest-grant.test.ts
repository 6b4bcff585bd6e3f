import { describe, expect, it } from 'vitest';
import { permissionNeeded, scopesOf } from '../../src/guest/grant/actions.ts';
import { parseGrant } from '../../src/guest/grant/grant.ts';
import { guestPolicy } from '../../src/guest/grant/guest-policy.ts';
import { readGrant, realm, refusalsIn, smallest } from './guest-support.ts';

const [dashboard] = smallest.resources;

/** Every field of the model. */
const whole = {
  subject: {
    tenant: 'acme',
    id: 'u_42',
    type: 'end_user',
    email: 'user@example.com',
    name: 'Ann',
    groups: ['eu-sales'],
    roles: ['viewer'],
    attributes: { region: ['EU'], tier: 2 },
    provision: 'none',
  },
  resources: [
    {
      type: 'dashboard',
      id: 'dash-1',
      include: 'children',
      actions: ['view', 'filter', 'export:csv'],
      rows: {
        and: [
          { col: 'tenant_id', op: 'eq', value: 'acme' },
          { col: 'state', op: 'in', value: ['CA', 'NV'] },
        ],
      },
      columns: { deny: ['salary'], mask: { email: 'hash' } },
      filters: {
        locked: { Customer: '285407' },
        initial: { timePeriod: { from: '2024-01-01', to: '2024-12-31' } },
        hidden: ['internal_filter'],
        show_on_url: false,
      },
      limits: { max_rows: 10_000 },
    },
    { type: 'custom:funnel', id: 'team:sales', actions: ['view'], rows: 'all' },
  ],
  policies: [{ kind: 'row', name: 'region_filter', params: { state: ['CA', 'NV'] } }],
  context: {
    datasource: 'warehouse-eu',
    environment: 'production',
    domains: { mode: 'include', ids: ['sales'] },
    timezone: 'Europe/Berlin',
    locale: 'de-DE',
    currency: 'EUR',
  },
  ui: {
    hide: ['sidebar'],
    features: { assistant: false },
    start: { id: 'dash-1', mode: 'default' },
    theme: { dark: true },
  },
  binding: {
    origins: ['https://app.acme.com'],
    ip: ['203.0.113.0/24'],
    key: { jkt: '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I' },
    browser_session: `sha256:${'a'.repeat(43)}`,
  },
  lifetime: {
    ttl: 600,
    idle: 300,
    not_before: 0,
    max_uses: null,
    one_time: false,
    refresh: { allowed: true, absolute: 28_800 },
  },
  format: 'opaque',
  session: { key: 'sid-123', max_concurrent: 5, on_excess: 'reject' },
  purpose: 'embed',
  label: 'partner portal',
  metadata: { ticket: 'OPS-1' },
  dry_run: false,
};

describe('parseGrant', () => {
  it('reads every field of the model as it was sent', () => {
    expect(parseGrant(whole, realm)).toEqual({ grant: whole, audiences: [] });
  });

  it('adds what the model gives by default, and leaves the life to the ceiling', () => {
    expect(readGrant(smallest)).toEqual({
      subject: { tenant: 'acme', id: 'u_42', type: 'end_user', provision: 'none' },
      resources: smallest.resources,
      policies: [],
      format: 'opaque',
      purpose: 'embed',
      dry_run: false,
    });
  });

  const resource = (fields: object) => ({ ...smallest, resources: [{ ...dashboard, ...fields }] });
  const subject = (fields: object) => ({ ...smallest, subject: { ...smallest.subject, ...fields } });
  const life = (lifetime: object, fields: object = {}) => ({ ...smallest, ...fields, lifetime });
  const bound = (binding: object) => ({ ...smallest, binding });

  it.each<[string, unknown, string]>([
    ['a list', [], ''],
    ['an unknown field', { ...smallest, 'a/b': 1 }, '/a~1b'],
    ['an unknown field of a resource', resource({ rls: 'x' }), '/resources/0/rls'],
    ['a field that every object has', JSON.parse('{"__proto__":{}}'), '/__proto__'],
    [
      'a hidden key of a map',
      resource({ filters: { locked: JSON.parse('{"__proto__":1}') } }),
      '/resources/0/filters/locked/__proto__',
    ],
    ['an empty tenant', subject({ tenant: '' }), '/subject/tenant'],
    ['a tenant beyond 256 bytes', subject({ tenant: 'é'.repeat(129) }), '/subject/tenant'],
    ['a control character', subject({ id: 'u\n42' }), '/subject/id'],
    ['an end user without an id', subject({ id: undefined }), '/subject/id'],
    [
      'too many attributes',
      subject({ attributes: Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`a${i}`, 1])) }),
      '/subject/attributes',
    ],
    ['a large attribute', subject({ attributes: { a: Array(300).fill('abc') } }), '/subject/attributes/a'],
    [
      'attributes beyond 16 KiB',
      subject({
        attributes: Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`a${i}`, 'x'.repeat(1000)])),
      }),
      '/subject/attributes',
    ],
    ['no resources', { ...smallest, resources: [] }, '/resources'],
    [
      '101 resources',
      { ...smallest, resources: Array.from({ length: 101 }, (_, i) => ({ ...dashboard, id: `d${i}` })) },
      '/resources',
    ],
    ['a resource twice', { ...smallest, resources: [dashboard, dashboard] }, '/resources/1/id'],
    ['an unregistered type', resource({ type: 'table' }), '/resources/0/type'],
    ['a custom type without a name', resource({ type: 'custom:' }), '/resources/0/type'],
    ['an unregistered action', resource({ actions: ['export:*'] }), '/resources/0/actions/0'],
    ['no actions', resource({ actions: [] }), '/resources/0/actions'],
    ['no rows', resource({ rows: undefined }), '/resources/0/rows'],
    [
      'SQL of the caller',
      resource({ rows: { col: 'a', op: 'in_query', value: { sql: 'SELECT 1', columnName: 'a' } } }),
      '/resources/0/rows',
    ],
    [
      'columns allowed and denied',
      resource({ columns: { allow: ['a'], deny: ['b'] } }),
      '/resources/0/columns',
    ],
    ['an unknown mask', resource({ columns: { mask: { a: 'blur' } } }), '/resources/0/columns/mask/a'],
    [
      '201 columns',
      resource({ columns: { deny: Array.from({ length: 201 }, (_, i) => `c${i}`) } }),
      '/resources/0/columns/deny',
    ],
    ['21 policies', { ...smallest, policies: Array(21).fill({ kind: 'row', name: 'a' }) }, '/policies'],
    [
      'a policy value of mixed types',
      { ...smallest, policies: [{ kind: 'row', name: 'a', params: { a: [1, 'b'] } }] },
      '/policies/0/params/a',
    ],
    ['metadata beyond 4 KiB', { ...smallest, metadata: { a: 'x'.repeat(4096) } }, '/metadata'],
    ['an origin without TLS', bound({ origins: ['http://app.acme.com'] }), '/binding/origins/0'],
    ['localhost', bound({ origins: ['http://localhost:3000'] }), '/binding/origins/0'],
    ['a thumbprint of the wrong length', bound({ key: { jkt: 'abc' } }), '/binding/key/jkt'],
    ['a life below ten seconds', life({ ttl: 9 }), '/lifetime/ttl'],
    ['a life beyond a day', life({ ttl: 86_401 }), '/lifetime/ttl'],
    ['no end', life({ ttl: null }), '/lifetime/ttl'],
    ['idle longer than the life', life({ ttl: 60, idle: 61 }), '/lifetime/idle'],
    ['idle below half a minute', life({ idle: 29 }), '/lifetime/idle'],
    ['a start after the end', life({ not_before: 600 }), '/lifetime/not_before'],
    ['too many uses', life({ max_uses: 1_000_001 }), '/lifetime/max_uses'],
    ['one use and two', life({ one_time: true, max_uses: 2 }), '/lifetime/max_uses'],
    [
      'refreshing what is used once',
      life({ one_time: true, refresh: { allowed: true } }),
      '/lifetime/refresh',
    ],
    [
      'refreshing beyond 30 days',
      life({ refresh: { allowed: true, absolute: 2_592_001 } }),
      '/lifetime/refresh/absolute',
    ],
    [
      'a refresh that ends before the token',
      life({ refresh: { allowed: true, absolute: 500 } }),
      '/lifetime/refresh',
    ],
    ['a format of its own', { ...smallest, format: 'paseto' }, '/format'],
  ])('refuses %s', (_what, input, pointer) => {
    expect(refusalsIn(parseGrant(input, realm))).toEqual([`invalid_request ${pointer}`]);
  });

  it('says all that is wrong at once', () => {
    const input = {
      ...life({ ttl: 'long' }),
      more: 1,
      resources: [{ ...dashboard, id: 7, rows: { col: 'a' } }],
    };

    expect(refusalsIn(parseGrant(input, realm)).toSorted()).toEqual([
      'invalid_request /lifetime/ttl',
      'invalid_request /more',
      'invalid_request /resources/0/id',
      'invalid_request /resources/0/rows/op',
    ]);
  });

  it('never repeats a value of the caller', () => {
    const input = resource({
      id: 7,
      type: 'hunter2',
      rows: { col: 'hunter2;', op: 'hunter2', value: 'hunter2' },
    });

    expect(JSON.stringify(parseGrant(input, realm))).not.toContain('hunter2');
  });

  it('refuses what is nested beyond reason, however it is nested', () => {
    let metadata: unknown = 1;
    for (let level = 0; level < 20_000; level += 1)
      metadata = level % 2 === 0 ? [metadata] : { and: metadata };

    expect(parseGrant({ ...smallest, metadata }, realm)).toMatchObject({
      refused: [{ code: 'invalid_request', message: 'is nested deeper than 32 levels' }],
    });
  });

  it('lets a realm allow what is off by default', () => {
    const generous = guestPolicy.parse({
      minTtl: 1,
      maxTtl: 2_592_000,
      allowNonExpiring: true,
      allowRawSql: true,
      allowLocalhostOrigins: true,
      defaultRows: 'none',
    });
    const query = { col: 'a', op: 'in_query', value: { sql: 'SELECT 1', columnName: 'a' } };
    const allowed = [
      life({ ttl: 1 }),
      life({ ttl: 2_592_000 }),
      life({ ttl: null }, { format: 'uuid' }),
      bound({ origins: ['http://localhost:3000'] }),
      resource({ rows: query }),
      resource({ rows: undefined }),
    ];

    expect(allowed.flatMap((input) => refusalsIn(parseGrant(input, generous)))).toEqual([]);
    expect(refusalsIn(parseGrant(life({ ttl: null }, { format: 'jwt' }), generous))).toEqual([
      'invalid_request /lifetime/ttl',
    ]);
  });

  it('takes what is repeated in a list once', () => {
    expect(readGrant(resource({ actions: ['view', 'filter', 'view'] })).resources[0]?.actions).toEqual([
      'view',
      'filter',
    ]);
  });
});

describe('actions', () => {
  it('are covered by coarse scopes', () => {
    expect(scopesOf(['view', 'drill', 'export:csv', 'export:pdf', 'edit'])).toEqual([
      'guest:view',
      'guest:export',
      'guest:edit',
    ]);
  });

  it('need a right of the user who passes them on', () => {
    expect(permissionNeeded('dashboard', 'export:csv')).toBe('dashboards:read');
    expect(permissionNeeded('query', 'sql')).toBe('queries:write');
  });
});
