import { setTimeout as pause } from 'node:timers/promises';
import { Failure } from '../../base/errors.ts';
import type { Store, Write } from '../../storage/port/port.ts';
import { withSharedPatience } from '../../storage/port/request-patience.ts';
import type { RealmSettings } from '../model/model.ts';
import { type Clients, clientRemoval } from './clients.ts';
import type { Committer } from './committer.ts';
import { removableEffects } from './effects.ts';
import { removeSomeKept } from './realm-documents.ts';
import { realmsIndex, settingsKey } from './records.ts';
import { userRemoval } from './user-writes.ts';
import type { Users } from './users.ts';

/** How many things one commit removes: a longer one would keep the store, or on SQLite the process, from others. */
const BATCH = { limit: 50 };
/** The longest rest between two of them, in milliseconds. */
const MAX_REST_MS = 50;

/** The removal of the realm is what is recorded: not each of a million users. */
const partOfRemoval = { isRecorded: false };

type RemovalDeps = {
  readonly store: Store;
  readonly committer: Committer;
  readonly clients: Clients;
  readonly users: Users;
  readonly removedWith: RemovedWith;
  /** Is aborted when the process is to stop. */
  readonly stopping: AbortSignal;
};

/** What another room keeps for each realm: the writes that remove it. */
export type RemovedWith = (realm: string) => readonly Write[];

/**
 * Empties a disabled realm. Its clients and users need no cuts of their own: all of them hang below the closed realm.
 * Half of the time belongs to others: after each commit it rests as long as that took. When the process is to stop,
 * it ends with `Failure('unavailable')`, and can be repeated.
 */
export function createRemoval({ store, committer, clients, users, removedWith, stopping }: RemovalDeps) {
  async function ofSettings(before: RealmSettings): Promise<void> {
    const effects = removableEffects(before.name, { before, after: undefined });
    const writes = [{ remove: settingsKey(before.name) }, ...removedWith(before.name), ...effects];
    await committer.commit(before.name, writes, [{ what: 'realm', before }]);
    await store.commit([{ unindex: realmsIndex, member: before.name }]);
  }

  async function someClients(realm: string): Promise<boolean> {
    const { items } = await clients.list(realm, BATCH);
    if (items.length === 0) return false;
    const writes = items.flatMap((client) => clientRemoval(realm, client));
    await committer.commit(
      realm,
      writes,
      items.map(({ id }) => ({ what: 'client', id })),
      partOfRemoval,
    );
    return true;
  }

  async function someUsers(realm: string): Promise<boolean> {
    const { items } = await users.list(realm, BATCH);
    if (items.length === 0) return false;
    const writes = items.flatMap((user) => userRemoval(realm, user));
    await committer.commit(
      realm,
      writes,
      items.map(({ id }) => ({ what: 'user', id })),
      partOfRemoval,
    );
    return true;
  }

  async function ofContent(realm: string): Promise<void> {
    await repeat(() => someClients(realm), stopping);
    await repeat(() => someUsers(realm), stopping);
    await repeat(() => removeSomeKept(store, realm), stopping);
  }

  return { content: ofContent, settings: ofSettings };
}

/** Until there is nothing left to do. */
async function repeat(work: () => Promise<boolean>, stopping: AbortSignal): Promise<void> {
  for (;;) {
    const startedAt = performance.now();
    // The request that began it has been answered: its patience is no measure.
    if (!(await withSharedPatience(work))) return;
    await pause(Math.min(MAX_REST_MS, performance.now() - startedAt));
    if (stopping.aborted) throw new Failure('unavailable', 'the server stops: remove the realm again');
  }
}
