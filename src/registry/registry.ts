/**
 * Realms with their settings, clients and users: finds and changes them, and applies realm files. A change takes
 * effect on every process in well under a second. Issues no tokens, but cuts what a change takes away.
 */
import type { Clock } from '../base/clock.ts';
import { deepFreeze } from '../base/deep-freeze.ts';
import { Failure } from '../base/errors.ts';
import type { EventSink } from '../observability/events.ts';
import type { Logger } from '../observability/logger.ts';
import type { Stamp, Store } from '../storage/port/port.ts';
import { type Applied, type ApplyOptions, createApply } from './apply/apply.ts';
import type { Plan } from './apply/plan.ts';
import {
  type Client,
  type ClientInput,
  clientId,
  type RealmFile,
  type RealmSettings,
  type RealmSettingsInput,
  realmName,
  type User,
  type UserInput,
} from './model/model.ts';
import { originIndex, placesOf } from './model/origins.ts';
import { type RealmView, viewOf } from './model/realm-view.ts';
import { createCache } from './store/cache.ts';
import { type ChangeFeed, type ChangeListener, createChangeFeed } from './store/change-feed.ts';
import { type Actor, type ChangeLog, theServer } from './store/change-log.ts';
import { type Clients, createClients } from './store/clients.ts';
import { type Allow, createCommitter } from './store/committer.ts';
import type { Narrowing } from './store/effects.ts';
import type { Listed, PageRequest } from './store/listing.ts';
import type { RemovedWith } from './store/realm-removal.ts';
import { createRealms, type Realms } from './store/realms.ts';
import { createCodec, normalizeLogin, type Seal } from './store/records.ts';
import { createUserImport, type Imported } from './store/user-import.ts';
import { createUsers, type FoundUser, type PasswordHashing, type Users } from './store/users.ts';

export type { RealmView };
export { normalizeLogin };

export type RegistryDeps = {
  readonly store: Store;
  readonly clock: Clock;
  readonly seal: Seal;
  readonly passwords: PasswordHashing;
  readonly logger: Logger;
  readonly events: EventSink;
  /** Documents that another room keeps for each realm, and that are removed with the realm. */
  readonly removedWith: RemovedWith;
  /** Is aborted when the process is to stop. */
  readonly stopping: AbortSignal;
  readonly narrowing: Narrowing;
  readonly changeLog: ChangeLog;
};

/**
 * `find…` resolves to `undefined` for what does not exist, whatever the name looks like. The others reject with
 * `Failure`: `not_found`, `conflict` (the name is taken), `invalid_input`, `busy` (too many changes at once).
 */
export type Registry = RegistryReads &
  RegistryChanges & {
    /** The changes as made by somebody; what has no actor of its own is made by the server. */
    by(actor: Actor): RegistryChanges;
    /**
     * `onGap`: changes may have been missed, so drop everything cached. Returns a function that ends the subscription.
     */
    onChange(listener: ChangeListener, onGap?: () => void): () => void;
    /** Stops listening to other processes. */
    close(): void;
  };

export type RegistryReads = {
  findRealm(name: string): Promise<RealmView | undefined>;
  findClient(realm: string, id: string): Promise<Client | undefined>;
  /** True when some client of the realm registered this web origin (`https://app.example.com`). */
  hasOrigin(realm: string, origin: string): Promise<boolean>;
  /** When the store was read for a client that `findClient` gave. A cut after that may not show in the client yet. */
  readAt(client: Client): Stamp | undefined;
  /** Drops the client from the cache, so that the next `findClient` reads the store. */
  forgetClient(realm: string, id: string): void;
  findUser(realm: string, id: string): Promise<User | undefined>;
  /** By user name or e-mail address; two round trips whether found or not. */
  findUserByLogin(realm: string, login: string): Promise<FoundUser | undefined>;
  /** As the store has them now, whatever is remembered. */
  readRealm(name: string): Promise<RealmSettings | undefined>;
  readClient(realm: string, id: string): Promise<Client | undefined>;
  /** In the order of their names; `prefix`: only names that begin so. */
  listRealms(page: PageRequest): Promise<Listed<RealmSettings>>;
  listClients(realm: string, page: PageRequest): Promise<Listed<Client>>;
  listUsers(realm: string, page: PageRequest): Promise<Listed<User>>;
  /** Users whose user name or e-mail address begins with a text, whatever its case. */
  searchUsers(realm: string, text: string, page: PageRequest): Promise<Listed<User>>;
};

export type RegistryChanges = {
  /** Rejects with `Failure('conflict')` when there is one of this name. */
  createRealm(settings: RealmSettingsInput): Promise<RealmSettings>;
  /** Creates the realm or replaces its settings. */
  putRealm(settings: RealmSettingsInput): Promise<RealmSettings>;
  updateRealm(name: string, change: (settings: RealmSettings) => RealmSettings): Promise<RealmSettings>;
  /** Removes the realm with its clients and users. `false` when it did not exist. */
  removeRealm(name: string): Promise<boolean>;
  createClient(realm: string, input: ClientInput): Promise<Client>;
  updateClient(realm: string, id: string, change: (client: Client) => Client): Promise<Client>;
  /** `allow` throws to refuse what would be removed. `false` when it did not exist. */
  removeClient(realm: string, id: string, allow?: Allow<Client>): Promise<boolean>;
  createUser(realm: string, input: UserInput): Promise<User>;
  /** Creates those of at most 50 users that are not there yet (store/user-import.ts). */
  importUsers(realm: string, inputs: readonly UserInput[]): Promise<readonly Imported[]>;
  /**
   * A `password` in the result of `change` is hashed. `alsoCut` revokes everything that was issued for the user,
   * whatever changed.
   */
  updateUser(realm: string, id: string, change: (user: User) => User, alsoCut?: boolean): Promise<User>;
  /** Replaces the hash `from` by a better hash of the same password; cuts nothing. */
  upgradePasswordHash(realm: string, id: string, from: string | undefined, to: string): Promise<void>;
  /** `allow` throws to refuse what would be removed. `false` when it did not exist. */
  removeUser(realm: string, id: string, allow?: Allow<User>): Promise<boolean>;
  applyRealm(file: RealmFile): Promise<Applied>;
  /** The same, also for what the file does not name; tells everything that changed. */
  applyPlanned(file: RealmFile, options: ApplyOptions): Promise<Plan>;
  /** What `applyPlanned` would do now. Writes nothing. */
  planRealm(file: RealmFile, options: ApplyOptions): Promise<Plan>;
};

const MAX_REALMS = 2_000;
const MAX_CLIENTS = 10_000;
const MAX_ORIGINS = 2_000;
/** A safety net: messages drop entries long before. */
const CACHE_MS = 30_000;

export function createRegistry(deps: RegistryDeps): Registry {
  const { store, clock, seal, passwords, logger, events, narrowing, changeLog } = deps;
  const codec = createCodec(seal);
  const feed = createChangeFeed({ store, logger });
  const findRealm: FindRealm = (name) => cached.findRealm(name);

  function partsFor(actor: Actor) {
    const committer = createCommitter({ store, codec, events, announce: feed.announce, actor, changeLog });
    const clients = createClients({ store, codec, committer, narrowing });
    const users = createUsers({ store, codec, committer, clock, passwords });
    const realms = createRealms({ ...deps, codec, committer, clients, users });
    const calls = {
      ...callsOnRealms(realms),
      ...callsOnClients(clients, findRealm),
      ...callsOnUsers(users, findRealm),
      importUsers: createUserImport({ store, codec, committer, clock }, users.create),
      ...createApply({ store, codec, committer, clock, passwords, narrowing, digest: seal.digest }),
    };
    return { clients, realms, calls };
  }

  const { clients, realms, calls } = partsFor(theServer);
  const cached = createCached({ realms, clients, feed, clock, store });
  return {
    ...cached,
    ...calls,
    by: (actor) => partsFor(actor).calls,
    onChange: feed.onChange,
    close: feed.close,
  };
}

type CachedDeps = { realms: Realms; clients: Clients; feed: ChangeFeed; clock: Clock; store: Store };

function createCached({ realms, clients, feed, clock, store }: CachedDeps) {
  const realmCache = createCache<RealmView>({
    max: MAX_REALMS,
    ttlMs: CACHE_MS,
    clock,
    async load(name) {
      const found = await realms.find(name);
      return found && viewOf(deepFreeze(found.value), found.stamp);
    },
  });
  const readStamps = new WeakMap<Client, Stamp>();
  const clientCache = createCache<Client>({
    max: MAX_CLIENTS,
    ttlMs: CACHE_MS,
    clock,
    async load(key) {
      const [realm = '', id = ''] = key.split(' ');
      const found = await clients.find(realm, id);
      if (found !== undefined) readStamps.set(found.value, found.readAt);
      return deepFreeze(found?.value);
    },
  });

  const originCache = createOriginCache(store, clock);

  feed.onChange(
    (realm, what, id) => {
      if (what === 'realm') realmCache.drop(realm);
      if (what !== 'client') return;
      clientCache.drop(`${realm} ${id}`);
      originCache.clear();
    },
    () => {
      realmCache.clear();
      clientCache.clear();
      originCache.clear();
    },
    () => {
      realmCache.distrust();
      clientCache.distrust();
      originCache.distrust();
    },
  );

  return {
    readAt: (client: Client) => readStamps.get(client),
    forgetClient: (realm: string, id: string) => clientCache.drop(`${realm} ${id}`),
    findRealm: async (name: string) => (isName(name) ? realmCache.find(name) : undefined),
    findClient: async (realm: string, id: string) =>
      isName(realm) && clientId.safeParse(id).success ? clientCache.find(`${realm} ${id}`) : undefined,
    hasOrigin: async (realm: string, origin: string) =>
      isName(realm) &&
      placesOf(origin).length > 0 &&
      (await originCache.find(`${realm} ${origin}`)) !== undefined,
  };
}

/** Any change of a client may change the allowed origins: all of them are dropped. */
function createOriginCache(store: Store, clock: Clock) {
  return createCache<object>({
    max: MAX_ORIGINS,
    ttlMs: CACHE_MS,
    clock,
    async load(key) {
      const [realm = '', origin = ''] = key.split(' ');
      const pages = await Promise.all(
        placesOf(origin).map((place) => store.list(originIndex(realm, place), { limit: 1 })),
      );
      return pages.find(({ members }) => members.length > 0);
    },
  });
}

type RealmCalls = 'createRealm' | 'putRealm' | 'updateRealm' | 'removeRealm' | 'listRealms' | 'readRealm';

function callsOnRealms(realms: Realms): Pick<Registry, RealmCalls> {
  return {
    createRealm: realms.create,
    putRealm: realms.put,
    readRealm: async (name: string) => (isName(name) ? (await realms.find(name))?.value : undefined),
    async updateRealm(name: string, change: (settings: RealmSettings) => RealmSettings) {
      if (!isName(name)) throw noRealm();
      return realms.update(name, change);
    },
    removeRealm: async (name: string) => isName(name) && realms.remove(name),
    listRealms: realms.list,
  };
}

type FindRealm = Registry['findRealm'];

/** Refuses to change or list anything in a realm that does not exist. */
async function requireRealm(findRealm: FindRealm, realm: string): Promise<void> {
  if ((await findRealm(realm)) === undefined) throw noRealm();
}

function noRealm(): Failure {
  return new Failure('not_found', 'the realm does not exist');
}

type ClientCalls = 'createClient' | 'updateClient' | 'removeClient' | 'listClients' | 'readClient';

function callsOnClients(clients: Clients, findRealm: FindRealm): Pick<Registry, ClientCalls> {
  return {
    async createClient(realm: string, input: ClientInput) {
      await requireRealm(findRealm, realm);
      return clients.create(realm, input);
    },
    async readClient(realm: string, id: string) {
      const isOne = isName(realm) && clientId.safeParse(id).success;
      return isOne ? (await clients.find(realm, id))?.value : undefined;
    },
    async updateClient(realm: string, id: string, change: (client: Client) => Client) {
      await requireRealm(findRealm, realm);
      return clients.update(realm, id, change);
    },
    async removeClient(realm: string, id: string, allow?: Allow<Client>) {
      return isName(realm) && clients.remove(realm, id, allow);
    },
    async listClients(realm: string, page: PageRequest) {
      await requireRealm(findRealm, realm);
      return clients.list(realm, page);
    },
  };
}

function callsOnUsers(users: Users, findRealm: FindRealm) {
  return {
    async findUser(realm: string, id: string) {
      return isName(realm) ? (await users.find(realm, id))?.value : undefined;
    },
    async findUserByLogin(realm: string, login: string) {
      return isName(realm) ? users.findByLogin(realm, login) : undefined;
    },
    async createUser(realm: string, input: UserInput) {
      await requireRealm(findRealm, realm);
      return users.create(realm, input);
    },
    async updateUser(realm: string, id: string, change: (user: User) => User, alsoCut = false) {
      await requireRealm(findRealm, realm);
      return users.update(realm, id, change, alsoCut);
    },
    async upgradePasswordHash(realm: string, id: string, from: string | undefined, to: string) {
      await requireRealm(findRealm, realm);
      return users.upgradePasswordHash(realm, id, from, to);
    },
    async removeUser(realm: string, id: string, allow?: Allow<User>) {
      return isName(realm) && users.remove(realm, id, allow);
    },
    async listUsers(realm: string, page: PageRequest) {
      await requireRealm(findRealm, realm);
      return users.list(realm, page);
    },
    async searchUsers(realm: string, text: string, page: PageRequest) {
      await requireRealm(findRealm, realm);
      return users.search(realm, text, page);
    },
  };
}

function isName(name: string): boolean {
  return realmName.safeParse(name).success;
}
