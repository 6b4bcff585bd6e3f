/** Applies the row limits of a guest to a row in memory. The rules in predicate.ts hold here as in SQL. */
import type { Comparison, Rows, Scalar } from './predicate.ts';

/** A row as JSON or a driver gives it, by column name. */
export type Row = Readonly<Record<string, unknown>>;

/** Whether the guest sees the row. A column that the row does not have matches nothing. */
export function matchesRow(limit: Rows, row: Row): boolean {
  if (limit === 'all') return true;
  if (limit === 'none') return false;
  if ('and' in limit) return limit.and.every((member) => matchesRow(member, row));
  if ('or' in limit) return limit.or.some((member) => matchesRow(member, row));
  return Object.hasOwn(row, limit.col) && matchesValue(limit, row[limit.col]);
}

/** Whether one value of the column passes. `in_query` never passes here: only a database can evaluate it. */
export function matchesValue(leaf: Comparison, given: unknown): boolean {
  switch (leaf.op) {
    case 'is_null':
      return isNull(given);
    case 'not_null':
      return !isNull(given);
    case 'in_query':
      return false;
    case 'in':
    case 'not_in':
      return matchesList(leaf, given);
    case 'eq':
    case 'ne':
    case 'lt':
    case 'lte':
    case 'gt':
    case 'gte':
    case 'between':
    case 'starts_with':
    case 'contains':
      return matchesScalar(leaf, given);
  }
}

/** The values of a list comparison as a set, made once per comparison. */
export function valuesOf(leaf: ListComparison): ReadonlySet<Comparable> {
  const known = sets.get(leaf);
  if (known !== undefined) return known;
  const values = new Set(leaf.value.map(comparableOf));
  sets.set(leaf, values);
  return values;
}

/** Negative, 0 or positive. Strings by code point, as databases compare their bytes. Both of one type. */
export function compare(a: Comparable, b: Comparable): number {
  if (typeof a === 'string' && typeof b === 'string') {
    return a === b ? 0 : Buffer.compare(Buffer.from(a), Buffer.from(b));
  }
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** `true` is 1 and `false` 0, as in a database without booleans. */
export function comparableOf(value: Scalar): Comparable {
  return typeof value === 'boolean' ? Number(value) : value;
}

export type Comparable = string | number;
export type ListComparison = Extract<Comparison, { op: 'in' | 'not_in' }>;
type ScalarComparison = Exclude<Comparison, { op: 'in' | 'not_in' | 'is_null' | 'not_null' | 'in_query' }>;

const sets = new WeakMap<ListComparison, ReadonlySet<Comparable>>();

function matchesList(leaf: ListComparison, given: unknown): boolean {
  const value = readValue(given);
  const [first] = valuesOf(leaf);
  if (value === undefined || typeof value !== typeof first) return false;
  return valuesOf(leaf).has(value) === (leaf.op === 'in');
}

function matchesScalar(leaf: ScalarComparison, given: unknown): boolean {
  const value = readValue(given);
  if (value === undefined) return false;
  if (leaf.op === 'starts_with') return typeof value === 'string' && value.startsWith(leaf.value);
  if (leaf.op === 'contains') return typeof value === 'string' && value.includes(leaf.value);
  if (leaf.op === 'between') {
    const [low, high] = leaf.value;
    return typeof value === typeof low && compare(value, low) >= 0 && compare(value, high) <= 0;
  }
  const limit = comparableOf(leaf.value);
  return typeof value === typeof limit && holds(leaf.op, compare(value, limit));
}

function holds(op: 'eq' | 'ne' | 'lt' | 'lte' | 'gt' | 'gte', order: number): boolean {
  switch (op) {
    case 'eq':
      return order === 0;
    case 'ne':
      return order !== 0;
    case 'lt':
      return order < 0;
    case 'lte':
      return order <= 0;
    case 'gt':
      return order > 0;
    case 'gte':
      return order >= 0;
  }
}

function isNull(value: unknown): boolean {
  return value === null || value === undefined;
}

/** A value of a row, if it is of a type that comparisons have. */
function readValue(value: unknown): Comparable | undefined {
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean') return Number(value);
  // A predicate holds no whole number beyond 2^53. So rounding a bigint to the nearest number changes no result,
  // except equality with 2^53 itself, which no predicate holds either.
  if (typeof value === 'bigint') return Number(value);
  return typeof value === 'number' && !Number.isNaN(value) ? value : undefined;
}
