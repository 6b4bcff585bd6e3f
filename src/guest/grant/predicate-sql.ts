/**
 * The row limits of a guest as an SQL condition with bound parameters. No value is ever part of the text; column
 * names are quoted, and were validated. What matches is what predicate.ts says and predicate-match.ts does:
 *
 * - SQLite and MySQL would coerce ('acme' = 0 is true in MySQL), so each comparison also asks for the type of the
 *   value. Text compares by its bytes whatever the collation.
 * - PostgreSQL has typed columns: a number or boolean on a column of another type is an error, never a row. A string
 *   takes the type of its column, so that dates, UUIDs and enums work; the driver must send it without a type, as
 *   those for Node do. One that the type cannot hold is an error, never a row.
 * - A string that reads as an ISO 8601 date compares in order as the type of its column does, in PostgreSQL and
 *   MySQL; in a text column, text that is no date then sorts by the column's collation.
 */
import type { Comparison, Predicate, Rows, Scalar } from './predicate.ts';

export type Dialect = 'postgresql' | 'mysql' | 'sqlite';

/** `params` in the order of the placeholders: `$1…` for PostgreSQL, `?` for MySQL and SQLite. */
export type SqlCondition = { readonly sql: string; readonly params: readonly Scalar[] };

/**
 * A condition for a WHERE clause, in parentheses where it needs them. `in_query` holds SQL of the caller: without
 * `allowRawSql` it matches no rows.
 */
export function compileRows(
  limit: Rows,
  dialect: Dialect,
  options: { readonly allowRawSql: boolean } = { allowRawSql: false },
): SqlCondition {
  const params: Scalar[] = [];
  const engine = engines[dialect];
  const bind: Bind = (value) => {
    params.push(value);
    return engine.placeholder(params.length);
  };
  if (limit === 'all' || limit === 'none') return { sql: limit === 'all' ? 'TRUE' : 'FALSE', params };
  return { sql: writePredicate(limit, { engine, bind, ...options }), params };
}

type Bind = (value: Scalar) => string;
type Writer = { readonly engine: Engine; readonly bind: Bind; readonly allowRawSql: boolean };
type Operator = '=' | '<>' | '<' | '<=' | '>' | '>=' | 'IN' | 'NOT IN';
type Kind = 'text' | 'date' | 'number' | 'boolean';

/** What differs between databases. `column` is quoted; `bind` must be called in the order of the text. */
type Engine = {
  quote(name: string): string;
  placeholder(position: number): string;
  /** A condition that is true only for values of this type, where the database would coerce others. */
  typeGuard?(column: string, kind: Kind): string;
  left(column: string, kind: Kind, operator: Operator): string;
  right(value: Scalar, kind: Kind, bind: Bind): string;
  /** A comparison that an index can answer, and that lets through at least the rows of the exact one. */
  indexable?: boolean;
  /** Where `text` first occurs in the column, counted from 1, or 0. */
  position(column: string, text: string, bind: Bind): string;
};

const doubleQuoted = (name: string) => `"${name.replaceAll('"', '""')}"`;
// A misspelt name in double quotes is a string in SQLite, and any name in double quotes is one in MySQL. In backticks
// it is an error.
const backticked = (name: string) => `\`${name.replaceAll('`', '``')}\``;
const isRange = (operator: Operator) => /^[<>]=?$/.test(operator);
const toNumber = (value: Scalar) => (typeof value === 'boolean' ? Number(value) : value);
const mysqlBytes = (column: string) => `CAST(CONVERT(${column} USING utf8mb4) AS BINARY)`;

const engines: Record<Dialect, Engine> = {
  postgresql: {
    quote: doubleQuoted,
    placeholder: (position) => `$${position}`,
    left: (column, kind, operator) =>
      kind === 'text' && isRange(operator) ? `${column} COLLATE "C"` : column,
    right: (value, kind, bind) => {
      if (kind === 'boolean') return `CAST(${bind(value)} AS boolean)`;
      if (kind !== 'number') return bind(value);
      // Not double precision: that would round a bigint column, and make it equal to its neighbours.
      return `CAST(${bind(value)} AS ${Number.isInteger(value) ? 'bigint' : 'numeric'})`;
    },
    position: (column, text, bind) => `strpos(${column}, ${bind(text)})`,
  },
  mysql: {
    quote: backticked,
    placeholder: () => '?',
    typeGuard: (column, kind) => {
      const types = isNumeric(kind)
        ? "'INTEGER', 'UNSIGNED INTEGER', 'DOUBLE', 'DECIMAL'"
        : "'STRING', 'DATE', 'DATETIME', 'TIME'";
      return `JSON_TYPE(JSON_EXTRACT(JSON_ARRAY(${column}), '$[0]')) IN (${types})`;
    },
    left: (column, kind) => (kind === 'text' ? mysqlBytes(column) : column),
    right: (value, kind, bind) => {
      if (kind === 'text') return `CAST(${bind(value)} AS BINARY)`;
      const placeholder = bind(toNumber(value));
      return isNumeric(kind) && Number.isInteger(toNumber(value))
        ? `CAST(${placeholder} AS SIGNED)`
        : placeholder;
    },
    indexable: true,
    position: (column, text, bind) => `LOCATE(CAST(${bind(text)} AS BINARY), ${mysqlBytes(column)})`,
  },
  sqlite: {
    quote: backticked,
    placeholder: () => '?',
    typeGuard: (column, kind) =>
      isNumeric(kind) ? `typeof(${column}) IN ('integer', 'real')` : `typeof(${column}) = 'text'`,
    left: (column, kind, operator) => {
      if (isNumeric(kind)) return column;
      // The sign keeps PostgreSQL from treating the parameter as a number.
      return `${isRange(operator) ? '+' : ''}${column} COLLATE BINARY`;
    },
    right: (value, _kind, bind) => bind(toNumber(value)),
    position: (column, text, bind) => `instr(${column}, ${bind(text)})`,
  },
};

function writePredicate(predicate: Predicate, writer: Writer): string {
  if ('and' in predicate)
    return `(${predicate.and.map((member) => writePredicate(member, writer)).join(' AND ')})`;
  if ('or' in predicate)
    return `(${predicate.or.map((member) => writePredicate(member, writer)).join(' OR ')})`;
  return writeComparison(predicate, writer);
}

const operators = { eq: '=', ne: '<>', lt: '<', lte: '<=', gt: '>', gte: '>=' } as const;

function writeComparison(leaf: Comparison, writer: Writer): string {
  const column = writer.engine.quote(leaf.col);
  switch (leaf.op) {
    case 'is_null':
      return `${column} IS NULL`;
    case 'not_null':
      return `${column} IS NOT NULL`;
    case 'in_query':
      return writeQuery(column, leaf.value, writer);
    case 'starts_with':
    case 'contains':
      return writePosition(column, leaf, writer);
    case 'in':
    case 'not_in':
      return writeList(column, leaf, writer);
    case 'between':
      return writeBetween(column, leaf.value, writer);
    case 'eq':
    case 'ne':
    case 'lt':
    case 'lte':
    case 'gt':
    case 'gte':
      return writeTest(column, operators[leaf.op], [leaf.value], writer);
  }
}

function writeList(
  column: string,
  leaf: Extract<Comparison, { op: 'in' | 'not_in' }>,
  writer: Writer,
): string {
  if (leaf.value.length === 0) return 'FALSE';
  return writeTest(column, leaf.op === 'in' ? 'IN' : 'NOT IN', leaf.value, writer);
}

function writeBetween(column: string, [low, high]: readonly [Scalar, Scalar], writer: Writer): string {
  const from = writeTest(column, '>=', [low], writer);
  return `(${from} AND ${writeTest(column, '<=', [high], writer)})`;
}

/** A comparison with one value or a list, guarded by the type of the values. */
function writeTest(column: string, operator: Operator, values: readonly Scalar[], writer: Writer): string {
  const { engine, bind } = writer;
  const kind = kindOf(values);
  const terms: string[] = [];
  const compare = (left: string, right: (value: Scalar) => string) => {
    const list = values.map(right).join(', ');
    terms.push(`${left} ${operator} ${operator.endsWith('IN') ? `(${list})` : list}`);
  };
  if (engine.typeGuard !== undefined) terms.push(engine.typeGuard(column, kind));
  if (engine.indexable === true && kind === 'text' && /^(=|IN)$/.test(operator)) compare(column, bind);
  compare(engine.left(column, kind, operator), (value) => engine.right(value, kind, bind));
  return terms.length === 1 ? terms.join() : `(${terms.join(' AND ')})`;
}

/** By position and not by LIKE: there are no wildcards to escape, and no database compares without case. */
function writePosition(
  column: string,
  leaf: Extract<Comparison, { op: 'starts_with' | 'contains' }>,
  { engine, bind }: Writer,
): string {
  const found = `${engine.position(column, leaf.value, bind)} ${leaf.op === 'contains' ? '> 0' : '= 1'}`;
  const guard = engine.typeGuard?.(column, 'text');
  return guard === undefined ? found : `(${guard} AND ${found})`;
}

function writeQuery(
  column: string,
  query: Extract<Comparison, { op: 'in_query' }>['value'],
  { engine, allowRawSql }: Writer,
): string {
  if (!allowRawSql) return 'FALSE';
  return `${column} IN (SELECT ${engine.quote(query.columnName)} FROM (${query.sql}) AS raw_query)`;
}

function kindOf(values: readonly Scalar[]): Kind {
  const [first] = values;
  if (typeof first === 'number') return 'number';
  if (typeof first === 'boolean') return 'boolean';
  return values.every((value) => typeof value === 'string' && isoDate.test(value)) ? 'date' : 'text';
}

/** RFC 3339 full-date, or date-time with or without its offset. */
const isoDate = /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})?)?$/;

function isNumeric(kind: Kind): boolean {
  return kind === 'number' || kind === 'boolean';
}
