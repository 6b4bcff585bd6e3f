import { Failure } from '../../base/errors.ts';
import type { Stamp, Store, Write } from '../../storage/port/port.ts';
import { type RealmSettings, type RealmSettingsInput, realmSettings } from '../model/model.ts';
import { parseInput } from '../model/parse-input.ts';
import type { Clients, WriteDeps } from './clients.ts';
import { type Committer, isSame, retried } from './committer.ts';
import { realmEffects } from './effects.ts';
import { type Listed, type PageRequest, readListed } from './listing.ts';
import { createRemoval, type RemovedWith } from './realm-removal.ts';
import { realmsIndex, settingsKey } from './records.ts';
import type { Users } from './users.ts';

export type RealmDeps = WriteDeps & {
  readonly store: Store;
  readonly committer: Committer;
  readonly clients: Clients;
  readonly users: Users;
  readonly removedWith: RemovedWith;
  readonly stopping: AbortSignal;
};

type Stored = { readonly value: RealmSettings; readonly stamp: Stamp };

/** Settings of realms, read from the store; nothing is cached here. */
export function createRealms(deps: RealmDeps) {
  const { store, codec, committer } = deps;
  const removal = createRemoval(deps);

  async function find(name: string): Promise<Stored | undefined> {
    const key = settingsKey(name);
    const [document] = await store.read([key]);
    return document && { value: codec.decodeSettings(key, document.value), stamp: document.stamp };
  }

  async function create(input: RealmSettingsInput): Promise<RealmSettings> {
    const after = parseInput(realmSettings, input);
    const created =
      (await find(after.name)) === undefined ? await commitSettings(undefined, after) : undefined;
    if (created === undefined) throw new Failure('conflict', `realm "${after.name}" exists already`);
    return created;
  }

  /** Creates the realm, or replaces its settings. */
  async function put(input: RealmSettingsInput): Promise<RealmSettings> {
    const after = parseInput(realmSettings, input);
    return retried(async () => commitSettings(await find(after.name), after));
  }

  function update(name: string, change: (settings: RealmSettings) => RealmSettings): Promise<RealmSettings> {
    return retried(async () => {
      const before = await find(name);
      if (before === undefined) throw new Failure('not_found', `realm "${name}" does not exist`);
      const after = parseInput(realmSettings, change(before.value));
      if (after.name !== name) throw new Failure('invalid_input', 'the name of a realm cannot be changed');
      return commitSettings(before, after);
    });
  }

  /**
   * Removes a realm with its clients, users and signing keys. It is disabled first, and its settings are removed
   * last. So an interrupted removal can be repeated, and nothing of the realm comes back with a new realm of the same
   * name.
   */
  async function remove(name: string): Promise<boolean> {
    if ((await find(name)) === undefined) return false;
    const disabled = await update(name, (settings) => ({ ...settings, enabled: false }));
    await removal.content(name);
    await removal.settings(disabled);
    return true;
  }

  /** A name is on the list before its realm exists and after it is gone: such names are left out. */
  function list(page: PageRequest): Promise<Listed<RealmSettings>> {
    return readListed(store, {
      index: realmsIndex,
      page,
      keyOf: settingsKey,
      decode: (key, { value }) => codec.decodeSettings(key, value),
    });
  }

  async function commitSettings(
    before: Stored | undefined,
    after: RealmSettings,
  ): Promise<RealmSettings | undefined> {
    if (before !== undefined && isSame(before.value, after)) return before.value;
    if (before === undefined) await announceRealm(store, after.name);
    const writes = settingsWrites(deps, before, after);
    const result = await committer.commit(after.name, writes, [
      { what: 'realm', before: before?.value, after },
    ]);
    return result.ok ? after : undefined;
  }

  return { find, create, put, update, remove, list };
}

export type Realms = ReturnType<typeof createRealms>;

/** The writes of a change of settings. They are refused when the stored settings are not what `before` says. */
export function settingsWrites(
  { codec, narrowing }: WriteDeps,
  before: Stored | undefined,
  after: RealmSettings,
): readonly Write[] {
  return [
    { put: settingsKey(after.name), value: codec.encodeSettings(after), onlyIf: before?.stamp ?? 'absent' },
    ...realmEffects(narrowing, after.name, { before: before?.value, after }),
  ];
}

/** Puts the name on the list of realms. The list lies outside of every realm, so this is a commit of its own. */
export async function announceRealm(store: Store, name: string): Promise<void> {
  await store.commit([{ index: realmsIndex, member: name }]);
}
