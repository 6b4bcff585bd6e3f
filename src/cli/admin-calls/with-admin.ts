/** Where a command works: on the store, or on a running server. */

import { serverAddress } from '../remote/address.ts';
import type { AdminCalls } from '../runtime/admin-calls.ts';
import type { Input } from '../runtime/command.ts';

/** Options of a command that works on a store or, with `--url`, on a running server. */
export const place = {
  url: { value: '<address>', help: 'a running server, after `daypass login`; default: the store' },
} as const;

export const inRealm = {
  realm: { value: '<name>', isRequired: true, help: 'the realm' },
} as const;

/** Runs `work` on the store of the settings, or on the server that `--url` names. */
export async function withAdmin<T>(input: Input, work: (admin: AdminCalls) => Promise<T>): Promise<T> {
  const url = input.find('url');
  if (url !== undefined) {
    const { createServerCalls } = await import('../remote/server-calls.ts');
    return work(createServerCalls(serverAddress(url)));
  }
  const { withStoreCalls } = await import('./store-calls.ts');
  return withStoreCalls(work);
}
