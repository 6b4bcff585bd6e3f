import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exchangeable, exchangedScope } from '../../src/oidc/grants/exchange-scope.ts';
import type { Api } from '../../src/registry/model/model.ts';

const names = ['a', 'b', 'c', 'd'];
const oidc = ['openid', 'email', 'offline_access'];
const oidcScopes = new Set(oidc);
const subset = (of: readonly string[]) => fc.subarray([...of]);
const qualified = names.flatMap((name) => [`main:${name}`, `other:${name}`]);
const known = new Set([...names, 'e']);

const apiOf = (permissions: readonly string[]): Api => ({
  id: 'main',
  audience: 'https://main.test',
  permissions: permissions.map((name) => ({ name })),
  tokens: { format: 'opaque' },
});
const ceiling = fc.option(subset(qualified), { nil: undefined });
const within = fc.option(
  subset(names).map((list) => new Set(list)),
  { nil: undefined },
);

const limits = fc.record({
  api: subset(names).map(apiOf),
  ofRoles: subset(qualified).map((list) => new Set(list)),
  ceilings: fc.array(ceiling, { maxLength: 3 }),
  within: fc.array(within, { maxLength: 3 }),
});

describe('what an exchange may give', () => {
  it('is what the API has, the roles give, every ceiling allows and every limit holds: no more, no less', () => {
    fc.assert(
      fc.property(limits, (given) => {
        const allowed = exchangeable(given);
        for (const name of [...names, 'e']) {
          const isRight =
            given.api.permissions.some((permission) => permission.name === name) &&
            given.ofRoles.has(`main:${name}`) &&
            given.ceilings.every((one) => one === undefined || one.includes(`main:${name}`)) &&
            given.within.every((one) => one === undefined || one.has(name));
          expect([name, allowed.has(name)]).toEqual([name, isRight]);
        }
      }),
    );
  });

  it('is never more for one limit more', () => {
    fc.assert(
      fc.property(limits, ceiling, within, (given, more, set) => {
        const narrower = exchangeable({
          ...given,
          ceilings: [...given.ceilings, more],
          within: [...given.within, set],
        });

        expect([...exchangeable(given)]).toEqual(expect.arrayContaining([...narrower]));
      }),
    );
  });
});

describe('the scope of a token by exchange', () => {
  const asked = fc.record({
    requested: fc.option(
      subset([...names, ...oidc]).map((list) => list.join(' ')),
      { nil: undefined },
    ),
    held: fc.option(
      subset([...names, ...oidc]).map((list) => list.join(' ')),
      { nil: undefined },
    ),
    permitted: subset(names).map((list) => new Set(list)),
  });
  const granted = (request: Parameters<typeof exchangedScope>[0]): readonly string[] => {
    const decision = exchangedScope(request);
    return 'granted' in decision ? decision.granted : ['unknown'];
  };

  it('holds what was asked for and is permitted, or all of it where no permission was named', () => {
    fc.assert(
      fc.property(asked, (request) => {
        const scope = granted({ ...request, api: apiOf(names), known, oidcScopes });
        const wanted = request.requested?.split(' ').filter((name) => names.includes(name)) ?? [];
        const expected = (wanted.length > 0 ? wanted : names).filter((name) => request.permitted.has(name));

        expect(scope.filter((name) => names.includes(name)).sort()).toEqual([...expected].sort());
      }),
    );
  });

  it('has a scope of OpenID Connect only where the subject token has it, and no offline access', () => {
    fc.assert(
      fc.property(asked, (request) => {
        const scope = granted({ ...request, api: apiOf(names), known, oidcScopes });
        const both = (name: string) =>
          [request.requested, request.held].every((text) => text?.split(' ').includes(name));

        expect(scope.filter((name) => oidcScopes.has(name)).sort()).toEqual(
          ['openid', 'email'].filter(both).sort(),
        );
      }),
    );
  });

  it('is refused for a name that does not exist', () => {
    const request = { api: apiOf(names), known, oidcScopes, permitted: new Set(names), held: undefined };

    expect(exchangedScope({ ...request, requested: 'a fly' })).toEqual({ unknown: 'fly' });
  });
});
