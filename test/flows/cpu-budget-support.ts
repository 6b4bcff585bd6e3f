/** The limits of what a request may cost, and the parts of bodies that cost much. */
import { expect } from 'vitest';
import { costOf } from '../support/cpu.ts';
import type { Answer } from '../support/http.ts';

/** Units of `costOf`. The cost includes that of the test's own client, in the same thread. */
const ACCEPTED = 50;
const REFUSED = 20;

/** Sends the request and expects an answer that is no failure of the server, within the budget of its kind. */
export async function expectCheap(send: () => Promise<Answer>): Promise<Answer> {
  const { units, result } = await costOf(REFUSED, send);
  expect(result.status).toBeLessThan(500);
  expect(units).toBeLessThanOrEqual(result.status < 400 ? ACCEPTED : REFUSED);
  return result;
}

export function times<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index));
}

/** An object with as many members. */
export function fields(count: number, value: unknown, prefix = 'f'): Record<string, unknown> {
  return Object.fromEntries(times(count, (index) => [`${prefix}${index}`, value]));
}

/** The text that takes a normaliser longest: marks of two classes that it must put in order. */
export function marks(count: number): string {
  return `a${'\u0345'.repeat(count / 2)}${'\u0300'.repeat(count / 2)}`;
}

/** JSON text of lists in lists: as a value it would be too deep for a writer that recurses. */
export function deepList(levels: number): string {
  return `${'['.repeat(levels)}${']'.repeat(levels)}`;
}

export function deepObject(levels: number): string {
  return `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`;
}
