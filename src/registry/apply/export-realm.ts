/**
 * A realm as the file that applies to it again: what it says is what the store has, so planning it changes nothing.
 * The same realm gives the same file, however it came about. Pure.
 */
import { withoutDefaults } from '../model/defaults.ts';
import {
  type Client,
  client,
  type RealmFile,
  type RealmSettings,
  realmSettings,
  type User,
  user,
} from '../model/model.ts';

export type WholeRealm = {
  readonly settings: RealmSettings;
  readonly clients: readonly Client[];
  readonly users: readonly User[];
};

/**
 * Lists in the order of their names, without what is a default. Lists without members are there: then the file decides
 * about them. Clients of an open registration that were never used are left out: they forget themselves.
 */
export function fileOf({ settings, clients, users }: WholeRealm): RealmFile {
  const { apis, roles, policies, compat = {}, ...rest } = settings;
  const kept = clients.filter(({ unused }) => unused !== true);
  return plain({
    ...record(withoutDefaults(realmSettings, rest)),
    apis: named(apis, ({ id }) => id).map((one) =>
      withoutDefaults(realmSettings.shape.apis.unwrap().element, one),
    ),
    roles: named(roles, ({ name }) => name).map((one) =>
      withoutDefaults(realmSettings.shape.roles.unwrap().element, one),
    ),
    policies: named(policies, ({ kind, name }) => `${kind} ${name}`).map((one) =>
      withoutDefaults(realmSettings.shape.policies.unwrap().element, one),
    ),
    compat: inOrder(compat),
    clients: named(kept, ({ id }) => id).map((one) => withoutDefaults(client, one)),
    users: named(users, ({ username }) => username).map(userOf),
  });
}

/** Without what the server keeps for itself. */
function userOf({ appliedPassword: _, lockGeneration: __, updatedAt: ___, ...rest }: User): unknown {
  return withoutDefaults(user, rest);
}

function named<T>(items: readonly T[], nameOf: (item: T) => string): readonly T[] {
  return items.toSorted((a, b) => Buffer.compare(Buffer.from(nameOf(a)), Buffer.from(nameOf(b))));
}

/** Members whose names no schema knows: whoever wrote them first must not show in the text. */
const free: ReadonlySet<string> = new Set([
  'mints',
  'guests',
  'template',
  'attributes',
  'registered',
  'jwks',
]);

function plain(file: Readonly<Record<string, unknown>>): RealmFile {
  return JSON.parse(JSON.stringify(file, (name, value) => (free.has(name) ? inOrder(value) : value)));
}

function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOrder);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(members.map(([name, member]) => [name, inOrder(member)]));
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
