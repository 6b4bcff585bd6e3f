/**
 * Row limits below other row limits. `narrowRows` is always right: it is the conjunction. `isWithin` may say no where
 * yes would be true, but never yes where no would be true; it only decides whether a request is refused.
 */

import {
  type Comparison,
  leavesOf,
  levelsOf,
  MAX_LEAVES,
  MAX_LEVELS,
  type Predicate,
  type Rows,
} from './predicate.ts';
import { type Comparable, comparableOf, compare, matchesValue, valuesOf } from './predicate-match.ts';

/**
 * The rows that pass both. A part that stands in both is written once. No part of the parent is dropped because the
 * child implies it: a database may compare in another way than we do (a UUID column ignores case). `undefined` when
 * the result would exceed the limits of a predicate.
 */
export function narrowRows(parent: Rows, child: Rows): Rows | undefined {
  if (parent === 'none' || child === 'none') return 'none';
  if (parent === 'all') return child;
  if (child === 'all') return parent;
  const terms = new Map([...conjunctsOf(parent), ...conjunctsOf(child)].map((term) => [keyOf(term), term]));
  const [first, ...others] = terms.values();
  if (first === undefined) return 'none';
  const narrowed = others.length === 0 ? first : { and: [first, ...others] };
  return isTooBig(narrowed) ? undefined : narrowed;
}

/**
 * Whether a child asks for more than its parent allows: `"all"` below a limit, or a column that the parent limits,
 * named again with values that are not provably inside that limit. A column that the parent does not limit may be
 * limited freely.
 */
export function asksForMore(parent: Rows, child: Rows): boolean {
  if (parent === 'all' || child === 'none') return false;
  if (parent === 'none' || child === 'all') return true;
  const named = columnsOf(child);
  return conjunctsOf(parent).some(
    (term) => [...columnsOf(term)].some((column) => named.has(column)) && !isWithin(child, term),
  );
}

/** True only when every row that passes `child` passes `parent`. */
export function isWithin(child: Rows, parent: Rows): boolean {
  if (parent === 'all' || child === 'none') return true;
  if (parent === 'none' || child === 'all') return false;
  return isInside(child, parent, new Map());
}

/** Results so far: each pair is compared once, however the trees are nested. */
type Decided = Map<Predicate, Map<Predicate, boolean>>;

function isInside(child: Predicate, parent: Predicate, decided: Decided): boolean {
  const known = decided.get(child)?.get(parent);
  if (known !== undefined) return known;
  const answer = decide(child, parent, decided);
  const answers = decided.get(child) ?? new Map<Predicate, boolean>();
  decided.set(child, answers.set(parent, answer));
  return answer;
}

function decide(child: Predicate, parent: Predicate, decided: Decided): boolean {
  if ('or' in child) return child.or.every((member) => isInside(member, parent, decided));
  if ('and' in parent) return parent.and.every((member) => isInside(child, member, decided));
  if ('or' in parent && parent.or.some((member) => isInside(child, member, decided))) return true;
  if ('and' in child) return child.and.some((member) => isInside(member, parent, decided));
  return 'col' in parent && isLeafInside(child, parent);
}

function isLeafInside(child: Comparison, parent: Comparison): boolean {
  if (child.col !== parent.col) return false;
  if (child.op === 'in_query' || parent.op === 'in_query') {
    return parent.op === 'not_null' || keyOf(child) === keyOf(parent);
  }
  if (child.op === 'is_null' || child.op === 'not_null') return child.op === parent.op;
  if (child.op === 'eq') return matchesValue(parent, child.value);
  if (child.op === 'in') return child.value.every((value) => matchesValue(parent, value));
  return isSetInside(child, parent);
}

/** A comparison by range or pattern, below another one of the same column. */
function isSetInside(child: OpenComparison, parent: ValueComparison): boolean {
  switch (parent.op) {
    case 'not_null':
      return true;
    case 'is_null':
    case 'eq':
    case 'in':
      return false;
    case 'ne':
      return excludes(child, [comparableOf(parent.value)]);
    case 'not_in':
      return excludes(child, valuesOf(parent));
    case 'starts_with':
      return child.op === 'starts_with' && child.value.startsWith(parent.value);
    case 'contains':
      return (child.op === 'starts_with' || child.op === 'contains') && child.value.includes(parent.value);
    case 'lt':
    case 'lte':
    case 'gt':
    case 'gte':
    case 'between':
      return isRangeInside(child, parent);
  }
}

type ValueComparison = Exclude<Comparison, { op: 'in_query' }>;
type OpenComparison = Exclude<ValueComparison, { op: 'eq' | 'in' | 'is_null' | 'not_null' }>;
type RangeComparison = Extract<Comparison, { op: 'lt' | 'lte' | 'gt' | 'gte' | 'between' }>;

/** Of one type, so that every value of the child is comparable, and none of the excluded values is among them. */
function excludes(child: OpenComparison, values: Iterable<Comparable>): boolean {
  return [...values].every((value) => typeof value === typeOf(child) && !matchesValue(child, value));
}

function typeOf(leaf: OpenComparison): string {
  const sample = Array.isArray(leaf.value) ? leaf.value[0] : leaf.value;
  return typeof comparableOf(sample ?? '');
}

type End = { readonly value: Comparable; readonly included: boolean };
type Range = { readonly low?: End; readonly high?: End };

function isRangeInside(child: OpenComparison, parent: RangeComparison): boolean {
  if (!isRange(child) || typeOf(child) !== typeOf(parent)) return false;
  const inner = rangeOf(child);
  const outer = rangeOf(parent);
  return isEndInside(inner.low, outer.low, -1) && isEndInside(inner.high, outer.high, 1);
}

function isRange(leaf: Comparison): leaf is RangeComparison {
  return /^(lte?|gte?|between)$/.test(leaf.op);
}

/** `side` is 1 for upper ends, -1 for lower ones. */
function isEndInside(inner: End | undefined, outer: End | undefined, side: 1 | -1): boolean {
  if (outer === undefined) return true;
  if (inner === undefined) return false;
  const order = compare(inner.value, outer.value) * side;
  return order < 0 || (order === 0 && (outer.included || !inner.included));
}

function rangeOf(leaf: RangeComparison): Range {
  switch (leaf.op) {
    case 'lt':
    case 'lte':
      return { high: { value: leaf.value, included: leaf.op === 'lte' } };
    case 'gt':
    case 'gte':
      return { low: { value: leaf.value, included: leaf.op === 'gte' } };
    case 'between':
      return {
        low: { value: leaf.value[0], included: true },
        high: { value: leaf.value[1], included: true },
      };
  }
}

function conjunctsOf(predicate: Predicate): Predicate[] {
  return 'and' in predicate ? predicate.and.flatMap(conjunctsOf) : [predicate];
}

function columnsOf(predicate: Predicate): Set<string> {
  return new Set(leavesOf(predicate).map(({ col }) => col.toLowerCase()));
}

function isTooBig(predicate: Predicate): boolean {
  return leavesOf(predicate).length > MAX_LEAVES || levelsOf(predicate) > MAX_LEVELS;
}

const texts = new WeakMap<Predicate, string>();

/**
 * The text of a predicate. Parsed predicates have their members in one order, so equal ones have equal texts. Written
 * once for each predicate: one row policy limits every resource of a grant.
 */
function keyOf(predicate: Predicate): string {
  const known = texts.get(predicate);
  if (known !== undefined) return known;
  const text = JSON.stringify(predicate);
  texts.set(predicate, text);
  return text;
}
