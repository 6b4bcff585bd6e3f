/**
 * The sound parts of a realm file that has faults: they can be compared with each other all the same, so that one check
 * tells all that can be known. What could follow from a fault alone is not told.
 */
import type { z } from 'zod';
import type { Problem } from '../registry/model/check-realm.ts';
import { api, policy, type RealmSettings, realmSettings, role } from '../registry/model/model.ts';

export type SoundSettings = {
  readonly settings: RealmSettings;
  /** True for a problem that is none of a faulty part, and does not only follow from one. */
  isReal(problem: Problem): boolean;
};

type Fields = Record<string, unknown>;

/** Lists whose entries others name. A faulty entry keeps its place, by an entry of the same name that says nothing. */
const lists = {
  apis: {
    schema: api,
    key: 'id',
    rest: (at: number) => ({ audience: `urn:unsound:${at}`, permissions: [] }),
  },
  roles: { schema: role, key: 'name', rest: () => ({}) },
  policies: { schema: policy, key: 'name', rest: () => ({ kind: 'row', template: {} }) },
} as const;

type ListName = keyof typeof lists;

const nameKinds: Readonly<Record<string, ListName>> = {
  API: 'apis',
  permission: 'apis',
  role: 'roles',
  policy: 'policies',
};

/** Of the settings as written, without clients and users. `undefined` when not even the rest can be read. */
export function soundSettings(given: Fields): SoundSettings | undefined {
  const whole = realmSettings.safeParse(given);
  if (whole.success) return { settings: whole.data, isReal: () => true };
  const replaced = new Map<ListName, ReadonlySet<number>>();
  const kept = Object.fromEntries(
    Object.entries(given).map(([name, value]) => {
      if (!isListName(name) || !Array.isArray(value)) return [name, value];
      const { entries, faulty } = soundEntries(name, value);
      replaced.set(name, faulty);
      return [name, entries];
    }),
  );
  const settings = withoutFaults(realmSettings, { ...kept, name: 'unsound' });
  if (settings === undefined) return undefined;
  const lost = new Set(Object.keys(lists).filter((name) => name in given && !Array.isArray(given[name])));
  const isReal = (problem: Problem) =>
    !isWithin(problem.path, replaced) && !followsFrom(problem, settings, { replaced, lost });
  return { settings, isReal };
}

function isListName(name: string): name is ListName {
  return Object.hasOwn(lists, name);
}

function soundEntries(name: ListName, given: readonly unknown[]) {
  const { schema, key, rest } = lists[name];
  const faulty = new Set<number>();
  const entries = given.map((entry, at) => {
    if (schema.safeParse(entry).success) return entry;
    faulty.add(at);
    const named = isFields(entry) && typeof entry[key] === 'string' ? entry[key] : '';
    const withName = { ...rest(at), [key]: named };
    return schema.safeParse(withName).success ? withName : { ...rest(at), [key]: `unsound-${at}` };
  });
  return { entries, faulty };
}

function isWithin([list, at]: Problem['path'], replaced: ReadonlyMap<ListName, ReadonlySet<number>>) {
  if (typeof list !== 'string' || !isListName(list)) return false;
  return typeof at === 'number' && replaced.get(list)?.has(at) === true;
}

type Unsound = {
  readonly replaced: ReadonlyMap<ListName, ReadonlySet<number>>;
  readonly lost: ReadonlySet<string>;
};

/** A name may be missing only because the entry that has it, or the API of a permission, is at fault. */
function followsFrom(
  { unknown, path }: Problem,
  settings: RealmSettings,
  { replaced, lost }: Unsound,
): boolean {
  // That no API is the default one.
  if (unknown === undefined) return path.length === 1 && path[0] === 'apis' && isFaulty(replaced, 'apis');
  const list = nameKinds[unknown.what];
  if (list === undefined) return false;
  const faulty = replaced.get(list);
  if (lost.has(list)) return true;
  if (faulty === undefined || faulty.size === 0) return false;
  if (unknown.what !== 'permission') return [...faulty].some((at) => isUnnamed(settings, list, at));
  const owner = unknown.given.split(':', 1)[0];
  const owning = settings.apis.findIndex(({ id }) => id === owner);
  return owning === -1 ? [...faulty].some((at) => isUnnamed(settings, list, at)) : faulty.has(owning);
}

function isFaulty(replaced: Unsound['replaced'], list: ListName): boolean {
  return (replaced.get(list)?.size ?? 0) > 0;
}

function isUnnamed(settings: RealmSettings, list: ListName, at: number): boolean {
  const name = list === 'apis' ? settings.apis[at]?.id : settings[list][at]?.name;
  return name === `unsound-${at}`;
}

/** A client or user without its faulty members; `undefined` when it cannot do without them. */
export function withoutFaults<T extends z.ZodType>(schema: T, given: unknown): z.output<T> | undefined {
  if (!isFields(given)) return undefined;
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const bad = new Set(parsed.error.issues.flatMap(membersOf));
  const kept = Object.fromEntries(Object.entries(given).filter(([name]) => !bad.has(name)));
  return schema.safeParse(kept).data;
}

function membersOf(issue: z.core.$ZodIssue): readonly string[] {
  const [first] = issue.path;
  if (first !== undefined) return [String(first)];
  return issue.code === 'unrecognized_keys' ? issue.keys : [];
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
