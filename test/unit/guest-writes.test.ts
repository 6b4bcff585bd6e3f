import { describe, expect, it } from 'vitest';
import { refreshWrites } from '../../src/guest/issue/refresh-value.ts';
import { idleWrites, recordWrites } from '../../src/guest/issue/writes.ts';
import { nodesOfGuest } from '../../src/guest/record/guest-nodes.ts';
import type { GuestRecord } from '../../src/guest/record/guest-record.ts';
import { LASTING_CUT_TTL } from '../../src/revocation/life.ts';

const record: GuestRecord = {
  k: 'GuestToken',
  v: 1,
  id: 'gt_1',
  clientId: 'portal',
  sub: 'guest:x',
  audiences: ['https://analytics.acme.test'],
  scope: 'guest:view',
  iat: 1000,
  exp: 1600,
  notBefore: 1000,
  granted: {
    subject: { tenant: 'blue', id: 'u', type: 'end_user', provision: 'none' },
    resources: [{ type: 'dashboard', id: 'd', actions: ['view'], rows: 'all' }],
    policies: [],
    lifetime: { ttl: 600, idle: 60 },
    format: 'opaque',
    purpose: 'embed',
    dry_run: false,
  },
  policies: [],
  narrowed: [],
  policyHash: '',
  inherited: [],
  budgets: [],
};

const resources = (count: number) =>
  Array.from({ length: count }, (_, index) => ({
    type: 'dashboard' as const,
    id: `d${index}`,
    actions: ['view' as const],
    rows: 'all' as const,
  }));

const unders = (of: GuestRecord) =>
  recordWrites('acme', of, 'hash').flatMap((write) => ('put' in write && write.under ? [write.under] : []));

describe('what is written for a guest token', () => {
  it('lets nobody be idle before they may come in', () => {
    const [now] = idleWrites('acme', record, 'hash');
    const [later] = idleWrites('acme', { ...record, notBefore: 4600 }, 'hash');

    expect(now).toMatchObject({ ttl: 60 });
    expect(later).toMatchObject({ ttl: 3660 });
  });

  it('keeps the first of a chain of refreshes as long as the chain can last, and no other', () => {
    const lifetime = { ttl: 600, refresh: { allowed: true, absolute: 7200 } };
    const first = { ...record, granted: { ...record.granted, lifetime } };
    const ttlOf = (of: GuestRecord) => {
      const own = recordWrites('acme', of, 'hash').find((write) => 'put' in write && write.put.kind === 't');
      return own !== undefined && 'ttl' in own ? own.ttl : undefined;
    };

    expect(ttlOf(first)).toBe(7200);
    expect(ttlOf({ ...first, id: 'gt_2', family: 'gt_1' })).toBe(1200);
    expect(ttlOf(record)).toBe(1200);
  });

  it('gives a refresh token its whole life from the moment that the guest token was issued', () => {
    const lifetime = { ttl: 600, refresh: { allowed: true, absolute: 7200 } };
    const refreshed = { ...record, granted: { ...record.granted, lifetime } };

    const written = refreshWrites('acme', refreshed);

    expect(written?.issued.expiresIn).toBe(7200);
    expect(written?.writes[0]?.ttl).toBe(7200);
  });

  it.each([1, 50, 61, 62, 100])(
    'never hangs a document on more nodes than the store takes: %i resources',
    (count) => {
      const wide = { ...record, granted: { ...record.granted, resources: resources(count) } };

      const all = unders(wide);

      expect(Math.max(...all.map((under) => under.length))).toBeLessThanOrEqual(256);
      expect(new Set(all.flat())).toEqual(new Set(nodesOfGuest(wide)));
    },
  );

  it('keeps what never ends as long as the cuts above it', () => {
    const eternal = { ...record, exp: null };

    const ttls = recordWrites('acme', eternal, 'hash').flatMap((write) =>
      'under' in write ? [write.ttl] : [],
    );

    expect(ttls).toEqual([LASTING_CUT_TTL, LASTING_CUT_TTL]);
  });
});
