import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PolicyUse, Subject } from '../../src/guest/grant/grant.ts';
import { limitRows, resolvePolicies, withoutSecrets } from '../../src/guest/limits/policies.ts';
import { type Policy, policy } from '../../src/registry/model/model.ts';
import { accepted, readGranted, refusalsIn, smallest } from './guest-support.ts';

const defined: readonly Policy[] = [
  {
    kind: 'row',
    name: 'region_filter',
    parameters: ['state'],
    template: { col: 'state', op: 'in', value: '{{ state }}' },
  },
  {
    kind: 'row',
    name: 'tenant_tier',
    parameters: ['tenant', 'tier'],
    template: {
      and: [
        { col: 'tenant_id', op: 'eq', value: '{{tenant}}' },
        { col: 'tier', op: 'lte', value: '{{ tier }}' },
      ],
    },
  },
  {
    kind: 'row',
    name: 'elsewhere',
    parameters: ['state'],
    template: { or: [{ col: 'state', op: 'not_in', value: '{{ state }}' }] },
  },
  {
    kind: 'row',
    name: 'nested',
    parameters: ['state'],
    template: { col: 's', op: 'in', value: ['{{ state }}'] },
  },
  { kind: 'row', name: 'textual', parameters: ['a'], template: { col: 'c', op: 'eq', value: 'x {{ a }}' } },
  {
    kind: 'row',
    name: 'leaky',
    parameters: ['a@secret'],
    template: { col: 'c', op: 'eq', value: '{{ a@secret }}' },
  },
  {
    kind: 'connection',
    name: 'store',
    parameters: ['tenant', 'pass@secret'],
    template: {
      connection: 'store_{{ tenant }}',
      options: ['{{ tenant }}', 5],
      password: '{{ pass@secret }}',
      url: 'db://u:{{ pass@secret }}@h',
    },
  },
  {
    kind: 'schema',
    name: 'own',
    parameters: [],
    template: { schema: 's_{{ subject.tenant }}', of: '{{ subject.id }}' },
  },
  { kind: 'schema', name: 'undeclared', parameters: [], template: { schema: '{{ other }}' } },
].map((given) => policy.parse(given));

const subject: Subject = {
  tenant: 'blue',
  id: 'u_1',
  type: 'end_user',
  provision: 'none',
  attributes: { region: ['CA'] },
};
const use = (kind: PolicyUse['kind'], name: string, params: PolicyUse['params']): PolicyUse => ({
  kind,
  name,
  params,
});
const store = use('connection', 'store', { tenant: 'acme', 'pass@secret': 'hunter2' });

describe('resolvePolicies', () => {
  it('fills values in with their types', () => {
    const uses = [
      use('row', 'region_filter', { state: ['CA', "N'V"] }),
      use('row', 'tenant_tier', { tenant: 'acme', tier: 2 }),
    ];

    expect(resolvePolicies(uses, { defined, subject })).toEqual({
      policies: [
        { kind: 'row', name: 'region_filter', rows: { col: 'state', op: 'in', value: ['CA', "N'V"] } },
        {
          kind: 'row',
          name: 'tenant_tier',
          rows: {
            and: [
              { col: 'tenant_id', op: 'eq', value: 'acme' },
              { col: 'tier', op: 'lte', value: 2 },
            ],
          },
        },
      ],
    });
  });

  it.each(['region_filter', 'elsewhere'])('takes one value for a list of it: %s', (name) => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ maxLength: 50 }), fc.double(), fc.integer()), (state) => {
        const single = resolvePolicies([use('row', name, { state })], { defined, subject });
        const values = typeof state === 'string' ? [state] : [state];
        const list = resolvePolicies([use('row', name, { state: values })], { defined, subject });

        expect(single).toEqual(list);
      }),
    );
  });

  it('leaves secrets out, unless the answer is for the resource server', () => {
    const value = (pass: string) => ({
      connection: 'store_acme',
      options: ['acme', 5],
      password: pass,
      url: `db://u:${pass}@h`,
    });

    expect(resolvePolicies([store], { defined, subject })).toEqual({
      policies: [{ kind: 'connection', name: 'store', value: value('{{ pass@secret }}') }],
    });
    expect(resolvePolicies([store], { defined, subject, readsSecrets: () => true })).toEqual({
      policies: [{ kind: 'connection', name: 'store', value: value('hunter2') }],
    });
    expect(withoutSecrets([store])).toEqual([use('connection', 'store', { tenant: 'acme' })]);
  });

  it('takes braces that are no placeholder for data', () => {
    const given = use('row', 'region_filter', { state: ['{{', '}}', '{{}}', '{ a }', '{{ a b }}'] });

    expect(resolvePolicies([given], { defined, subject })).toHaveProperty('policies');
  });

  it.each([{ tenant: '{{ subject.tenant }}' }, { id: '{{ subject.id }}' }])(
    'does not take what the guest says for a placeholder: %j',
    (said) => {
      const resolve = (one: Subject) =>
        resolvePolicies([use('schema', 'own', {})], { defined, subject: one });

      expect(resolve(subject)).toHaveProperty('policies');
      expect(refusalsIn(resolve({ ...subject, ...said }))).toEqual(['policy_unresolved /policies/0']);
    },
  );

  it('does not take a value for a placeholder', () => {
    const sly = use('connection', 'store', { tenant: 'x', 'pass@secret': '{{ tenant }}' });

    expect(refusalsIn(resolvePolicies([sly], { defined, subject, readsSecrets: () => true }))).toEqual([
      'policy_unresolved /policies/0',
    ]);
  });

  it.each<[string, PolicyUse]>([
    ['an unknown policy', use('row', 'nobody', {})],
    ['a policy of another kind', use('schema', 'region_filter', { state: ['CA'] })],
    ['a parameter missing', use('row', 'tenant_tier', { tenant: 'acme' })],
    ['a parameter too many', use('row', 'region_filter', { state: ['CA'], more: 1 })],
    ['a value of the wrong type', use('row', 'tenant_tier', { tenant: ['acme'], tier: 2 })],
    ['a list inside a list', use('row', 'nested', { state: ['CA'] })],
    ['a placeholder inside the text of a row limit', use('row', 'textual', { a: 'x' })],
    ['a secret in a row limit', use('row', 'leaky', { 'a@secret': 'x' })],
    ['a placeholder that is not declared', use('schema', 'undeclared', {})],
    ['a value that leaves its name', use('connection', 'store', { tenant: 'a@evil/', 'pass@secret': 'x' })],
    ['a list inside a string', use('connection', 'store', { tenant: ['a'], 'pass@secret': 'x' })],
    [
      'a value that is its own placeholder',
      use('connection', 'store', { tenant: '{{ tenant }}', 'pass@secret': 'x' }),
    ],
    [
      'a value that is another placeholder',
      use('connection', 'store', { tenant: '{{pass@secret}}', 'pass@secret': 'x' }),
    ],
    [
      'a secret with a placeholder in it',
      use('connection', 'store', { tenant: 'x', 'pass@secret': 'a{{ tenant }}b' }),
    ],
    ['a placeholder for a row value', use('row', 'tenant_tier', { tenant: '{{ tenant }}', tier: 2 })],
    ['a placeholder in a list', use('row', 'region_filter', { state: ['CA', '{{ state }}'] })],
    ['what every object has', use('row', 'constructor', {})],
  ])('refuses %s', (_what, given) => {
    expect(refusalsIn(resolvePolicies([given], { defined, subject }))).toEqual([
      'policy_unresolved /policies/0',
    ]);
  });
});

describe('limitRows', () => {
  it('puts every row policy on every resource', () => {
    const granted = readGranted({
      ...smallest,
      resources: [
        { type: 'dashboard', id: 'd', actions: ['view'], rows: 'all' },
        { type: 'metric', id: 'm', actions: ['view'], rows: { col: 'a', op: 'eq', value: 1 } },
      ],
    });
    const { policies } = accepted(
      resolvePolicies([use('row', 'region_filter', { state: ['CA'] }), store], { defined, subject }),
    );
    const region = { col: 'state', op: 'in', value: ['CA'] };

    const limited = accepted(limitRows(granted, policies)).granted;

    expect(limited.resources.map(({ rows }) => rows)).toEqual([
      region,
      { and: [region, { col: 'a', op: 'eq', value: 1 }] },
    ]);
  });

  it('refuses what becomes too large', () => {
    const many = Array.from({ length: 100 }, (_, value) => ({ col: 'a', op: 'ne', value }));
    const granted = readGranted({
      ...smallest,
      resources: [{ type: 'metric', id: 'm', actions: ['view'], rows: { and: many } }],
    });
    const { policies } = accepted(
      resolvePolicies([use('row', 'region_filter', { state: ['CA'] })], { defined, subject }),
    );

    expect(refusalsIn(limitRows(granted, policies))).toEqual(['policy_unresolved /resources/0/rows']);
  });
});
