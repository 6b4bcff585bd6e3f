/**
 * What a schema refuses, in our words: what a value must be. Given to `safeParse`, so that messages of the schemas
 * themselves, which know more, come first. Never repeats a value, which may be a secret.
 */
import type { z } from 'zod';

type RawIssue = Parameters<z.core.$ZodErrorMap>[0];

/** `schema.safeParse(value, inWords)`. */
export const inWords = { error: (issue: RawIssue) => wordsFor(issue) } as const;

function wordsFor(issue: RawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return wordsForType(issue.expected, issue.input);
    case 'too_small':
      return limitWords(issue.origin, 'at least', Number(issue.minimum));
    case 'too_big':
      return limitWords(issue.origin, 'at most', Number(issue.maximum));
    case 'invalid_format':
      return formats[issue.format] ?? 'is not of the right form';
    case 'invalid_union':
      return 'has none of the forms that are possible here';
    default:
      return undefined;
  }
}

const types: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map of fields',
  record: 'a map of fields',
};

const formats: Readonly<Record<string, string>> = {
  url: 'must be an absolute address, such as https://app.example.com/',
  email: 'must be an e-mail address',
  uuid: 'must be a UUID, in lower case',
  datetime: 'must be a date and time by ISO 8601, such as 2026-12-01T00:00:00Z',
};

function wordsForType(expected: string, given: unknown): string {
  if (given === undefined) return 'is missing';
  if (expected === 'int' && typeof given === 'number') return 'must be a whole number';
  const cure = expected === 'boolean' ? cureOfBoolean(given) : cureOfText(expected, given);
  return `must be ${types[expected] ?? expected}, not ${nameOf(given)}${cure}`;
}

/** YAML 1.2 reads these as text, YAML 1.1 did not. */
function cureOfBoolean(given: unknown): string {
  return typeof given === 'string' && /^(yes|no|on|off)$/i.test(given) ? `: write ${meant(given)}` : '';
}

function meant(word: string): boolean {
  return /^(yes|on)$/i.test(word);
}

function cureOfText(expected: string, given: unknown): string {
  return expected === 'string' && /^(number|boolean)$/.test(typeof given) ? ': put it in quotes' : '';
}

function nameOf(given: unknown): string {
  if (given === null) return 'nothing';
  if (Array.isArray(given)) return 'a list';
  return types[typeof given] ?? typeof given;
}

const units: Readonly<Record<string, string>> = { string: ' characters', array: ' entries', set: ' entries' };

function limitWords(origin: string, bound: 'at least' | 'at most', limit: number): string {
  const unit = units[origin];
  if (unit === undefined) return `must be ${bound} ${limit}`;
  if (bound === 'at least' && limit === 1) return 'must not be empty';
  return `must have ${bound} ${limit}${limit === 1 ? unit.replace(/s$/, '').replace('entrie', 'entry') : unit}`;
}
