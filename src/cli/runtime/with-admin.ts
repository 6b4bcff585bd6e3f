/** Where a command works: on the store, or on a running server. */
import type { AdminCalls } from './admin-calls.ts';
import type { Input } from './command.ts';

/** Options of a command that works on a store or, with `--url`, on a running server. */
export const place = {
  url: { value: '<address>', help: 'a running server, after `daypass login`; default: the store' },
} as const;

export const inRealm = {
  realm: { value: '<name>', isRequired: true, help: 'the realm' },
} as const;

/** Runs `work` on the store of the settings, or on the server that `--url` names. */
export async function withAdmin<T>(_input: Input, work: (admin: AdminCalls) => Promise<T>): Promise<T> {
  const { withStoreCalls } = await import('./store-calls.ts');
  return withStoreCalls(work);
}
