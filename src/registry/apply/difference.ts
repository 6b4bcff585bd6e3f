/** What a change does to a thing, field by field. What is secret is never part of it. Pure. */
import { isDeepStrictEqual } from 'node:util';
import { withoutDefaults } from '../model/defaults.ts';
import { client, realmSettings, user } from '../model/model.ts';
import type { Change } from '../store/change-log.ts';

/** One field, with what it was and what it is to be; absent on the side where there is none. */
export type FieldChange = {
  /** Names from the thing to the field. Members of lists of named things have their name. */
  readonly path: readonly string[];
  readonly before?: unknown;
  readonly after?: unknown;
  /** The values are secret, and are not here. */
  readonly isHidden?: true;
};

export type Difference = {
  readonly kind: 'created' | 'updated' | 'removed';
  readonly fields: readonly FieldChange[];
};

const schemas = { realm: realmSettings, client, user } as const;

/** Fields that tell which thing it is, and never change. */
const identities = { realm: ['name'], client: ['id'], user: ['id'], keys: [] } as const satisfies Record<
  Change['what'],
  readonly string[]
>;

/** Fields that nobody may read. */
const secrets: ReadonlySet<string> = new Set(['secret', 'previousSecret', 'password']);

/** Kept by the server for itself. */
const internal: ReadonlySet<string> = new Set(['updatedAt', 'lockGeneration', 'appliedPassword']);

/** Of a removed thing no fields are told. */
export function differenceOf({ what, before, after }: Change): Difference {
  const schema = what === 'keys' ? undefined : schemas[what];
  const shown = (value: object | undefined) => {
    if (value === undefined) return {};
    return renamed(schema === undefined ? value : withoutDefaults(schema, value));
  };
  if (after === undefined) return { kind: 'removed', fields: [] };
  const isIdentity = ({ path }: FieldChange) =>
    path.length === 1 && identities[what].some((name) => name === path[0]);
  const fields = fieldsOf(shown(before), shown(after), []).filter((field) => !isIdentity(field));
  return { kind: before === undefined ? 'created' : 'updated', fields: fields.map(hiding) };
}

/** People know a password, not its hash. */
function renamed(value: unknown): Readonly<Record<string, unknown>> {
  const members = Object.entries(recordOf(value)).filter(([name]) => !internal.has(name));
  return Object.fromEntries(
    members.map(([name, member]) => [name === 'passwordHash' ? 'password' : name, member]),
  );
}

function fieldsOf(before: unknown, after: unknown, path: readonly string[]): readonly FieldChange[] {
  if (isDeepStrictEqual(before, after)) return [];
  const [old, now] = [membersOf(before), membersOf(after)];
  const isLeaf = (before !== undefined && old === undefined) || (after !== undefined && now === undefined);
  const names = isLeaf ? [] : new Set([...Object.keys(old ?? {}), ...Object.keys(now ?? {})]);
  const inner = [...names].flatMap((name) => fieldsOf(old?.[name], now?.[name], [...path, name]));
  if (inner.length > 0) return inner;
  return [{ path, ...(before !== undefined && { before }), ...(after !== undefined && { after }) }];
}

/** Members by their names; `undefined` for what is shown as a whole. */
function membersOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  if (!Array.isArray(value)) return recordOf(value);
  const named = value.map((item): [string, unknown] => [nameOf(item), item]);
  const names = new Set(named.map(([name]) => name));
  return names.has('') || names.size !== named.length ? undefined : Object.fromEntries(named);
}

/** The name of a member of a list of APIs, roles or policies. */
function nameOf(item: unknown): string {
  const { kind, id, name } = recordOf(item);
  return [kind, id ?? name].filter((part) => typeof part === 'string').join(' ');
}

/** Of the sections of embed products, which hold keys, only what is no text is told. */
function hiding(field: FieldChange): FieldChange {
  const { path, before, after } = field;
  const isPlain = (value: unknown) => value === undefined || typeof value === 'boolean';
  const isSecret =
    path.some((name) => secrets.has(name)) ||
    (path[0] === 'compat' && !(isPlain(before) && isPlain(after))) ||
    (path[0] === 'policies' && path[1]?.startsWith('connection ') && path[2] === 'template');
  return isSecret ? { path, isHidden: true } : field;
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
