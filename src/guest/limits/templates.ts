/**
 * Templates of row limits and connections: JSON with placeholders such as `{{ state }}`. What begins with `subject.` is
 * the guest's own: `{{ subject.tenant }}`, `{{ subject.id }}`, `{{ subject.attributes.region }}`. It is filled in by the
 * server, so no client decides it apart from whom the token is for.
 */
import { z } from 'zod';
import type { Subject } from '../grant/grant.ts';
import { type Rows, rows as rowsSchema } from '../grant/predicate.ts';
import { type Fault, faultsOf } from '../grant/refusal.ts';

/** The value for a placeholder; `undefined` when there is none. */
export type Fill = (name: string) => unknown;

const wholePlaceholder = /^\{\{\s*([^{}\s]+)\s*\}\}$/;
const placeholders = /\{\{\s*([^{}\s]+)\s*\}\}/g;
/** Without the state that a global expression keeps between tests. */
const anyPlaceholder = new RegExp(placeholders.source);
const listComparison = z.looseObject({
  op: z.enum(['in', 'not_in']),
  value: z.string().regex(wholePlaceholder),
});
const singleValue = z.looseObject({ value: z.union([z.string(), z.number(), z.boolean()]) });
/** Inside a string: no character that separates, quotes or escapes in an address, a path or a name. */
const plainText = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const ofSubject = /^subject\.(?:tenant|id|attributes\.(?<attribute>.{1,128}))$/;

/** Whether a placeholder names something of the guest, which no parameter gives. */
export function isOfSubject(name: string): boolean {
  return name.startsWith('subject.');
}

/** What the guest has for a placeholder; `undefined` for what it does not have. */
export function subjectValue(subject: Subject, name: string): unknown {
  const found = ofSubject.exec(name);
  if (found === null) return undefined;
  if (name === 'subject.tenant') return subject.tenant;
  if (name === 'subject.id') return subject.id;
  const { attributes = {} } = subject;
  const attribute = found.groups?.['attribute'] ?? '';
  return Object.hasOwn(attributes, attribute) ? attributes[attribute] : undefined;
}

/** A row limit in which values may be placeholders of the guest. */
export const subjectRows = z.unknown().transform((input, context): unknown => {
  const missing: string[] = [];
  const sample = fillRow(input, (name) => (ofSubject.test(name) ? 'sample' : undefined), missing);
  const [unknown] = missing;
  const faults = unknown === undefined ? rowFaults(sample) : [notOfGuest(unknown)];
  for (const { path, message } of faults)
    context.issues.push({ code: 'custom', path: [...path], message, input });
  return faults.length === 0 ? input : z.NEVER;
});

function rowFaults(rows: unknown): readonly Fault[] {
  const parsed = rowsSchema.safeParse(rows);
  return parsed.success ? [] : faultsOf(parsed.error);
}

function notOfGuest(placeholder: string): Fault {
  return { path: [], message: `${placeholder} is not a placeholder of the guest` };
}

/** The row limit for this guest, or the name of the first placeholder for which the guest has no fitting value. */
export function rowsFor(
  subject: Subject,
  template: unknown,
): { readonly rows: Rows } | { readonly missing: string } {
  const missing: string[] = [];
  const filled = fillRow(template, (name) => subjectValue(subject, name), missing);
  if (missing[0] !== undefined) return { missing: missing[0] };
  const parsed = rowsSchema.safeParse(filled);
  return parsed.success ? { rows: parsed.data } : { missing: 'a fitting value' };
}

/** Only whole values are filled in. A placeholder elsewhere, or one of a secret, counts as missing. */
export function fillRow(template: unknown, fill: Fill, missing: string[]): unknown {
  if (typeof template === 'string') {
    const name = wholePlaceholder.exec(template)?.[1];
    if (name === undefined) {
      if (template.includes('{{')) missing.push(template);
      return template;
    }
    return fillWhole(name, fill, missing);
  }
  const filled = mapMembers(template, (member) => fillRow(member, fill, missing));
  return takesList(template) ? withList(filled) : filled;
}

/** A comparison with a list that is given as one placeholder. */
function takesList(template: unknown): boolean {
  return listComparison.safeParse(template).success;
}

/** A single value becomes a list of one. */
function withList(comparison: unknown): unknown {
  const { data } = singleValue.safeParse(comparison);
  return data === undefined ? comparison : { ...data, value: [data.value] };
}

export function fillTemplate(template: unknown, fill: Fill, missing: string[]): unknown {
  if (typeof template !== 'string')
    return mapMembers(template, (member) => fillTemplate(member, fill, missing));
  const whole = wholePlaceholder.exec(template)?.[1];
  if (whole !== undefined) return fillWhole(whole, fill, missing);
  return template.replaceAll(placeholders, (placeholder, name: string) => {
    const value = fill(name);
    const text = typeof value === 'number' ? String(value) : value;
    if (typeof text === 'string' && (plainText.test(text) || text === standing(name))) return text;
    missing.push(name);
    return placeholder;
  });
}

function fillWhole(name: string, fill: Fill, missing: string[]): unknown {
  const value = fill(name);
  if (value === undefined) missing.push(name);
  return value;
}

function mapMembers(value: unknown, map: (member: unknown) => unknown): unknown {
  if (Array.isArray(value)) return value.map(map);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, map(member)]));
}

/**
 * True for a value, or a list with one, that holds a placeholder: whoever fills in the result once more would put
 * another value in its place.
 */
export function isPlaceholder(value: unknown): boolean {
  return [value].flat().some((one) => typeof one === 'string' && anyPlaceholder.test(one));
}

/** A placeholder of a secret, as others than the resource server see it. */
export function standing(name: string): string {
  return `{{ ${name} }}`;
}
