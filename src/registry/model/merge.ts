/**
 * Merges a realm file into what is stored. The result is as the file says, except for what people change in
 * operation: `enabled`, where the file does not name it, and what users have filled in. Pure.
 */
import {
  type Client,
  type ClientInput,
  client,
  type RealmFile,
  type RealmSettings,
  realmSettings,
  type User,
  type UserInput,
  user,
} from './model.ts';
import { parseInput } from './parse-input.ts';
import { defaultOf } from './realm-view.ts';

/** APIs, roles, policies and compatibility sections that the file does not name stay. */
export function mergeSettings(stored: RealmSettings | undefined, file: RealmFile): RealmSettings {
  const { clients: _clients, users: _users, demo: _demo, compat: sections = {}, ...settings } = file;
  const compat = { ...stored?.compat, ...mergeSections(stored?.compat ?? {}, sections) };
  return parseInput(realmSettings, {
    ...settings,
    enabled: settings.enabled ?? stored?.enabled,
    apis: mergeApis(stored?.apis ?? [], settings.apis ?? []),
    roles: mergeNamed(stored?.roles ?? [], settings.roles ?? [], ({ name }) => name),
    policies: mergeNamed(
      stored?.policies ?? [],
      settings.policies ?? [],
      ({ kind, name }) => `${kind} ${name}`,
    ),
    ...(Object.keys(compat).length > 0 && { compat }),
  });
}

/** Names in the settings that a file does not name, though it has the list: `role reader`. */
export function strayNames(stored: RealmSettings | undefined, file: RealmFile): readonly string[] {
  if (stored === undefined) return [];
  const kept = prunedSettings(stored, file);
  const gone = <T>(all: readonly T[], left: readonly T[]) => all.filter((one) => !left.includes(one));
  const sections = Object.keys(stored.compat ?? {});
  return [
    ...gone(stored.apis, kept.apis).map(({ id }) => `api ${id}`),
    ...gone(stored.roles, kept.roles).map(({ name }) => `role ${name}`),
    ...gone(stored.policies, kept.policies).map(({ kind, name }) => `policy ${kind} ${name}`),
    ...gone(sections, Object.keys(kept.compat ?? {})).map((name) => `compat ${name}`),
  ];
}

/** The settings without what a file does not name of the lists that it has. */
export function prunedSettings(
  stored: RealmSettings,
  { apis, roles, policies, compat }: RealmFile,
): RealmSettings {
  const { compat: sections = {}, ...rest } = stored;
  const kept = Object.entries(sections).filter(
    ([name]) => compat === undefined || Object.hasOwn(compat, name),
  );
  return {
    ...rest,
    apis: namedIn(stored.apis, apis, ({ id }) => id),
    roles: namedIn(stored.roles, roles, ({ name }) => name),
    policies: namedIn(stored.policies, policies, ({ kind, name }) => `${kind} ${name}`),
    ...(kept.length > 0 && { compat: Object.fromEntries(kept) }),
  };
}

function namedIn<Item extends Named, Named>(
  stored: Item[],
  named: readonly Named[] | undefined,
  nameOf: (item: Named) => string,
): Item[] {
  const names = named && new Set(named.map(nameOf));
  return names === undefined ? stored : stored.filter((item) => names.has(nameOf(item)));
}

type Sections = NonNullable<RealmSettings['compat']>;

/** A section is a client: a disabled one stays disabled unless the file names `enabled`. */
function mergeSections(stored: Sections, named: NonNullable<RealmFile['compat']>): Sections {
  return Object.fromEntries(
    Object.entries(named).map(([name, section]) => {
      const enabled = section?.['enabled'] ?? stored[name]?.['enabled'];
      return [name, { ...section, ...(enabled === undefined ? {} : { enabled }) }];
    }),
  );
}

export function mergeClient(stored: Client | undefined, input: ClientInput): Client {
  return parseInput(client, { ...input, enabled: input.enabled ?? stored?.enabled });
}

/**
 * Fields that the file leaves out stay, except roles: leaving out a role takes it away. A hash in a file is an
 * import: it counts until there is a better hash of the same password.
 */
export function mergeUser(stored: User | undefined, input: UserInput & { readonly id: string }): User {
  const { password: _, passwordHash, ...named } = input;
  const merged = {
    ...stored,
    ...named,
    roles: named.roles ?? [],
    passwordHash: stored?.passwordHash ?? passwordHash,
  };
  return { ...parseInput(user, merged), id: input.id };
}

type ApiInput = NonNullable<RealmFile['apis']>[number];

/** There is one default API, and one API per audience: where the file names it, the file decides. */
function mergeApis(stored: readonly ApiInput[], named: readonly ApiInput[]): readonly ApiInput[] {
  const ids = new Map(named.map(({ id, audience }) => [audience, id]));
  const kept = stored.filter(({ id, audience }) => (ids.get(audience) ?? id) === id);
  const all = mergeNamed(kept, named, ({ id }) => id);
  const chosen = defaultOf(named);
  if (chosen === undefined || all.length === 1) return all;
  return all.map((api) => ({ ...api, default: api === chosen ? true : undefined }));
}

/** What is stored keeps its place, so that a file in another order changes nothing. */
function mergeNamed<T>(stored: readonly T[], named: readonly T[], nameOf: (item: T) => string): readonly T[] {
  const byName = new Map(named.map((item) => [nameOf(item), item]));
  const known = new Set(stored.map(nameOf));
  return [
    ...stored.map((item) => byName.get(nameOf(item)) ?? item),
    ...named.filter((item) => !known.has(nameOf(item))),
  ];
}
