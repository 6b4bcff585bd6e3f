import type { Clock } from '../../base/clock.ts';
import type { Document, Key, Store, Write } from '../../storage/port/port.ts';
import type { Change } from '../store/change-log.ts';
import type { WriteDeps } from '../store/clients.ts';
import type { Committer } from '../store/committer.ts';
import type { Seal } from '../store/records.ts';
import type { PasswordHashing } from '../store/users.ts';

export type ApplyDeps = WriteDeps & {
  readonly store: Store;
  readonly committer: Committer;
  readonly clock: Clock;
  readonly passwords: PasswordHashing;
  readonly digest: Seal['digest'];
};

/** One thing that applying a file creates or updates. It is written as a whole or not at all. */
export type Step = {
  readonly label: string;
  readonly isNew: boolean;
  readonly changed: Change;
  readonly writes: readonly Write[];
};

const READ_KEYS = 500;

/** Reads the documents of all keys, in several reads of bounded size. */
export async function readAll(
  store: Store,
  keys: readonly Key[],
): Promise<readonly (Document | undefined)[]> {
  const documents: (Document | undefined)[] = [];
  for (let at = 0; at < keys.length; at += READ_KEYS) {
    documents.push(...(await store.read(keys.slice(at, at + READ_KEYS))));
  }
  return documents;
}
