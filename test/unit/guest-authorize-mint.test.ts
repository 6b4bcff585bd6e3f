import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isRefused } from '../../src/guest/grant/refusal.ts';
import { authorizeMint } from '../../src/guest/issue/authorize-mint.ts';
import { mints } from '../../src/guest/limits/ceiling.ts';
import type { GuestRealm } from '../../src/guest/limits/guest-realm.ts';
import type { GuestRecord } from '../../src/guest/record/guest-record.ts';
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

function decided({ own, named }: Asked, above?: GuestRecord) {
  const ceiling = mints.parse({ apis: own, types: ['dashboard'], actions: ['view'] });
  return authorizeMint(
    { clock: () => 1_000_000 },
    {
      realm,
      minter: { clientId: 'portal', ceiling, minTtl: 10 },
      asked: readGrant(smallest),
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
        const child = decided(second, parent);
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
});
