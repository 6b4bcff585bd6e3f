import type { z } from 'zod';
import { Failure } from '../../base/errors.ts';
import { inWords } from './issue-words.ts';

/** Returns the value with its defaults. Throws `Failure('invalid_input')` that names the first wrong field. */
export function parseInput<T>(schema: z.ZodType<T>, input: unknown): T {
  const parsed = schema.safeParse(input, inWords);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new Failure('invalid_input', `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'is not valid'}`, {
    cause: parsed.error,
  });
}
