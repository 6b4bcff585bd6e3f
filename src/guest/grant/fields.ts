/** The small schemas that the parts of a guest grant share. Lengths are in bytes of UTF-8 where the contract says so. */
import { z } from 'zod';

/** Control characters break log lines and store keys. A lone surrogate becomes another character when it is sent. */
const unprintable = /[\p{Cc}\p{Cs}]/u;
const loneSurrogate = /\p{Cs}/u;

/**
 * A name or identifier: not empty, at most `maxBytes` bytes, no control characters, in NFC. Identifiers are compared
 * by their bytes: in two forms of Unicode one tenant would be two, and a cut of one would leave the other.
 */
export function label(maxBytes: number) {
  return z
    .string()
    .min(1)
    .refine((value) => Buffer.byteLength(value) <= maxBytes, {
      error: `must be at most ${maxBytes} bytes`,
      abort: true,
    })
    .refine((value) => !unprintable.test(value), 'must hold no control characters')
    .refine((value) => value === value.normalize('NFC'), 'must be in Unicode form NFC');
}

/** A value of the caller's data, of any characters but NUL, at most 1 KiB, possibly empty. */
export const dataText = z
  .string()
  .refine((value) => Buffer.byteLength(value) <= 1024, 'must be at most 1024 bytes')
  .refine((value) => !loneSurrogate.test(value), 'must be well-formed Unicode')
  // PostgreSQL has no text with NUL: such a query would fail.
  .refine((value) => !value.includes('\0'), 'must hold no NUL');

/**
 * A number that keeps its value: JSON readers round whole numbers beyond 2^53, and a rounded tenant number is another
 * tenant.
 */
export const dataNumber = z
  .number()
  .refine(
    (value) => !Number.isInteger(value) || Number.isSafeInteger(value),
    'whole numbers beyond 2^53 lose digits; send it as a string',
  );

export const identifier = label(256);

/** PostgreSQL cuts names after 63 bytes, and a name that was cut could be another column. */
export const columnName = z
  .string()
  .regex(
    /^[\p{L}_][\p{L}\p{N}_$ -]*$/u,
    'letters, digits, underscore, hyphen and space, beginning with a letter',
  )
  .refine((name) => Buffer.byteLength(name) <= 63, 'must be at most 63 bytes');

/** A map with at most `maxKeys` keys. */
export function mapOf<T extends z.ZodType>(value: T, maxKeys: number) {
  return z
    .record(label(128), value)
    .refine((map) => Object.keys(map).length <= maxKeys, `must have at most ${maxKeys} keys`);
}

/** Bytes of a JSON value as written without white space. */
export function jsonSize(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}

/**
 * The schema, for values whose JSON has at most `maxBytes` bytes. The size is checked first: a recursive schema costs
 * many times what writing the value does.
 */
export function atMost<T extends z.ZodType>(maxBytes: number, schema: T) {
  return z
    .unknown()
    .refine((value) => jsonSize(value ?? null) <= maxBytes, {
      error: `must be at most ${maxBytes} bytes of JSON`,
      abort: true,
    })
    .pipe(schema);
}

/** A list as a set: a repeated entry counts once. */
export function setOf<T extends z.ZodType<string>>(item: T, max: number) {
  return z
    .array(item)
    .max(max)
    .overwrite((list) => [...new Set(list)]);
}
