import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { guestPolicy } from '../../src/guest/grant/guest-policy.ts';
import { fromDetails, toDetails } from '../../src/guest/record/rar.ts';
import { accepted, grantJson, readGrant, realm, refusalsIn } from './guest-support.ts';

const dashboard = {
  type: 'embed_resource',
  locations: ['https://bi.example.com/'],
  identifier: 'dash-1',
  datatypes: ['dashboard'],
  privileges: ['children'],
  actions: ['view', 'filter'],
  rows: { and: [{ col: 'tenant_id', op: 'eq', value: 'acme' }] },
  columns: { deny: ['salary'] },
};
const policy = {
  type: 'embed_policy',
  identifier: 'region_filter',
  datatypes: ['row'],
  params: { state: ['CA'] },
};
const session = {
  type: 'embed_session',
  binding: { origins: ['https://app.acme.com'] },
  lifetime: { ttl: 600, idle: 300 },
};

describe('authorization_details', () => {
  it('are a grant in other words', () => {
    expect(fromDetails([dashboard, policy, session], realm)).toEqual({
      grant: {
        resources: [
          {
            type: 'dashboard',
            id: 'dash-1',
            include: 'children',
            locations: dashboard.locations,
            actions: dashboard.actions,
            rows: dashboard.rows,
            columns: dashboard.columns,
          },
        ],
        policies: [{ kind: 'row', name: 'region_filter', params: { state: ['CA'] } }],
        binding: session.binding,
        lifetime: session.lifetime,
        format: 'opaque',
        purpose: 'embed',
        dry_run: false,
      },
    });
  });

  it('say everything that a grant says of resources, policies and the session', () => {
    fc.assert(
      fc.property(grantJson, (json) => {
        const grant = readGrant(json);

        expect(fromDetails(JSON.parse(JSON.stringify(toDetails(grant))), realm)).toEqual({ grant });
      }),
    );
  });

  it('are the same after a way there and back', () => {
    const { grant } = accepted(fromDetails([dashboard, policy, session], realm));

    expect(toDetails(grant)).toEqual([dashboard, policy, session]);
  });

  it('leave secrets out', () => {
    const secret = { ...policy, params: { state: ['CA'], 'key@secret': 'hunter2' } };
    const { grant } = accepted(fromDetails([dashboard, secret], realm));

    expect(JSON.stringify(toDetails(grant))).not.toContain('hunter2');
  });

  it.each<[string, unknown, string]>([
    ['an object', dashboard, ''],
    ['nothing', [], ''],
    ['no resource', [session], ''],
    ['an unknown type', [dashboard, { type: 'payment' }], '/1/type'],
    ['an unknown field', [{ ...dashboard, rls: 1 }], '/0/rls'],
    ['a field of another type', [dashboard, { ...policy, rows: 'all' }], '/1/rows'],
    ['two data types', [{ ...dashboard, datatypes: ['dashboard', 'metric'] }], '/0/datatypes'],
    ['an unknown privilege', [{ ...dashboard, privileges: ['admin'] }], '/0/privileges/0'],
    ['no rows', [session, { ...dashboard, rows: undefined }], '/1/rows'],
    ['a wrong predicate', [{ ...dashboard, rows: { and: [{ col: 'a', op: 'eq' }] } }], '/0/rows/and/0/value'],
    ['a resource twice', [policy, dashboard, dashboard], '/2/identifier'],
    ['a second session', [session, dashboard, session], '/2'],
    ['a life too long', [dashboard, { ...session, lifetime: { ttl: 1e6 } }], '/1/lifetime/ttl'],
    [
      'an origin without TLS',
      [dashboard, { ...session, binding: { origins: ['http://localhost'] } }],
      '/1/binding/origins/0',
    ],
    [
      'a hidden field',
      [dashboard, JSON.parse('{"type":"embed_session","ui":{"features":{"__proto__":true}}}')],
      '/1/ui/features/__proto__',
    ],
  ])('are refused with %s', (_what, details, pointer) => {
    expect(refusalsIn(fromDetails(details, realm))).toEqual([`invalid_authorization_details ${pointer}`]);
  });

  it('follow the rules of the realm', () => {
    const generous = guestPolicy.parse({ maxTtl: 2_000_000, defaultRows: 'all' });

    expect(
      refusalsIn(
        fromDetails(
          [
            { ...dashboard, rows: undefined },
            { ...session, lifetime: { ttl: 1e6 } },
          ],
          generous,
        ),
      ),
    ).toEqual([]);
  });
});
