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

/** One thing that applying a file creates, updates or removes. It is written as a whole or not at all. */
export type Step = {
  readonly label: string;
  /** `before` is absent for what is created, `after` for what is removed. */
  readonly changed: Change;
  readonly writes: readonly Write[];
};

/** How far a file decides about what it does not name. */
export type Reach = {
  /**
   * Things of the store that the file does not name: `keep` says nothing of them, `name` names them, `prune` removes
   * them. Of a list that the file does not have at all nothing is named or removed.
   */
  readonly strays: 'keep' | 'name' | 'prune';
  /** Nothing is to be written: a password that would be hashed is not. */
  readonly isTrial: boolean;
  /** Called for users that were looked at: a file may bring many, and hashing takes long. */
  readonly onUsers?: ((count: number) => void) | undefined;
};

/** What one part of a file comes to. */
export type Part = { readonly steps: readonly Step[]; readonly strays: readonly string[] };

/** What applying a file does, or would do. */
export type Plan = {
  readonly changes: readonly Pick<Step, 'label' | 'changed'>[];
  /** Things of the store that the file does not name and that stay. */
  readonly strays: readonly string[];
  /** How many things of the file are in the store as the file has them. */
  readonly unchanged: number;
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
