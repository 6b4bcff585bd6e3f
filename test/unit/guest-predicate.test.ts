import { describe, expect, it } from 'vitest';
import { pointerOf } from '../../src/base/json-pointer.ts';
import { rows, usesRawSql } from '../../src/guest/grant/predicate.ts';
import { faultsOf } from '../../src/guest/grant/refusal.ts';
import { readRows } from './guest-support.ts';

/** Pointers of what is wrong with a row limit; nothing when it is valid. */
function pointersIn(input: unknown): string[] {
  const parsed = rows.safeParse(input);
  return parsed.success ? [] : faultsOf(parsed.error).map(({ path }) => pointerOf(path));
}

const leaf = (value: unknown, op = 'eq') => ({ col: 'c', op, value });
const nested = (levels: number): unknown => (levels === 1 ? leaf(1) : { and: [nested(levels - 1)] });
const query = (sql: string) => ({ col: 'c', op: 'in_query', value: { sql, columnName: 'id' } });

/** For the names of tests. */
const shorten = (input: unknown) => JSON.stringify(input)?.slice(0, 80) ?? 'nothing';

const refused: [unknown, string[]][] = [
  [undefined, ['']],
  ['ALL', ['']],
  [[], ['']],
  [{}, ['/op']],
  [{ and: [] }, ['/and']],
  [{ and: {} }, ['/and']],
  [{ and: [leaf(1)], or: [leaf(1)] }, ['/or']],
  [{ not: leaf(1) }, ['/op']],
  [leaf(1, 'like'), ['/op']],
  [{ ...leaf(1), extra: 1 }, ['/extra']],
  [{ col: 'c', op: 'is_null', value: 1 }, ['/value']],
  [{ and: [leaf(1), { or: [leaf(1), leaf(null)] }] }, ['/and/1/or/1/value']],
  [leaf('x'.repeat(1025)), ['/value']],
  [leaf('é'.repeat(600)), ['/value']],
  [leaf('x'.repeat(10_000), 'contains'), ['/value']],
  [leaf('\ud800'), ['/value']],
  [leaf('a\0b'), ['/value']],
  [leaf('', 'starts_with'), ['/value']],
  [leaf(Number.POSITIVE_INFINITY), ['/value']],
  [leaf(2 ** 53), ['/value']],
  [leaf(true, 'lt'), ['/value']],
  [leaf([1, '1'], 'in'), ['/value']],
  [leaf([1, true], 'in'), ['/value']],
  [leaf([], 'not_in'), ['/value']],
  [leaf(Array(1001).fill(7), 'in'), ['/value']],
  [leaf(['a', 1], 'between'), ['/value']],
  [leaf([1], 'between'), ['/value']],
  [{ ...leaf(1), col: 'a"b' }, ['/col']],
  [{ ...leaf(1), col: 'a`b' }, ['/col']],
  [{ ...leaf(1), col: '1; DROP' }, ['/col']],
  [{ ...leaf(1), col: 'x'.repeat(64) }, ['/col']],
  [{ and: Array(101).fill(leaf(1)) }, ['/and']],
  [{ and: [{ and: Array(99).fill(leaf(1)) }, leaf(1), leaf(1), leaf(null)] }, ['/and/2']],
  [nested(6), ['/and/0/and/0/and/0/and/0/and/0']],
];

describe('rows', () => {
  it.each(
    [
      'all',
      'none',
      leaf('x'),
      leaf(''),
      leaf('x'.repeat(1024)),
      leaf(1.5),
      leaf(false, 'ne'),
      leaf([], 'in'),
      leaf(Array(1000).fill(7), 'in'),
      leaf(['2024-01-01', '2024-12-31'], 'between'),
      { col: 'c', op: 'is_null' },
      { col: 'Größe in m', op: 'not_null' },
      { or: Array(100).fill(leaf(1)) },
      nested(5),
      query('select id from t where name in (\'a)\', "b(") and (x = 1)'),
    ].map((input) => ({ input, shown: shorten(input) })),
  )('accepts $shown', ({ input }) => {
    expect(pointersIn(input)).toEqual([]);
  });

  it.each(refused.map(([input, pointers]) => ({ input, pointers, shown: shorten(input) })))(
    'refuses $shown',
    ({ input, pointers }) => {
      expect(pointersIn(input)).toEqual(pointers);
    },
  );

  it.each([
    'DELETE FROM t',
    'SELECT 1) OR (1 = 1',
    "SELECT ')",
    'SELECT id FROM t; SELECT 1',
    'SELECT id FROM t -- ',
    'SELECT id FROM t /* x',
    'SELECT id FROM t # x',
    'SELECT id FROM t WHERE x = ?',
    'SELECT id FROM t WHERE x = $1',
    "SELECT id FROM t WHERE x = '\\') OR (1=1'",
    "SELECT id FROM [t'] WHERE x = ')'",
  ])('refuses the query %j, which could leave its parentheses', (sql) => {
    expect(pointersIn(query(sql))).toContain('/value/sql');
  });

  it('says whether a limit holds SQL of the caller, however deep', () => {
    expect(usesRawSql(readRows({ and: [{ or: [leaf(1), query('SELECT id FROM t')] }] }))).toBe(true);
    expect(usesRawSql(readRows(nested(3)))).toBe(false);
    expect(usesRawSql('all')).toBe(false);
  });
});
