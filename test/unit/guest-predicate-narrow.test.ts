import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Predicate, Rows } from '../../src/guest/grant/predicate.ts';
import { matchesRow } from '../../src/guest/grant/predicate-match.ts';
import { asksForMore, isWithin, narrowRows } from '../../src/guest/grant/predicate-narrow.ts';
import { anyRows, columnNames, numbers, predicate, readRows, strings } from './guest-support.ts';

const values = [...strings, ...numbers, true, false, null];
const is = (col: string, op: string, value?: unknown): Predicate => {
  const limit = readRows(value === undefined ? { col, op } : { col, op, value });
  if (typeof limit === 'string') throw new Error('not a predicate');
  return limit;
};

describe('isWithin', () => {
  it('never says yes to a comparison that lets more through than another', () => {
    const some = ['a', 'ab', 'b', '2', 1, 2, 1.5];
    const comparisons = [
      ...['eq', 'ne', 'lt', 'lte', 'gt', 'gte'].flatMap((op) => some.map((value) => is('c', op, value))),
      ...['starts_with', 'contains'].flatMap((op) => ['a', 'ab', 'b'].map((value) => is('c', op, value))),
      ...['in', 'not_in'].flatMap((op) =>
        [['a', 'ab'], ['a'], [1, 2], [true]].map((value) => is('c', op, value)),
      ),
      is('c', 'in', []),
      ...[
        ['a', 'b'],
        ['b', 'a'],
        [1, 2],
        [1, 1],
      ].map((value) => is('c', 'between', value)),
      is('c', 'is_null'),
      is('c', 'not_null'),
    ];
    const wrong = comparisons.flatMap((child) =>
      comparisons.filter(
        (parent) =>
          isWithin(child, parent) &&
          values.some((c) => matchesRow(child, { c }) && !matchesRow(parent, { c })),
      ),
    );

    expect(wrong).toEqual([]);
  });

  it('never says yes to a tree that lets more through than another', () => {
    const row = fc.record(Object.fromEntries(columnNames.map((name) => [name, fc.constantFrom(...values)])));
    fc.assert(
      fc.property(
        predicate(),
        predicate(),
        predicate(),
        fc.array(row, { maxLength: 20 }),
        (a, b, c, rows) => {
          const pairs: [Rows, Rows][] = [
            [a, b],
            [{ and: [a, b] }, { or: [a, c] }],
            [{ and: [a, { or: [b, c] }] }, { or: [{ and: [a, b] }, c] }],
            [{ or: [a, b] }, { and: [c, a] }],
          ];
          for (const [child, parent] of pairs) {
            if (!isWithin(child, parent)) continue;
            expect(rows.filter((one) => matchesRow(child, one) && !matchesRow(parent, one))).toEqual([]);
          }
        },
      ),
      { numRuns: 1000 },
    );
  });

  it.each<[string, Rows, Rows]>([
    ['anything in all', is('a', 'eq', 1), 'all'],
    ['none in anything', 'none', is('a', 'eq', 1)],
    ['itself', is('a', 'contains', 'x'), is('a', 'contains', 'x')],
    ['a shorter list', is('a', 'in', ['x']), is('a', 'in', ['x', 'y'])],
    ['one of a list', is('a', 'eq', 'x'), is('a', 'in', ['x', 'y'])],
    ['an empty list', is('a', 'in', []), is('a', 'eq', 1)],
    ['a longer exclusion', is('a', 'not_in', [1, 2]), is('a', 'ne', 1)],
    ['a range that leaves out a value', is('a', 'gt', 5), is('a', 'ne', 5)],
    ['a smaller range', is('a', 'between', [2, 3]), is('a', 'between', [1, 3])],
    ['an open end in a closed one', is('a', 'lt', 3), is('a', 'lte', 3)],
    ['a longer prefix', is('a', 'starts_with', 'abc'), is('a', 'starts_with', 'ab')],
    ['a prefix that contains', is('a', 'starts_with', 'abc'), is('a', 'contains', 'bc')],
    ['a value in not null', is('a', 'gte', 1), is('a', 'not_null')],
    ['one more condition', { and: [is('a', 'eq', 1), is('b', 'eq', 2)] }, is('a', 'eq', 1)],
    ['one alternative less', is('a', 'eq', 1), { or: [is('a', 'eq', 1), is('b', 'eq', 2)] }],
    [
      'the same conditions in another order',
      { and: [is('b', 'eq', 2), is('a', 'eq', 1)] },
      { and: [is('a', 'eq', 1), is('b', 'eq', 2)] },
    ],
  ])('finds %s', (_what, child, parent) => {
    expect(isWithin(child, parent)).toBe(true);
  });

  it('asks about each pair of comparisons once, however the trees are nested', () => {
    const common = Array.from({ length: 999 }, (_, value) => value);
    const leaves = (from: number) =>
      Array.from({ length: 100 }, (_, index) => is('c', 'in', [...common, from + index]));
    const child = { and: [{ and: [{ and: [{ and: leaves(1000) }] }] }] };
    const parent = { or: [{ or: [{ or: [{ or: leaves(2000) }] }] }] };

    expect(isWithin(child, parent)).toBe(false);
  });
});

describe('narrowRows', () => {
  it('says once what parent and child both say', () => {
    const tenant = is('tenant', 'eq', 'acme');
    const state = is('state', 'eq', 'CA');

    expect(narrowRows(tenant, { and: [tenant, state] })).toEqual({ and: [tenant, state] });
    expect(narrowRows(tenant, tenant)).toEqual(tenant);
    expect(narrowRows('all', 'all')).toBe('all');
    expect(narrowRows('none', 'all')).toBe('none');
  });

  it('keeps the limits of a predicate, or gives nothing', () => {
    fc.assert(
      fc.property(anyRows, anyRows, (parent, child) => {
        const narrowed = narrowRows(parent, child);

        if (narrowed !== undefined) expect(readRows(structuredClone(narrowed))).toEqual(narrowed);
      }),
    );
    const many = (col: string) => ({ and: Array.from({ length: 60 }, (_, index) => is(col, 'ne', index)) });

    expect(narrowRows(many('a'), many('b'))).toBeUndefined();
  });
});

describe('asksForMore', () => {
  const parent = { and: [is('tenant', 'eq', 'acme'), is('state', 'in', ['CA', 'NV'])] };

  it.each<[string, Rows, boolean]>([
    ['all', 'all', true],
    ['another value of a limited column', is('tenant', 'eq', 'globex'), true],
    ['one value more', is('state', 'in', ['CA', 'WA']), true],
    ['a limited column in other case', is('TENANT', 'ne', 'x'), true],
    ['a limited column as an alternative', { or: [is('city', 'eq', 'x'), is('state', 'eq', 'CA')] }, true],
    ['none', 'none', false],
    ['the same', parent, false],
    ['one value less', is('state', 'eq', 'CA'), false],
    ['a column that the parent does not limit', is('city', 'eq', 'Reno'), false],
  ])('%s', (_what, child, isMore) => {
    expect(asksForMore(parent, child)).toBe(isMore);
  });

  it('is never true below all, and always below none', () => {
    expect(asksForMore('all', 'all')).toBe(false);
    expect(asksForMore('none', parent)).toBe(true);
  });
});
