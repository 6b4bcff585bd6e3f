import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';

/**
 * The value without what its schema fills in by itself, at any depth: as somebody would write it by hand. Parsed again,
 * it is the same value. Pure.
 */
export function withoutDefaults(schema: z.core.$ZodType, value: unknown): unknown {
  const inner = unwrapped(schema);
  if (inner instanceof z.ZodArray && Array.isArray(value)) {
    return value.map((item) => withoutDefaults(inner.element, item));
  }
  if (!(inner instanceof z.ZodObject) || typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).flatMap(([name, member]) => {
    const field: z.core.$ZodType | undefined = inner.shape[name];
    if (member === undefined) return [];
    if (field === undefined) return [[name, member]];
    return isDefault(field, member) ? [] : [[name, withoutDefaults(field, member)]];
  });
  return Object.fromEntries(members);
}

function isDefault(schema: z.core.$ZodType, value: unknown): boolean {
  const filledIn = z.safeParse(schema, undefined);
  return filledIn.success && filledIn.data !== undefined && isDeepStrictEqual(filledIn.data, value);
}

function unwrapped(schema: z.core.$ZodType): z.core.$ZodType {
  const isWrapper =
    schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault;
  return isWrapper ? unwrapped(schema.def.innerType) : schema;
}
