import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Rows, Scalar } from '../../src/guest/grant/predicate.ts';
import { matchesRow, type Row } from '../../src/guest/grant/predicate-match.ts';
import { narrowRows } from '../../src/guest/grant/predicate-narrow.ts';
import { compileRows } from '../../src/guest/grant/predicate-sql.ts';
import { anyRows, cell, readRows, strings } from './guest-support.ts';

type Cell = string | number | null;

/** A table of these rows, each with its number; columns have a text, a numeric and no type. */
function openTable(rows: readonly (readonly Cell[])[]): DatabaseSync {
  const db = new DatabaseSync(':memory:');
  db.exec(
    'CREATE TABLE guests (nr INTEGER, tenant TEXT COLLATE NOCASE, amount NUMERIC, anything, "Order Group" TEXT)',
  );
  const insert = db.prepare('INSERT INTO guests VALUES (?, ?, ?, ?, ?)');
  for (const [index, values] of rows.entries()) insert.run(index, ...values);
  return db;
}

function askSql(db: DatabaseSync, limit: Rows): unknown[] {
  const { sql, params } = compileRows(limit, 'sqlite');
  const bound = params.map((param) => (typeof param === 'boolean' ? Number(param) : param));
  return db
    .prepare(`SELECT nr FROM guests WHERE ${sql} ORDER BY nr`)
    .all(...bound)
    .map(({ nr }) => nr);
}

function askMemory(db: DatabaseSync, limit: Rows): unknown[] {
  const rows: Row[] = db.prepare('SELECT * FROM guests ORDER BY nr').all();
  return rows.filter((row) => matchesRow(limit, row)).map((row) => row['nr']);
}

const table = fc.array(fc.tuple(cell, cell, cell, cell), { maxLength: 8 });

describe('row limits in SQL and in memory', () => {
  it('let the same rows through', () => {
    fc.assert(
      fc.property(table, anyRows, (rows, limit) => {
        const db = openTable(rows);

        expect(askSql(db, limit)).toEqual(askMemory(db, limit));
      }),
      { numRuns: 1500 },
    );
  });

  it('let through what both limits do, once one is narrowed by the other', () => {
    fc.assert(
      fc.property(table, anyRows, anyRows, (rows, parent, child) => {
        const db = openTable(rows);
        const both = askMemory(db, parent).filter((nr) => askMemory(db, child).includes(nr));

        const narrowed = narrowRows(parent, child) ?? 'none';

        expect(askSql(db, narrowed)).toEqual(both);
      }),
      { numRuns: 500 },
    );
  });

  it.each(strings.slice(1))('take %j for nothing but a value', (value) => {
    const db = openTable([
      [value, 1, null, null],
      ['another', 2, null, null],
    ]);
    const limit = readRows({ and: [{ col: 'tenant', op: 'eq', value }] });

    expect(compileRows(limit, 'sqlite').sql).not.toContain(value.length > 1 ? value : '\0');
    expect(askSql(db, limit)).toEqual([0]);
    expect(askMemory(db, limit)).toEqual([0]);
  });

  it.each(['eq', 'ne', 'lt', 'lte', 'gt', 'gte'])('never match a NULL or another type by %s', (op) => {
    const db = openTable([
      [null, null, null, null],
      ['a', 1, '2', '2'],
    ]);

    expect(askSql(db, readRows({ col: 'tenant', op, value: 2 }))).toEqual([]);
    expect(askSql(db, readRows({ col: 'amount', op, value: 'a' }))).toEqual([]);
    expect(askSql(db, readRows({ col: 'anything', op, value: 2 }))).toEqual([]);
  });

  it('let no row through for an empty list, none and columns that are not there', () => {
    const db = openTable([['a', 1, 'a', 'a']]);

    expect(askSql(db, readRows({ col: 'tenant', op: 'in', value: [] }))).toEqual([]);
    expect(askSql(db, 'none')).toEqual([]);
    expect(askMemory(db, readRows({ col: 'absent', op: 'is_null' }))).toEqual([]);
    expect(() => askSql(db, readRows({ col: 'absent', op: 'ne', value: 'a' }))).toThrow('no such column');
  });

  it('compare a boolean as 1 or 0, as databases without booleans store it', () => {
    const db = openTable([
      ['a', 1, null, null],
      ['b', 0, null, null],
    ]);
    const limit = readRows({ col: 'amount', op: 'eq', value: true });

    expect(askSql(db, limit)).toEqual([0]);
    expect(askMemory(db, limit)).toEqual([0]);
    expect(matchesRow(limit, { amount: true })).toBe(true);
  });

  it('tell whole numbers beyond 2^53 apart', () => {
    const limit = readRows({ col: 'id', op: 'gte', value: Number.MAX_SAFE_INTEGER });

    expect(matchesRow(limit, { id: 9_007_199_254_740_993n })).toBe(true);
    expect(matchesRow(limit, { id: 9_007_199_254_740_990n })).toBe(false);
  });

  it('do not look up what objects inherit', () => {
    expect(matchesRow(readRows({ col: 'constructor', op: 'not_null' }), {})).toBe(false);
  });
});

describe('compileRows', () => {
  const limit = readRows({
    and: [
      { col: 'tenant_id', op: 'eq', value: "o'hara" },
      {
        or: [
          { col: 'size', op: 'gt', value: 1.5 },
          { col: 'size', op: 'is_null' },
        ],
      },
      { col: 'open', op: 'eq', value: true },
      { col: 'name', op: 'starts_with', value: '50%_' },
    ],
  });

  it('numbers the placeholders of PostgreSQL and lets its columns give the type of strings', () => {
    expect(compileRows(limit, 'postgresql')).toEqual({
      sql:
        '("tenant_id" = $1 AND ("size" > CAST($2 AS numeric) OR "size" IS NULL) ' +
        'AND "open" = CAST($3 AS boolean) AND strpos("name", $4) = 1)',
      params: ["o'hara", 1.5, true, '50%_'],
    });
  });

  it('compares bytes and types in MySQL, which would coerce both', () => {
    const { sql, params } = compileRows(readRows({ col: 'tenant_id', op: 'in', value: ['a', 'b'] }), 'mysql');

    expect(sql).toBe(
      "(JSON_TYPE(JSON_EXTRACT(JSON_ARRAY(`tenant_id`), '$[0]')) IN ('STRING', 'DATE', 'DATETIME', 'TIME')" +
        ' AND `tenant_id` IN (?, ?)' +
        ' AND CAST(CONVERT(`tenant_id` USING utf8mb4) AS BINARY) IN (CAST(? AS BINARY), CAST(? AS BINARY)))',
    );
    expect(params).toEqual(['a', 'b', 'a', 'b']);
  });

  it.each(['postgresql', 'mysql', 'sqlite'] as const)(
    'gives %s as many values as placeholders',
    (dialect) => {
      fc.assert(
        fc.property(anyRows, (rows) => {
          const { sql, params } = compileRows(rows, dialect);
          const positions = [...sql.replaceAll("'$[0]'", '').matchAll(/\?|\$(\d+)/g)];

          expect(positions).toHaveLength(params.length);
          if (dialect !== 'postgresql') return;
          expect(positions.map(([, position]) => Number(position))).toEqual(
            params.map((_, index) => index + 1),
          );
        }),
        { numRuns: 300 },
      );
    },
  );

  it.each<[Rows, string]>([
    ['all', 'TRUE'],
    ['none', 'FALSE'],
  ])('writes %j as %s', (rows, sql) => {
    expect(compileRows(rows, 'postgresql')).toEqual({ sql, params: [] satisfies Scalar[] });
  });

  it('writes an empty list as FALSE, which not every database would take as a list', () => {
    expect(compileRows(readRows({ col: 'c', op: 'in', value: [] }), 'postgresql').sql).toBe('FALSE');
  });

  it('orders text by code point and dates by the type of their column in PostgreSQL', () => {
    const range = (value: string) => compileRows(readRows({ col: 'c', op: 'gte', value }), 'postgresql').sql;

    expect(range('m')).toBe('"c" COLLATE "C" >= $1');
    expect(range('2024-01-01')).toBe('"c" >= $1');
    expect(range('2024-01-01T10:00:00.5+02:00')).toBe('"c" >= $1');
  });

  it('puts SQL of the caller in only where it is allowed', () => {
    const query = readRows({
      col: 'name',
      op: 'in_query',
      value: { sql: "SELECT name FROM people WHERE note = ')'", columnName: 'name' },
    });

    expect(compileRows(query, 'sqlite').sql).toBe('FALSE');
    expect(compileRows(query, 'sqlite', { allowRawSql: true }).sql).toBe(
      "`name` IN (SELECT `name` FROM (SELECT name FROM people WHERE note = ')') AS raw_query)",
    );
    expect(matchesRow(query, { name: 'a' })).toBe(false);
  });
});
