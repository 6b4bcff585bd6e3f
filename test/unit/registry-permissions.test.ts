import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Api, Role } from '../../src/registry/model/model.ts';
import { decideScope, grantable, indexRoles } from '../../src/registry/model/permissions.ts';

const names = ['a', 'b', 'c', 'd'];
const oidcScopes = new Set(['openid', 'profile', 'offline_access']);
const subset = (of: readonly string[]) => fc.subarray([...of]);

const api = (permissions: readonly string[]): Api => ({
  id: 'main',
  audience: 'https://main.test',
  permissions: permissions.map((name) => ({ name })),
  tokens: { format: 'opaque' },
});

/** Roles that include one another at will, circles included. */
const anyRoles: fc.Arbitrary<Role[]> = fc.tuple(
  ...names.map((name) =>
    fc.record({
      name: fc.constant(name),
      permissions: subset(['main:x', 'main:y']),
      includes: subset(names),
    }),
  ),
);

describe('roles', () => {
  it('give what they and all that they include give, and no more', () => {
    fc.assert(
      fc.property(anyRoles, subset([...names, 'unknown']), (roles, held) => {
        const index = indexRoles(roles);
        const expanded = index.expand(held);

        // Closed under inclusion, and everything in it is held or included by something in it.
        const inside = roles.filter(({ name }) => expanded.has(name));
        const included = inside.flatMap(({ includes }) => includes);
        expect([...expanded]).toEqual(expect.arrayContaining(included));
        expect([...held, ...included]).toEqual(expect.arrayContaining([...expanded]));
        const given = inside.flatMap(({ permissions }) => permissions);
        expect(index.permissionsOf(held)).toEqual(new Set(given));
      }),
    );
  });

  it('that include one another end somewhere', () => {
    const roles = [
      { name: 'a', permissions: ['main:x'], includes: ['b'] },
      { name: 'b', permissions: ['main:y'], includes: ['a', 'gone'] },
    ];

    expect(indexRoles(roles).permissionsOf(['a'])).toEqual(new Set(['main:x', 'main:y']));
    expect(indexRoles(roles).permissionsOf([])).toEqual(new Set());
  });
});

describe('what can be granted', () => {
  it('is what the API has, the roles give and the ceiling lets through', () => {
    const qualified = ['main:a', 'main:b', 'main:c', 'main:z', 'other:a', 'other:b'];
    fc.assert(
      fc.property(
        subset(names),
        subset(qualified),
        fc.option(subset(qualified), { nil: undefined }),
        (permissions, ofRoles, ceiling) => {
          const result = grantable(api(permissions), new Set(ofRoles), ceiling);

          for (const name of names) {
            const inCeiling = ceiling === undefined || ceiling.includes(`main:${name}`);
            const expected = permissions.includes(name) && ofRoles.includes(`main:${name}`) && inCeiling;
            expect(result.has(name)).toBe(expected);
          }
        },
      ),
    );
  });
});

describe('scope', () => {
  const decide = (requested: string | undefined, permitted: readonly string[], emptyMeansAll = false) =>
    decideScope({
      requested,
      oidcScopes,
      api: api(['a', 'b', 'c']),
      known: new Set(names),
      permitted: new Set(permitted),
      emptyMeansAll,
    });

  it.each<[string | undefined, boolean, readonly string[]]>([
    ['a b', false, ['a']],
    ['b', false, []],
    ['b', true, []],
    ['d a', true, ['a']],
    ['openid a', false, ['openid', 'a']],
    ['openid', true, ['openid', 'a', 'c']],
    ['openid', false, ['openid']],
    [undefined, true, ['a', 'c']],
    [undefined, false, []],
    ['', true, ['a', 'c']],
    ['  a  a ', false, ['a']],
  ])('%j, empty means all: %s, grants %j', (requested, emptyMeansAll, granted) => {
    expect(decide(requested, ['a', 'c'], emptyMeansAll)).toEqual({ granted });
  });

  it.each(['nope', 'a nope', 'openid A'])('%j does not exist', (requested) => {
    expect(decide(requested, names, true)).toHaveProperty('unknown');
  });

  it('never grants a permission that is not permitted or, if any was named, not asked for', () => {
    const words = fc.array(fc.constantFrom(...names, ...oidcScopes, 'nope'), { maxLength: 6 });
    fc.assert(
      fc.property(words, subset(['a', 'b', 'c']), fc.boolean(), (asked, permitted, emptyMeansAll) => {
        const decision = decide(asked.join(' '), permitted, emptyMeansAll);

        if ('unknown' in decision) {
          expect(asked).toContain('nope');
          return;
        }
        expect(asked).not.toContain('nope');
        const asksForPermission = asked.some((word) => names.includes(word));
        const permissions = decision.granted.filter((word) => !oidcScopes.has(word));
        expect(permissions.every((word) => permitted.includes(word))).toBe(true);
        const expected =
          asksForPermission || !emptyMeansAll ? permitted.filter((word) => asked.includes(word)) : permitted;
        expect(permissions.toSorted()).toEqual(expected.toSorted());
        expect(decision.granted.filter((word) => oidcScopes.has(word))).toEqual([
          ...new Set(asked.filter((word) => oidcScopes.has(word))),
        ]);
      }),
    );
  });
});
