import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { guestGrant } from '../../src/guest/grant/grant.ts';
import { guestPolicy } from '../../src/guest/grant/guest-policy.ts';
import { matchesRow } from '../../src/guest/grant/predicate-match.ts';
import { applyCeiling, type MintRules, mints } from '../../src/guest/limits/ceiling.ts';
import { accepted, grantJson, readGrant, readRows, realm, refusalsIn, smallest } from './guest-support.ts';

const portal = {
  apis: ['analytics'],
  types: ['dashboard', 'report', 'metric'],
  actions: ['view', 'filter', 'export:csv'],
};
const [dashboard] = smallest.resources;

function rules(ceiling: object = {}, more: Partial<MintRules> = {}): MintRules {
  return {
    ceiling: mints.parse({ ...portal, ...ceiling }),
    policy: realm,
    audiences: new Set(['https://analytics.acme.test']),
    policies: [],
    ...more,
  };
}

const generous = guestPolicy.parse({ allowNonExpiring: true, maxTtl: 2_592_000 });
const resource = (fields: object) => ({ ...smallest, resources: [{ ...dashboard, ...fields }] });
const life = (lifetime: object, fields: object = {}) => ({ ...smallest, ...fields, lifetime });

describe('narrow', () => {
  it('grants what is below the ceiling as it was asked', () => {
    const asked = readGrant(life({ ttl: 300, idle: 60 }));

    expect(applyCeiling(asked, rules())).toEqual({ granted: asked, narrowed: [] });
  });

  it('removes actions that the client may not pass on, and says so', () => {
    const asked = readGrant(resource({ actions: ['view', 'export:csv', 'edit'] }));

    const { granted, narrowed } = accepted(applyCeiling(asked, rules({ actions: ['view'] })));

    expect(granted.resources[0]?.actions).toEqual(['view']);
    expect(narrowed).toEqual(['export:csv removed by client policy', 'edit removed by client policy']);
  });

  it('removes actions that the user has no right to', () => {
    const asked = readGrant(resource({ actions: ['view', 'edit'] }));
    const limits = rules({ actions: ['view', 'edit'] }, { permissions: new Set(['dashboards:read']) });

    const { granted, narrowed } = accepted(applyCeiling(asked, limits));

    expect(granted.resources[0]?.actions).toEqual(['view']);
    expect(narrowed).toEqual(['edit of dashboard removed: the subject has no dashboards:write']);
    expect(refusalsIn(applyCeiling(asked, { ...limits, permissions: new Set(['reports:read']) }))).toEqual([
      'access_denied /resources/0/actions',
    ]);
  });

  it('puts the row limit of the client on every resource', () => {
    const asked = readGrant(resource({ rows: { col: 'state', op: 'eq', value: 'CA' } }));
    const own = { col: 'tenant_id', op: 'eq', value: 'acme' };

    const { granted, narrowed } = accepted(applyCeiling(asked, rules({ rows: own })));

    expect(granted.resources[0]?.rows).toEqual({ and: [own, { col: 'state', op: 'eq', value: 'CA' }] });
    expect(narrowed).toEqual(['rows of dashboard limited by client policy']);
  });

  it.each<[string, object, object, number | null]>([
    ['the default', {}, {}, 600],
    ['the default below a short ceiling', {}, { maxTtl: 60 }, 60],
    ['what was asked', { ttl: 3600 }, {}, 3600],
    ['the longest of the client', { ttl: 3600 }, { maxTtl: 1800 }, 1800],
    ['for ever', { ttl: null }, { allowNonExpiring: true }, null],
  ])('lives for %s', (_what, lifetime, ceiling, ttl) => {
    const asked = readGrant(life(lifetime), generous);

    expect(accepted(applyCeiling(asked, rules(ceiling, { policy: generous }))).granted.lifetime.ttl).toBe(
      ttl,
    );
  });

  it('says when the life or the refreshing is shortened, and drops what no longer fits', () => {
    const asked = readGrant(life({ ttl: 3600, idle: 1800, refresh: { allowed: true } }));

    const shorter = accepted(applyCeiling(asked, rules({ maxTtl: 600, maxRefresh: 7200 })));
    const none = accepted(applyCeiling(asked, rules({ maxRefresh: 0 })));

    expect(shorter.granted.lifetime).toEqual({ ttl: 600, refresh: { allowed: true, absolute: 7200 } });
    expect(shorter.narrowed).toEqual([
      'life shortened to 600 s by client policy',
      'refreshing limited to 7200 s by client policy',
    ]);
    expect(none.granted.lifetime.refresh).toEqual({ allowed: false });
  });

  it.each<[string, object, object, string]>([
    ['a foreign tenant', smallest, { tenants: ['globex'] }, 'access_denied /subject/tenant'],
    ['no subject', { ...smallest, subject: undefined }, {}, 'invalid_request /subject'],
    ['a type', resource({ type: 'dataset' }), {}, 'access_denied /resources/0/type'],
    [
      'a resource',
      smallest,
      {
        resources: [
          { type: 'dashboard', id: 'dash-2' },
          { type: 'report', id: 'dash-1' },
        ],
      },
      'access_denied /resources/0/id',
    ],
    ['every action', resource({ actions: ['edit'] }), {}, 'access_denied /resources/0/actions'],
    [
      'a resource server',
      resource({ locations: ['https://analytics.acme.test', 'https://warehouse.acme.test'] }),
      {},
      'invalid_target /resources/0/locations/1',
    ],
    ['a format', { ...smallest, format: 'jwt' }, { formats: ['opaque'] }, 'access_denied /format'],
    [
      'a policy',
      { ...smallest, policies: [{ kind: 'connection', name: 'other' }] },
      { policies: ['store'] },
      'access_denied /policies/0/name',
    ],
    ['a life without end', life({ ttl: null }), {}, 'access_denied /lifetime/ttl'],
    [
      'a start after the end',
      life({ ttl: 600, not_before: 300 }),
      { maxTtl: 200 },
      'access_denied /lifetime/not_before',
    ],
    [
      'rows too many to add to',
      resource({ rows: { and: Array.from({ length: 100 }, (_, value) => ({ col: 'a', op: 'ne', value })) } }),
      { rows: { col: 'b', op: 'eq', value: 1 } },
      'access_denied /resources/0/rows',
    ],
  ])('refuses what it cannot narrow: %s', (_what, asked, ceiling, refusal) => {
    const limits = rules(ceiling, { policy: generous });

    expect(refusalsIn(applyCeiling(readGrant(asked, generous), limits))).toEqual([refusal]);
  });

  it.each(guestGrant.shape.format.unwrap().options)(
    'gives the format %s no end only if it is no JWT',
    (format) => {
      const asked = guestGrant.parse({ ...smallest, format, lifetime: { ttl: null } });
      const outcome = applyCeiling(asked, rules({ allowNonExpiring: true }, { policy: generous }));

      const isGiven = 'granted' in outcome;

      expect(isGiven).toBe(format === 'opaque' || format === 'uuid');
    },
  );

  it('lets a client mint without an end only in a realm that allows it', () => {
    const asked = readGrant(life({ ttl: null }), generous);

    expect(refusalsIn(applyCeiling(asked, rules({ allowNonExpiring: true })))).toEqual([
      'access_denied /lifetime/ttl',
    ]);
  });

  it('takes the rows that the realm says are meant when none are named', () => {
    const policy = guestPolicy.parse({ defaultRows: 'none' });
    const asked = readGrant(resource({ rows: undefined }), policy);

    expect(accepted(applyCeiling(asked, rules({}, { policy }))).granted.resources[0]?.rows).toBe('none');
    expect(refusalsIn(applyCeiling(asked, rules()))).toEqual(['invalid_request /resources/0/rows']);
  });

  it('never grants more than was asked, nor more than the ceiling', () => {
    const own = { col: 'tenant', op: 'eq', value: 'acme' };
    const limits = rules({ types: ['dashboard', 'metric', 'report', 'custom:x'], rows: own, maxTtl: 90 });
    const some = { ...limits, audiences: new Set(['https://a.example.com/', 'https://b.example.com/']) };
    const cell = fc.constantFrom('acme', 'a', 1, null);
    const row = fc.record({ tenant: cell, amount: cell, anything: cell, 'Order Group': cell });
    fc.assert(
      fc.property(grantJson, fc.array(row), (json, rows) => {
        const asked = readGrant(json);
        const outcome = applyCeiling(asked, some);
        fc.pre('granted' in outcome);
        const { granted } = accepted(outcome);

        expect(granted.lifetime.ttl).toBeLessThanOrEqual(Math.min(90, asked.lifetime?.ttl ?? 600));
        expect(granted.resources).toHaveLength(asked.resources.length);
        for (const [index, { actions, rows: limit }] of granted.resources.entries()) {
          const wanted = asked.resources[index];
          expect(wanted?.actions).toEqual(expect.arrayContaining(actions));
          expect(limits.ceiling.actions).toEqual(expect.arrayContaining(actions));
          for (const one of rows.filter((given) => matchesRow(limit, given))) {
            expect(matchesRow(readRows(own), one)).toBe(true);
            expect(matchesRow(wanted?.rows ?? 'none', one)).toBe(true);
          }
        }
      }),
    );
  });
});

describe('mints', () => {
  it('is what the demo realm says', () => {
    const { clients } = parse(readFileSync('config/realms/acme.yaml', 'utf8'));
    const client = clients.find(({ id }: { id: string }) => id === 'portal');

    expect(mints.parse(client.mints)).toMatchObject({ ...portal, maxTtl: 86_400, subjectsFrom: ['dc-ui'] });
  });

  it.each([
    { types: undefined },
    { actions: [] },
    { actions: ['export:*'] },
    { maxLife: 5 },
    { rows: 'some' },
  ])('refuses %j', (fields) => {
    expect(mints.safeParse({ ...portal, ...fields }).success).toBe(false);
  });
});
