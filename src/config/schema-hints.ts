/** Turns zod's issues into faults that an operator understands: where, what, and which name was probably meant. */
import { z } from 'zod';
import { didYouMean } from './faults.ts';

/** A fault at a path of the checked value. `isKey`: the key itself is wrong, not its value. */
export type Finding = {
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly isKey?: boolean;
};

type Issue = z.core.$ZodIssue;

/** The findings for one issue of checking `value` with `schema`. Never repeats a value, which may be a secret. */
export function findingsOf(schema: z.core.$ZodType, issue: Issue, value: unknown): readonly Finding[] {
  if (issue.code === 'invalid_union') return findingsOfUnion(schema, issue, value);
  if (issue.code === 'unrecognized_keys') {
    const known = namesAt(schema, issue.path);
    return issue.keys.map((key) => ({
      path: [...issue.path, key],
      message: `there is no such field${didYouMean(key, known)}`,
      isKey: true,
    }));
  }
  return [{ path: issue.path, message: messageOf(issue, valueAt(value, issue.path)) }];
}

function messageOf(issue: Issue, given: unknown): string {
  if (issue.code !== 'invalid_value') return issue.message;
  if (given === undefined) return 'is missing';
  const known = issue.values.map(String);
  const hint = typeof given === 'string' ? didYouMean(given, known) : '';
  return `must be ${known.length > 1 ? 'one of ' : ''}${known.join(', ')}${hint}`;
}

/** Where a value may have several forms, the issues of the form that fits best are reported. */
function findingsOfUnion(
  schema: z.core.$ZodType,
  issue: Extract<Issue, { code: 'invalid_union' }>,
  value: unknown,
): readonly Finding[] {
  const literals = issue.errors.flatMap((issues) => issues.flatMap(literalsOf));
  if (issue.errors.length === 0 || literals.length === issue.errors.length) {
    const choice = literals.length > 0 ? `must be one of ${literals.join(', ')}` : issue.message;
    return [{ path: issue.path, message: choice }];
  }
  const forms = issue.errors.map(formOf);
  if (forms.every((form) => form !== undefined)) {
    return [{ path: issue.path, message: `must be ${forms.join(' or ')}` }];
  }
  const best = issue.errors.toSorted((a, b) => depthOf(b) - depthOf(a))[0] ?? [];
  return best.flatMap((inner) =>
    findingsOf(schema, { ...inner, path: [...issue.path, ...inner.path] }, value),
  );
}

/** What a form takes, where the value is not even of its type. */
function formOf([issue, ...others]: readonly Issue[]): string | undefined {
  if (issue === undefined || others.length > 0 || issue.path.length > 0) return undefined;
  if (issue.code === 'invalid_value') return issue.values.map(String).join(' or ');
  return issue.code === 'invalid_type' ? /^must be (.+), not /.exec(issue.message)?.[1] : undefined;
}

function literalsOf(issue: Issue): readonly string[] {
  return issue.code === 'invalid_value' && issue.path.length === 0 ? issue.values.map(String) : [];
}

/** A form whose members are at fault fits better than a form of another type. */
function depthOf(issues: readonly Issue[]): number {
  return Math.min(...issues.map(({ path, code }) => path.length + (code === 'unrecognized_keys' ? 1 : 0)));
}

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (holder, step) => (typeof holder === 'object' && holder !== null ? Reflect.get(holder, step) : undefined),
    root,
  );
}

/** Names of the fields that an object at this path may have. */
function namesAt(schema: z.core.$ZodType, path: readonly PropertyKey[]): readonly string[] {
  const at = path.reduce<readonly z.core.$ZodType[]>(
    (schemas, step) => schemas.flatMap((each) => childrenOf(each, step)),
    formsOf(schema),
  );
  return at.flatMap((each) => (each instanceof z.ZodObject ? Object.keys(each.shape) : []));
}

function childrenOf(schema: z.core.$ZodType, step: PropertyKey): readonly z.core.$ZodType[] {
  if (schema instanceof z.ZodArray) return formsOf(schema.element);
  if (schema instanceof z.ZodRecord) return formsOf(schema.valueType);
  const field = schema instanceof z.ZodObject ? schema.shape[String(step)] : undefined;
  return field === undefined ? [] : formsOf(field);
}

/** The schema without its wrappers; for a union, each of its forms. */
function formsOf(schema: z.core.$ZodType): readonly z.core.$ZodType[] {
  if (schema instanceof z.ZodUnion) return schema.options.flatMap(formsOf);
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodNullable
  ) {
    return formsOf(schema.def.innerType);
  }
  return schema instanceof z.ZodPipe ? formsOf(schema.def.in) : [schema];
}
