/**
 * Sections of embed products hold keys. Where one is shown, a text stands in its place that says which one it is and not
 * what it is; sent back, it means the same key. Which members are keys is said by their schema.
 */
import { z } from 'zod';

/** Replaces every key. The result has no key in it. */
export function hideSecrets(schema: z.ZodType, value: unknown, hide: (secret: string) => string): unknown {
  return replaceSecrets(schema, value, hide);
}

/**
 * Puts the keys back for the texts that stand in their places. A text that stands for none of them stays, and
 * `unknown` is told.
 */
export function restoreSecrets(
  schema: z.ZodType,
  value: unknown,
  { known, unknown }: { readonly known: ReadonlyMap<string, string>; unknown(text: string): void },
): unknown {
  return replaceSecrets(schema, value, (text) => {
    const secret = known.get(text);
    if (secret === undefined && text.startsWith(MARK)) unknown(text);
    return secret ?? text;
  });
}

const MARK = 'hidden:';

/** The text that stands for a key. `digest`: a keyed one. */
export function hiderOf(digest: (plain: string, context: string) => string): (secret: string) => string {
  return (secret) => MARK + digest(secret, 'compat-secret').slice(0, 16);
}

/** Every key of a section by the text that stands for it. */
export function secretsOf(
  schema: z.ZodType,
  value: unknown,
  hide: (secret: string) => string,
): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  replaceSecrets(schema, value, (secret) => {
    found.set(hide(secret), secret);
    return secret;
  });
  return found;
}

function replaceSecrets(schema: z.ZodType, value: unknown, replace: (text: string) => string): unknown {
  const inner = unwrapped(schema);
  if (typeof value === 'string') return isSecret(inner) ? replace(value) : value;
  if (Array.isArray(value) && inner instanceof z.ZodArray) {
    return value.map((item) => replaceSecrets(inner.element as z.ZodType, item, replace));
  }
  if (inner instanceof z.ZodObject && typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([name, member]) => {
        const field = inner.shape[name] as z.ZodType | undefined;
        return [name, field === undefined ? member : replaceSecrets(field, member, replace)];
      }),
    );
  }
  return value;
}

export function isSecret(schema: z.ZodType): boolean {
  return schema.meta()?.['secret'] === true;
}

/** The schema of a member, without what only says that it may be absent. */
export function unwrapped(schema: z.ZodType): z.ZodType {
  return schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault
    ? unwrapped(schema.def.innerType as z.ZodType)
    : schema;
}

/** The schema of the members of a list of a section; `undefined` where there is no such list. */
export function elementOf(schema: z.ZodType, list: string): z.ZodType | undefined {
  const object = unwrapped(schema);
  const field = object instanceof z.ZodObject ? (object.shape[list] as z.ZodType | undefined) : undefined;
  const array = field === undefined ? undefined : unwrapped(field);
  return array instanceof z.ZodArray ? (array.element as z.ZodType) : undefined;
}
