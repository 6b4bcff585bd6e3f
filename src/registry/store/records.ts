/**
 * How a realm is stored: one document for its settings, one for each client and user, one pointer for each name that
 * a user can log in with, and the indexes that lists are read from. Secrets are sealed; of a password only a hash is
 * stored. Documents of a newer version can be read: members that this version does not know are dropped.
 */
import { z } from 'zod';
import type { Key } from '../../storage/port/port.ts';
import { type Client, client, type RealmSettings, realmSettings, type User, user } from '../model/model.ts';

/** Seals a secret, bound to the place where it is stored. */
export type Seal = {
  seal(plain: string, context: string): string;
  open(sealed: string, context: string): string;
  /** A keyed digest, by which a secret is recognised without being kept. */
  digest(plain: string, context: string): string;
};

/** The topic of messages about changes; one JSON message for each changed thing. */
export const TOPIC = 'registry';

/** The realm that holds the list of realms. No real realm can have this name. */
const REALM_OF_REALMS = '_';

export const settingsKey = (realm: string): Key => ({ realm, kind: 'realm', id: 'settings' });
export const clientKey = (realm: string, id: string): Key => ({ realm, kind: 'client', id });
export const userKey = (realm: string, id: string): Key => ({ realm, kind: 'user', id });
/** User names and e-mail addresses share one space: a name that one user logs in with belongs to nobody else. */
export const loginKey = (realm: string, login: string): Key => ({ realm, kind: 'login', id: login });
export const clientsIndex = (realm: string): Key => ({ realm, kind: 'clients', id: 'all' });
export const usersIndex = (realm: string): Key => ({ realm, kind: 'users', id: 'all' });
/** Every name that somebody logs in with, followed by the id of the user: people are found by how their names begin. */
export const loginsIndex = (realm: string): Key => ({ realm, kind: 'logins', id: 'all' });
export const realmsIndex: Key = { realm: REALM_OF_REALMS, kind: 'realms', id: 'all' };

/** Nobody logs in with a longer name. */
export const MAX_LOGIN = 512;

/**
 * The form in which login names are compared: without regard to case and compatibility forms. A longer text than any
 * name stays as it is: normalising takes a time quadratic in the combining marks.
 */
export function normalizeLogin(login: string): string {
  if (login.length > MAX_LOGIN) return login;

  // What a keyboard or a clipboard adds at the ends is nobody's name: no name may have it.
  return login.normalize('NFKC').toLowerCase().normalize('NFKC').trim();
}

/** Every name that a user can log in with, normalised, each once. */
export function loginsOf({ username, email }: Pick<User, 'username' | 'email'>): readonly string[] {
  return [...new Set([username, ...(email === undefined ? [] : [email])].map(normalizeLogin))];
}

/** A member of the index of logins. An id is a UUID, so its length tells where the name ends. */
export function loginMember(login: string, id: string): string {
  return `${login} ${id}`;
}

const UUID_LENGTH = 36;

export function loginOfMember(member: string): { readonly login: string; readonly id: string } {
  return { login: member.slice(0, -UUID_LENGTH - 1), id: member.slice(-UUID_LENGTH) };
}

const storedUser = user.omit({ password: true }).required({ id: true });
const clientRecord = z.object({
  v: z.literal(1),
  client: z.unknown(),
  secret: z.string().optional(),
  previousSecret: z.string().optional(),
});
const userRecord = z.object({ v: z.literal(1), user: z.unknown() });
const realmRecord = z.object({ v: z.literal(1), realm: z.unknown(), compat: z.string().optional() });

/**
 * Encodes values for the store and decodes them. Decoding throws on text that is no record: a bug, or a store that
 * was tampered with.
 */
export function createCodec({ seal, open }: Pick<Seal, 'seal' | 'open'>) {
  return {
    encodeClient(realm: string, { secret, previousSecret, ...rest }: Client): string {
      const context = contextOf(clientKey(realm, rest.id));
      return JSON.stringify({
        v: 1,
        client: rest,
        secret: secret === undefined ? undefined : seal(secret, context),
        previousSecret: previousSecret === undefined ? undefined : seal(previousSecret, previousOf(context)),
      });
    },

    decodeClient(key: Key, text: string): Client {
      const record = clientRecord.parse(JSON.parse(text));
      const { secret, previousSecret } = record;
      const context = contextOf(key);
      return {
        ...parseTolerant(client, record.client),
        ...(secret === undefined ? {} : { secret: open(secret, context) }),
        ...(previousSecret === undefined
          ? {}
          : { previousSecret: open(previousSecret, previousOf(context)) }),
      };
    },

    encodeUser({ password: _, ...rest }: User): string {
      return JSON.stringify({ v: 1, user: rest });
    },

    decodeUser(text: string): User {
      return parseTolerant(storedUser, userRecord.parse(JSON.parse(text)).user);
    },

    /** The sections of embed products hold keys that the products show again: sealed as a whole. */
    encodeSettings({ compat, ...rest }: RealmSettings): string {
      const context = contextOf(settingsKey(rest.name));
      const sealed = compat === undefined ? undefined : seal(JSON.stringify(compat), context);
      return JSON.stringify({ v: 1, realm: rest, compat: sealed });
    },

    decodeSettings(key: Key, text: string): RealmSettings {
      const record = realmRecord.parse(JSON.parse(text));
      const compat =
        record.compat === undefined ? {} : { compat: JSON.parse(open(record.compat, contextOf(key))) };
      return parseTolerant(realmSettings, { ...z.looseObject({}).parse(record.realm), ...compat });
    },
  };
}

export type Codec = ReturnType<typeof createCodec>;

function contextOf({ realm, kind, id }: Key): string {
  return `${realm}/${kind}/${id}`;
}

/** The context differs, so that neither of the two secrets can be put in the other's place. */
function previousOf(context: string): string {
  return `${context}/previous`;
}

/** Parses what a newer version may have written: unknown members are dropped, at any depth. */
function parseTolerant<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  for (const issue of parsed.error.issues) {
    if (issue.code === 'unrecognized_keys') dropKeys(value, issue.path, issue.keys);
  }
  return schema.parse(value);
}

function dropKeys(root: unknown, path: readonly PropertyKey[], keys: readonly string[]): void {
  let holder: unknown = root;
  for (const step of path) holder = isObject(holder) ? Reflect.get(holder, step) : undefined;
  if (isObject(holder)) for (const key of keys) Reflect.deleteProperty(holder, key);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
