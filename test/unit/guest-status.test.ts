import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { GuestRealm } from '../../src/guest/limits/guest-realm.ts';
import type { GuestRecord } from '../../src/guest/record/guest-record.ts';
import {
  createPlacing,
  endStatus,
  endStatusWrites,
  isListId,
  LIST_LENGTH,
  readMember,
  statusWrites,
} from '../../src/guest/status/status-places.ts';

const realmOf = (name: string): GuestRealm => ({
  name,
  issuer: `https://login.example/realms/${name}`,
  policy: {
    maxTtl: 1,
    minTtl: 1,
    allowNonExpiring: false,
    allowRawSql: false,
    allowLocalhostOrigins: false,
    trailDays: 90,
  },
  policies: [],
  apis: [],
  defaultApi: { id: 'a', audience: 'https://a', permissions: [], tokens: { format: 'opaque' } },
  rolesPermit: () => true,
  jwks: [],
  quota: 'unlimited',
  secret: randomBytes(32),
});

const record: GuestRecord = {
  k: 'GuestToken',
  v: 1,
  id: 'gt_1',
  clientId: 'portal',
  sub: 'guest:x',
  audiences: ['https://a'],
  scope: 'guest:view',
  iat: 1000,
  exp: 1600,
  notBefore: 1000,
  granted: {
    subject: { tenant: 'blue', id: 'u', type: 'end_user', provision: 'none' },
    resources: [{ type: 'dashboard', id: 'd', actions: ['view'], rows: 'all' }],
    policies: [],
    lifetime: { ttl: 600 },
    format: 'jwt',
    purpose: 'embed',
    dry_run: false,
  },
  policies: [],
  narrowed: [],
  policyHash: '',
  inherited: [],
  budgets: [],
};
const status = { list: 'l', idx: 7, until: 2200 };

describe('places in status lists', () => {
  it('are each given once, in no order, list after list', () => {
    const realm = realmOf('acme');
    const place = createPlacing();

    const places = Array.from({ length: 2 * LIST_LENGTH + 1 }, () => place(realm, record, 0).status);

    expect(new Set(places.map((one) => `${one?.list} ${one?.idx}`)).size).toBe(places.length);
    expect(new Set(places.map((one) => one?.list)).size).toBe(3);
    const [first = -1, second = -1, third = -1] = places.map((one) => one?.idx ?? -1);
    expect([second - first, third - second]).not.toEqual([1, 1]);
    expect(Math.max(...places.map((one) => one?.idx ?? 0))).toBe(LIST_LENGTH - 1);
  });

  it('are in other lists for other realms, and for one of the same name made again', () => {
    const place = createPlacing();
    const realms = [realmOf('acme'), realmOf('acme'), realmOf('globex')];

    const lists = realms.map((realm) => place(realm, record, 0).status?.list ?? '');

    const known = realms.map((realm) => lists.map((list) => isListId(realm, list)));
    expect(known).toEqual([
      [true, false, false],
      [false, true, false],
      [false, false, true],
    ]);
  });

  it('have ids that nobody guesses', () => {
    const realm = realmOf('acme');

    fc.assert(fc.property(fc.string(), (id) => !isListId(realm, id)));
  });

  it.each(['opaque', 'uuid'] as const)('are not for %s tokens', (format) => {
    const plain = { ...record, granted: { ...record.granted, format } };

    expect(createPlacing()(realmOf('acme'), plain, 0)).toBe(plain);
    expect(statusWrites('acme', plain, 10)).toEqual([]);
  });

  it('are written so that they are read back', () => {
    fc.assert(
      fc.property(fc.nat(LIST_LENGTH - 1), fc.nat(), (idx, from) => {
        const narrowed = { ...record, status: { ...status, idx, from } };
        const members = [
          ...statusWrites('acme', narrowed, 10),
          ...endStatusWrites('acme', record, narrowed, 0),
        ].flatMap((write) => ('index' in write ? [readMember(write.member)] : []));

        expect(members).toEqual([
          { idx, id: 'gt_1', beside: 0 },
          { idx, from },
        ]);
      }),
    );
  });

  it('end once, at the earliest end', () => {
    const placed = { ...record, status };
    const shorter = endStatus(placed, { ...placed, exp: 1500 }, 1100);
    const shortest = endStatus(shorter, { ...shorter, exp: 1400 }, 1200);

    expect([shorter.status?.from, shortest.status?.from]).toEqual([1500, 1400]);
    expect(endStatusWrites('acme', shorter, shortest, 1200)).toEqual([
      { unindex: { realm: 'acme', kind: 'status-list', id: 'l' }, member: '7!1500' },
      { index: { realm: 'acme', kind: 'status-list', id: 'l' }, member: '7!1400', ttl: 1000 },
    ]);
    expect(endStatusWrites('acme', shortest, endStatus(shortest, shortest, 1300), 1300)).toEqual([]);
  });
});
