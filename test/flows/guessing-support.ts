/** What tests of wrong attempts share: a server behind a trusted proxy, and places to come from. */
import type { Answer } from '../support/http.ts';

export const env = { DAYPASS_TRUST_PROXY: '127.0.0.1/32' };
export const from = (address: string) => ({ headers: { 'x-forwarded-for': address } });
/** One after the other. */
export async function times<T>(count: number, work: (index: number) => Promise<T>): Promise<T[]> {
  const done: T[] = [];
  for (let index = 0; index < count; index += 1) done.push(await work(index));
  return done;
}
export const statusesOf = (answers: readonly Answer[]) => [...new Set(answers.map(({ status }) => status))];

let next = 0;
/** A network that no other test comes from. */
export const network = () => {
  next += 1;
  return `198.51.100.${next}`;
};
