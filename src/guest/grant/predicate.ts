/**
 * Which rows a guest sees, as data: typed comparisons joined by `and` and `or`. There is no `not` (each comparison
 * has its complement), so that a NULL or a value of another type can never be turned from "no match" into a match.
 *
 * A comparison matches only a value of its own type: nothing is coerced. NULL matches `is_null` and nothing else,
 * also not `ne` or `not_in`. Strings compare by code point, case included; a date is a string in ISO 8601. Databases
 * without booleans store 1 and 0, so here `true` is the number 1 and `false` the number 0.
 */
import { z } from 'zod';
import { columnName, dataNumber, dataText } from './fields.ts';
import { type Fault, faultsOf, type Path } from './refusal.ts';

/** The most levels of a tree. A lone comparison is one level. */
export const MAX_LEVELS = 5;
/** The most comparisons in a tree. */
export const MAX_LEAVES = 100;
export const MAX_VALUES = 1000;

const scalar = z.union([dataText, dataNumber, z.boolean()], {
  error: 'must be a string, a number or a boolean',
});
const ordered = z.union([dataText, dataNumber], { error: 'must be a string or a number' });
const isOfOneType = (values: readonly unknown[]) => new Set(values.map((value) => typeof value)).size <= 1;
const ONE_TYPE = 'must hold values of one type';

/**
 * SQL of the caller, which only a realm that says so accepts. It is put between parentheses, so whatever could end
 * them early, start a comment, name a bound parameter or be quoted differently by some database is refused.
 */
const rawSql = dataText
  .refine((sql) => /^\s*select\s/i.test(sql), 'must begin with SELECT')
  .refine(
    (sql) => !/[\0;?$@\\`[\]#]|--|\/\*/.test(sql),
    'must hold no comment, parameter, escape or second statement',
  )
  .refine(isBalanced, 'must have its quotes and parentheses closed');

const comparison = z.discriminatedUnion(
  'op',
  [
    z.strictObject({ col: columnName, op: z.literal('eq'), value: scalar }),
    z.strictObject({ col: columnName, op: z.literal('ne'), value: scalar }),
    z.strictObject({ col: columnName, op: z.enum(['lt', 'lte', 'gt', 'gte']), value: ordered }),
    z.strictObject({
      col: columnName,
      /** An empty list matches no rows. */
      op: z.literal('in'),
      value: z.array(scalar).max(MAX_VALUES).refine(isOfOneType, ONE_TYPE),
    }),
    z.strictObject({
      col: columnName,
      op: z.literal('not_in'),
      // An empty list would match every row without saying so, and is refused.
      value: z.array(scalar).min(1).max(MAX_VALUES).refine(isOfOneType, ONE_TYPE),
    }),
    z.strictObject({
      col: columnName,
      /** Both ends included. */
      op: z.literal('between'),
      value: z.tuple([ordered, ordered]).refine(isOfOneType, ONE_TYPE),
    }),
    z.strictObject({ col: columnName, op: z.enum(['starts_with', 'contains']), value: dataText.min(1) }),
    z.strictObject({ col: columnName, op: z.literal('is_null') }),
    z.strictObject({ col: columnName, op: z.literal('not_null') }),
    z.strictObject({
      col: columnName,
      op: z.literal('in_query'),
      value: z.strictObject({ sql: rawSql, columnName }),
    }),
  ],
  { error: (issue) => (issue.code === 'invalid_union' ? 'is not a known comparison' : 'must be an object') },
);

export type Scalar = z.infer<typeof scalar>;
export type Comparison = z.infer<typeof comparison>;
export type Predicate =
  | Comparison
  | { readonly and: readonly Predicate[] }
  | { readonly or: readonly Predicate[] };
export type Rows = Predicate | 'all' | 'none';

/**
 * `"all"`, `"none"` or a predicate tree. Only the shape of `in_query` is checked here; whether it is allowed, the
 * realm decides.
 */
export const rows = z.unknown().transform((input, context): Rows => {
  if (input === 'all' || input === 'none') return input;
  const reader = createReader();
  const tree = reader.read(input, [], 1);
  if (tree !== undefined && reader.faults.length === 0) return tree;
  for (const { path, message } of reader.faults) {
    context.issues.push({ code: 'custom', path: [...path], message, input });
  }
  return z.NEVER;
});

/** The comparisons of a predicate, from left to right. */
export function leavesOf(limit: Rows): Comparison[] {
  if (limit === 'all' || limit === 'none') return [];
  if ('and' in limit) return limit.and.flatMap(leavesOf);
  if ('or' in limit) return limit.or.flatMap(leavesOf);
  return [limit];
}

/** Levels of a predicate; a lone comparison is 1. */
export function levelsOf(predicate: Predicate): number {
  if ('and' in predicate) return 1 + Math.max(...predicate.and.map(levelsOf));
  if ('or' in predicate) return 1 + Math.max(...predicate.or.map(levelsOf));
  return 1;
}

export function usesRawSql(limit: Rows): boolean {
  return leavesOf(limit).some(({ op }) => op === 'in_query');
}

/** Stops at the limits of depth and width, so that a large tree costs no more than the largest allowed one. */
function createReader() {
  const faults: Fault[] = [];
  let leaves = 0;

  function read(input: unknown, path: Path, level: number): Predicate | undefined {
    if (level > MAX_LEVELS) return fail(path, `is nested deeper than ${MAX_LEVELS} levels`);
    if (typeof input !== 'object' || input === null) {
      return fail(path, 'must be "all", "none" or a predicate');
    }
    if ('and' in input) return readGroup(input, 'and', path, level);
    if ('or' in input) return readGroup(input, 'or', path, level);
    return readLeaf(input, path);
  }

  function readGroup(input: object, name: 'and' | 'or', path: Path, level: number): Predicate | undefined {
    for (const key of Object.keys(input).filter((key) => key !== name)) {
      fail([...path, key], 'is not a known field');
    }
    const given: unknown = Object.getOwnPropertyDescriptor(input, name)?.value;
    const at = [...path, name];
    if (!Array.isArray(given) || given.length === 0)
      return fail(at, 'must be a list of at least one predicate');
    if (given.length > MAX_LEAVES) return fail(at, `must hold at most ${MAX_LEAVES} predicates`);
    const members = given.flatMap((member: unknown, index) => read(member, [...at, index], level + 1) ?? []);
    return name === 'and' ? { and: members } : { or: members };
  }

  function readLeaf(input: object, path: Path): Predicate | undefined {
    leaves += 1;
    if (leaves === MAX_LEAVES + 1) fail(path, `is more than ${MAX_LEAVES} comparisons`);
    if (leaves > MAX_LEAVES) return undefined;
    const parsed = comparison.safeParse(input);
    if (parsed.success) return parsed.data;
    faults.push(...faultsOf(parsed.error).map((fault) => ({ ...fault, path: [...path, ...fault.path] })));
    return undefined;
  }

  function fail(path: Path, message: string): undefined {
    faults.push({ path, message });
  }

  return { faults, read };
}

/** True when every quote is closed, and no closing parenthesis outside quotes lacks its opening one. */
function isBalanced(sql: string): boolean {
  const unquoted = sql.replaceAll(/'[^']*'|"[^"]*"/g, '');
  if (/['"]/.test(unquoted)) return false;
  let open = 0;
  for (const character of unquoted) {
    if (character === '(') open += 1;
    if (character === ')') open -= 1;
    if (open < 0) return false;
  }
  return open === 0;
}
