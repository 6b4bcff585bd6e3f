import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decideColumn } from '../../src/guest/grant/columns.ts';
import { guestGrant, type Resource } from '../../src/guest/grant/grant.ts';
import type { Rows } from '../../src/guest/grant/predicate.ts';
import { matchesRow, type Row } from '../../src/guest/grant/predicate-match.ts';
import { attenuate, type Parent } from '../../src/guest/limits/attenuate.ts';
import {
  accepted,
  columnNames,
  grantJson,
  numbers,
  readGrant,
  readGranted,
  refusalsIn,
  smallest,
  strings,
} from './guest-support.ts';

const tenant = { col: 'tenant_id', op: 'eq', value: 'acme' };
const state = { col: 'state', op: 'in', value: ['CA', 'NV'] };
const dashboard = {
  type: 'dashboard',
  id: 'dash-1',
  actions: ['view', 'filter'],
  rows: { and: [tenant, state] },
  columns: { deny: ['salary'], mask: { email: 'hash' } },
  filters: { locked: { customer: '7' }, hidden: ['internal'], show_on_url: false },
  limits: { max_rows: 100 },
};
const whole = {
  subject: smallest.subject,
  resources: [dashboard, { type: 'metric', id: 'm', actions: ['view'], rows: 'all' }],
  policies: [{ kind: 'connection', name: 'store', params: { tenant: 'acme' } }],
  context: { datasource: 'eu', domains: { mode: 'include', ids: ['sales'] }, locale: 'de-DE' },
  ui: { hide: ['sidebar'], features: { assistant: false }, start: { id: 'dash-1', mode: 'force' } },
  binding: { origins: ['https://*.acme.com'], ip: ['10.0.0.0/8'] },
  lifetime: { ttl: 600, idle: 300 },
  session: { key: 'sid' },
};
const audiences = ['https://bi.example.com', 'https://lake.example.com'];
const parent: Parent = { granted: readGranted(whole), audiences, ttlLeft: 400, usesLeft: 5 };

const asking = (fields: object) => readGrant({ resources: [{ ...dashboard }], ...fields });
const resource = (fields: object) => asking({ resources: [{ ...dashboard, ...fields }] });

const seenRows = (rows: readonly Row[], limit: Rows = 'none') => rows.filter((row) => matchesRow(limit, row));
const shownColumns = (given: Pick<Resource, 'columns'> | undefined) =>
  ['a', 'b', 'c'].filter((name) => decideColumn(given?.columns, name) === 'show');

describe('attenuate', () => {
  it('gives a child all that it does not say as the parent has it', () => {
    const child = readGrant({
      resources: [{ type: 'dashboard', id: 'dash-1', actions: ['view'], rows: tenant }],
    });

    expect(attenuate(parent, child)).toEqual({
      granted: {
        ...parent.granted,
        resources: [{ ...parent.granted.resources[0], actions: ['view'], rows: dashboard.rows }],
        lifetime: { ttl: 400, idle: 300, max_uses: 5 },
      },
    });
  });

  it('grants exactly what is narrower', () => {
    const fields = {
      rows: { and: [tenant, { ...state, value: ['CA'] }] },
      columns: { allow: ['name', 'email'] },
      filters: { locked: { region: 'EU' }, hidden: ['more'] },
      limits: { max_rows: 10 },
    };
    const child = asking({
      resources: [{ ...dashboard, ...fields }],
      policies: [{ kind: 'row', name: 'region', params: {} }],
      binding: { origins: ['https://eu.acme.com'] },
      lifetime: { ttl: 60, one_time: true },
    });

    const { granted } = accepted(attenuate(parent, child));

    expect(granted.resources).toEqual([
      {
        ...dashboard,
        rows: { and: [tenant, state, { ...state, value: ['CA'] }] },
        columns: { allow: ['name', 'email'], mask: { email: 'hash' } },
        filters: {
          locked: { region: 'EU', customer: '7' },
          hidden: ['internal', 'more'],
          show_on_url: false,
        },
        limits: { max_rows: 10 },
      },
    ]);
    expect(granted.policies.map(({ name }) => name)).toEqual(['store', 'region']);
    expect(granted.binding).toEqual({ origins: ['https://eu.acme.com'], ip: ['10.0.0.0/8'] });
    expect(granted.lifetime).toEqual({ ttl: 60, one_time: true, max_uses: 1 });
  });

  it.each<[string, ReturnType<typeof readGrant>, string]>([
    ['another subject', asking({ subject: { tenant: 'acme', id: 'u_43' } }), '/subject'],
    ['a resource more', asking({ resources: [{ ...dashboard, id: 'dash-2' }] }), '/resources/0'],
    ['what lies below a resource', resource({ include: 'children' }), '/resources/0/include'],
    ['an action more', resource({ actions: ['view', 'edit'] }), '/resources/0/actions/1'],
    ['all rows', resource({ rows: 'all' }), '/resources/0/rows'],
    ['other rows', resource({ rows: { ...tenant, value: 'globex' } }), '/resources/0/rows'],
    ['more rows', resource({ rows: { ...state, value: ['CA', 'WA'] } }), '/resources/0/rows'],
    ['a denied column', resource({ columns: { allow: ['Salary'] } }), '/resources/0/columns'],
    [
      'a filter unlocked',
      resource({ filters: { locked: { customer: '8' } } }),
      '/resources/0/filters/locked/customer',
    ],
    ['more rows at a time', resource({ limits: { max_rows: 101 } }), '/resources/0/limits/max_rows'],
    [
      'another resource server',
      resource({ locations: ['https://a.example.com'] }),
      '/resources/0/locations/0',
    ],
    [
      'another connection',
      asking({ policies: [{ kind: 'connection', name: 'store', params: { tenant: 'b' } }] }),
      '/policies/0',
    ],
    ['another data source', asking({ context: { datasource: 'us' } }), '/context/datasource'],
    ['an environment not named', asking({ context: { environment: 'test' } }), '/context/environment'],
    [
      'another domain',
      asking({ context: { domains: { mode: 'include', ids: ['sales', 'hr'] } } }),
      '/context/domains/ids',
    ],
    ['a feature', asking({ ui: { features: { assistant: true } } }), '/ui/features/assistant'],
    ['a feature not mentioned', asking({ ui: { features: { sql: true } } }), '/ui/features/sql'],
    ['another start', asking({ ui: { start: { id: 'x' } } }), '/ui/start'],
    ['another origin', asking({ binding: { origins: ['https://evil.example'] } }), '/binding/origins'],
    ['a larger network', asking({ binding: { ip: ['0.0.0.0/0'] } }), '/binding/ip'],
    ['a later end', asking({ lifetime: { ttl: 401 } }), '/lifetime/ttl'],
    ['a longer idle time', asking({ lifetime: { idle: 301 } }), '/lifetime/idle'],
    ['more uses', asking({ lifetime: { max_uses: 6 } }), '/lifetime/max_uses'],
    ['a refresh', asking({ lifetime: { refresh: { allowed: true } } }), '/lifetime/refresh'],
    ['a start after its end', asking({ lifetime: { not_before: 450 } }), '/lifetime/not_before'],
    ['another session', asking({ session: { key: 'other' } }), '/session'],
  ])('refuses %s', (_what, child, pointer) => {
    expect(refusalsIn(attenuate(parent, child))).toEqual([`invalid_authorization_details ${pointer}`]);
  });

  it('may be for fewer of the APIs that the parent is for', () => {
    const [first] = audiences;

    const { granted } = accepted(attenuate(parent, resource({ locations: [first] })));

    expect(granted.resources[0]?.locations).toEqual([first]);
  });

  it('has no end only below a parent without one', () => {
    const forever = { ...asking({}), lifetime: { ttl: null } };

    expect(refusalsIn(attenuate(parent, forever))).toEqual(['invalid_authorization_details /lifetime/ttl']);
    expect(accepted(attenuate({ ...parent, ttlLeft: null }, forever)).granted.lifetime.ttl).toBeNull();
    expect(accepted(attenuate({ ...parent, ttlLeft: null }, asking({}))).granted.lifetime.ttl).toBe(600);
  });

  it('never gives a child more than its parent, nor more than it asked for', () => {
    const cell = fc.constantFrom(...strings, ...numbers, null);
    const rowOf = fc.record(Object.fromEntries(columnNames.map((name) => [name, cell])));
    fc.assert(
      fc.property(grantJson, grantJson, fc.array(rowOf), fc.boolean(), (first, second, rows, isRelated) => {
        const granted = readGranted(first);
        const asked = readGrant(isRelated ? { ...second, resources: first.resources } : second);
        const held = { granted, audiences, ttlLeft: 300, usesLeft: null };
        const outcome = attenuate(held, asked);
        fc.pre('granted' in outcome);
        const child = accepted(outcome).granted;

        expect(child.lifetime.ttl).toBeLessThanOrEqual(300);
        expect(child.policies).toEqual(expect.arrayContaining(granted.policies));
        expect(child.context?.datasource).toBe(granted.context?.datasource);
        expect(child.context?.environment).toBe(granted.context?.environment);
        const allowing = child.resources.filter(({ actions }) => actions.length > 0);
        // The rest is kept for its limits beside a container, as it was.
        const kept = child.resources.slice(allowing.length);
        expect(granted.resources.map((one) => ({ ...one, actions: [] }))).toEqual(
          expect.arrayContaining(kept),
        );
        for (const [index, one] of allowing.entries()) {
          const above = granted.resources.find(({ type, id }) => type === one.type && id === one.id);
          const seen = seenRows(rows, one.rows);
          expect(above?.actions).toEqual(expect.arrayContaining(one.actions));
          expect(seenRows(rows, above?.rows)).toEqual(expect.arrayContaining(seen));
          expect(seenRows(rows, asked.resources[index]?.rows)).toEqual(expect.arrayContaining(seen));
          expect(shownColumns(above)).toEqual(expect.arrayContaining(shownColumns(one)));
          expect(above?.locations ?? audiences).toEqual(expect.arrayContaining(one.locations ?? []));
        }
        const whole = JSON.parse(JSON.stringify({ ...child, resources: allowing }));
        expect(guestGrant.safeParse(whole).success).toBe(true);
      }),
    );
  });
});
