import { describe, expect, it } from 'vitest';
import { isNarrowerCeiling } from '../../src/guest/limits/ceiling-change.ts';
import { isNarrowerSection } from '../../src/surfaces/facades/section-change.ts';

const rows = { col: 'tenant', op: 'eq', value: 'blue' };
const full = {
  apis: ['analytics', 'warehouse'],
  types: ['dashboard', 'report'],
  actions: ['view', 'filter'],
  resources: [
    { type: 'dashboard', id: 'd1' },
    { type: 'report', id: 'd1', include: 'children' },
  ],
  tenants: ['blue', 'green'],
  rows,
  policies: ['region', 'store'],
  maxTtl: 600,
  maxRefresh: 3600,
  allowNonExpiring: true,
  formats: ['opaque', 'jwt'],
  subjectsFrom: ['web', 'app'],
  perMinute: 100,
};

describe('a ceiling', () => {
  it.each<[string, object]>([
    ['apis', { apis: ['analytics'] }],
    ['types', { types: ['dashboard'] }],
    ['actions', { actions: ['view'] }],
    ['resources', { resources: [{ type: 'dashboard', id: 'd1' }] }],
    ['what lies below', { resources: full.resources.map(({ type, id }) => ({ type, id })) }],
    ['tenants', { tenants: ['blue'] }],
    ['policies', { policies: [] }],
    ['policies that every guest has', { requiredPolicies: ['region'] }],
    ['life', { maxTtl: 599 }],
    ['refreshing', { maxRefresh: 3599 }],
    ['tokens without an end', { allowNonExpiring: false }],
    ['formats', { formats: ['opaque'] }],
    ['whose tokens it exchanges', { subjectsFrom: ['web'] }],
  ])('gets narrower by its %s, and wider by having them back', (_what, change) => {
    expect(isNarrowerCeiling(full, { ...full, ...change })).toBe(true);
    expect(isNarrowerCeiling({ ...full, ...change }, full)).toBe(false);
  });

  it.each<[string, object]>([
    ['rows', { rows: { ...rows, value: 'green' } }],
    ['API, the default one', { apis: undefined }],
  ])('with another %s is narrower, as neither is known to hold the other', (_what, change) => {
    expect(isNarrowerCeiling(full, { ...full, ...change })).toBe(true);
    expect(isNarrowerCeiling({ ...full, ...change }, full)).toBe(true);
  });

  it.each<[string, object]>([
    ['resources', { resources: undefined }],
    ['tenants', { tenants: undefined }],
    ['rows', { rows: undefined }],
    ['policies', { policies: undefined }],
    ['formats', { formats: undefined }],
  ])('without %s has them all', (_what, change) => {
    expect(isNarrowerCeiling(full, { ...full, ...change })).toBe(false);
    expect(isNarrowerCeiling({ ...full, ...change }, full)).toBe(true);
  });

  it('is none where there is none, or none that counts', () => {
    expect(isNarrowerCeiling(full, undefined)).toBe(true);
    expect(isNarrowerCeiling(full, { types: 'all' })).toBe(true);
    expect(isNarrowerCeiling(undefined, full)).toBe(false);
    expect(isNarrowerCeiling(undefined, undefined)).toBe(false);
  });

  it('takes nothing away by another order, or another pace', () => {
    const turned = { ...full, types: [...full.types].reverse(), tenants: [...full.tenants].reverse() };

    expect(isNarrowerCeiling(full, { ...turned, perMinute: 1 })).toBe(false);
  });
});

const informer = { reports: ['r1', 'r2'], readPermission: 'a:r', writePermission: 'a:w' };
const semaphor = {
  dashboards: [{ id: 'd1', secret: 'x'.repeat(16), project: 'p' }],
  policies: ['store'],
  assignedPolicies: ['region'],
};
const databrain = { workspaces: ['w'], dataApps: [{ name: 'app', apiKeys: ['x'.repeat(16)] }] };

describe('a section', () => {
  it.each<[string, object, object]>([
    ['informer', informer, { reports: ['r1'] }],
    ['informer', informer, { api: 'warehouse' }],
    ['informer', { ...informer, allowNonExpiring: true }, { allowNonExpiring: false }],
    ['semaphor', semaphor, { dashboards: [] }],
    ['semaphor', semaphor, { policies: [] }],
    ['semaphor', semaphor, { assignedPolicies: ['region', 'more'] }],
    ['databrain', databrain, { workspaces: [] }],
    ['databrain', databrain, { dataApps: [] }],
    ['databrain', databrain, { actions: ['view'] }],
  ])('%s gets narrower: %j with %j', (name, section, change) => {
    expect(isNarrowerSection(name, section, { ...section, ...change })).toBe(true);
  });

  it.each<[string, object, object]>([
    ['informer', informer, { reports: ['r3', 'r2', 'r1'], writePermission: 'a:x' }],
    ['semaphor', semaphor, { dashboards: [{ id: 'd1', secret: 'y'.repeat(16), project: 'p' }] }],
    ['semaphor', semaphor, { assignedPolicies: [] }],
    ['databrain', databrain, { dataApps: [{ name: 'app', apiKeys: [] }], enabled: true }],
  ])('%s takes nothing away: %j with %j', (name, section, change) => {
    expect(isNarrowerSection(name, section, { ...section, ...change })).toBe(false);
  });
});
