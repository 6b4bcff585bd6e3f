import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isRefused } from '../../src/guest/grant/refusal.ts';
import { authorizeMint } from '../../src/guest/issue/authorize-mint.ts';
import { mints } from '../../src/guest/limits/ceiling.ts';
import type { GuestRealm } from '../../src/guest/limits/guest-realm.ts';
import { type GuestRecord, isEarly } from '../../src/guest/record/guest-record.ts';
import { realm as policy, readGrant, smallest } from './guest-support.ts';

const ids = ['a', 'b', 'c'];
const audienceOf = (id: string) => `https://${id}.example`;
const apis = ids.map((id) => ({
  id,
  audience: audienceOf(id),
  permissions: [],
  tokens: { format: 'opaque' as const },
}));
const realm: GuestRealm = {
  name: 'acme',
  issuer: 'https://login.example/realms/acme',
  policy,
  quota: 'unlimited',
  policies: [],
  apis,
  defaultApi: { id: 'a', audience: audienceOf('a'), permissions: [], tokens: { format: 'opaque' } },
  rolesPermit: () => true,
  jwks: [],
  secret: randomBytes(32),
};

type Asked = { readonly own: readonly string[]; readonly named: readonly string[] };

type More = { readonly above?: GuestRecord; readonly storeAheadMs?: number; readonly lifetime?: object };

function decided({ own, named }: Asked, { above, storeAheadMs = 0, lifetime = {} }: More = {}) {
  const ceiling = mints.parse({ apis: own, types: ['dashboard'], actions: ['view'] });
  return authorizeMint(
    { clock: () => 1_000_000, storeAheadMs: () => storeAheadMs },
    {
      realm,
      minter: { clientId: 'portal', ceiling, minTtl: 10 },
      asked: readGrant({ ...smallest, lifetime }),
      source: { by: 'portal' },
      audiences: named,
      ...(above === undefined ? {} : { parent: { nodes: [], guest: { record: above, usesLeft: null } } }),
    },
  );
}

describe('authorizeMint', () => {
  it('gives a child none but audiences of its parent, those it names, and all of them when it names none', () => {
    const name = fc.constantFrom(...ids, ...ids.map(audienceOf));
    const asked = fc.record({
      own: fc.subarray(ids, { minLength: 1 }),
      named: fc.uniqueArray(name, { maxLength: 3 }),
    });
    fc.assert(
      fc.property(asked, asked, (first, second) => {
        const parent = decided(first);
        fc.pre(!isRefused(parent));
        const child = decided(second, { above: parent });
        const own = second.own.map(audienceOf);
        const shared = parent.audiences.filter((audience) => own.includes(audience));
        const wanted = [...new Set(second.named.map((one) => (ids.includes(one) ? audienceOf(one) : one)))];
        const isWithin = wanted.every((one) => shared.includes(one));
        const expected = wanted.length > 0 ? wanted : shared;
        const isGiven = shared.length > 0 && isWithin;

        expect(isRefused(child)).toBe(!isGiven);
        expect(isRefused(child) ? [] : child.audiences).toEqual(isGiven ? expected : []);
      }),
    );
  });

  describe('when the clocks of nodes differ', () => {
    const all = { own: ['a'], named: [] };
    const early = (record: ReturnType<typeof decided>, clock: number, storeAheadMs: number) =>
      !isRefused(record) && isEarly(record, { clock: () => clock, storeAheadMs: () => storeAheadMs });

    it('lets a token count at once on every node, when no start was asked for', () => {
      const record = decided(all, { storeAheadMs: -2000 });

      expect(record).not.toHaveProperty('notBefore');
      // The clock of the minting node said 1,000,000 ms.
      expect(early(record, 990_000, 8000)).toBe(false);
    });

    it('has a start that was asked for judged by the clock of the store', () => {
      const record = decided(all, { storeAheadMs: -2000, lifetime: { not_before: 60 } });

      expect(record).toHaveProperty('notBefore', 1058);
      expect([early(record, 1_057_999, 0), early(record, 1_058_000, 0)]).toEqual([true, false]);
      expect([early(record, 1_050_000, 7999), early(record, 1_050_000, 8000)]).toEqual([true, false]);
    });
  });
});
