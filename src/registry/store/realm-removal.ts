import type { Store, Write } from '../../storage/port/port.ts';
import type { RealmSettings } from '../model/model.ts';
import { type Clients, clientRemoval } from './clients.ts';
import type { Committer } from './committer.ts';
import { removableEffects } from './effects.ts';
import { removeKept } from './realm-documents.ts';
import { realmsIndex, settingsKey } from './records.ts';
import { userRemoval } from './user-writes.ts';
import type { Users } from './users.ts';

/** How many things one commit removes. */
const BATCH = { limit: 100 };

type RemovalDeps = {
  readonly store: Store;
  readonly committer: Committer;
  readonly clients: Clients;
  readonly users: Users;
  readonly removedWith: RemovedWith;
};

/** What another room keeps for each realm: the writes that remove it. */
export type RemovedWith = (realm: string) => readonly Write[];

/**
 * Empties a disabled realm. Its clients and users need no cuts of their own: all of them hang below the closed realm.
 */
export function createRemoval({ store, committer, clients, users, removedWith }: RemovalDeps) {
  async function ofSettings(before: RealmSettings): Promise<void> {
    const effects = removableEffects(before.name, { before, after: undefined });
    const writes = [{ remove: settingsKey(before.name) }, ...removedWith(before.name), ...effects];
    await committer.commit(before.name, writes, [{ what: 'realm', before }]);
    await store.commit([{ unindex: realmsIndex, member: before.name }]);
  }

  async function ofClients(realm: string): Promise<void> {
    for (;;) {
      const { items } = await clients.list(realm, BATCH);
      if (items.length === 0) return;
      const writes = items.flatMap((client) => clientRemoval(realm, client));
      await committer.commit(
        realm,
        writes,
        items.map((client) => ({ what: 'client', id: client.id, before: client })),
      );
    }
  }

  async function ofUsers(realm: string): Promise<void> {
    for (;;) {
      const { items } = await users.list(realm, BATCH);
      if (items.length === 0) return;
      const writes = items.flatMap((user) => userRemoval(realm, user));
      await committer.commit(
        realm,
        writes,
        items.map((user) => ({ what: 'user', id: user.id, before: user })),
      );
    }
  }

  return {
    clients: ofClients,
    users: ofUsers,
    kept: (realm: string) => removeKept(store, realm),
    settings: ofSettings,
  };
}
