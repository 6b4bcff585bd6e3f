import { type Clock, epochSeconds } from '../../base/clock.ts';
import { Failure } from '../../base/errors.ts';
import { randomId } from '../../base/random.ts';
import { CUT_TTL } from '../../revocation/life.ts';
import { userNode } from '../../revocation/nodes.ts';
import type { Refusal, Stamp, Store, Write } from '../../storage/port/port.ts';
import { type User, type UserInput, user as userSchema } from '../model/model.ts';
import { parseInput } from '../model/parse-input.ts';
import type { Change } from './change-log.ts';
import { type Allow, type Committer, isSame, retried } from './committer.ts';
import { type Listed, type PageRequest, readListed } from './listing.ts';
import {
  type Codec,
  loginKey,
  loginOfMember,
  loginsIndex,
  loginsOf,
  MAX_LOGIN,
  normalizeLogin,
  userKey,
  usersIndex,
} from './records.ts';
import { type StoredUser, userWrites } from './user-writes.ts';

export type PasswordHashing = {
  hash(password: string): Promise<string>;
  verify(password: string, stored: string | undefined): Promise<{ readonly matches: boolean }>;
};

export type UserDeps = {
  readonly store: Store;
  readonly codec: Codec;
  readonly committer: Committer;
  readonly clock: Clock;
  readonly passwords: PasswordHashing;
};

/** A user as read at `readAt`: a later write for the user can be refused if the user was cut since then. */
export type FoundUser = { readonly user: User; readonly readAt: Stamp };

/** Reads users. They are never cached, so that a change counts at once everywhere. */
function createUserReader({ store, codec }: Pick<UserDeps, 'store' | 'codec'>) {
  async function find(realm: string, id: string): Promise<StoredUser | undefined> {
    const [document] = await store.read([userKey(realm, id)]);
    return document && { value: codec.decodeUser(document.value), stamp: document.stamp };
  }

  /** Two round trips whether or not the user exists. */
  async function findByLogin(realm: string, login: string): Promise<FoundUser | undefined> {
    const name = login.length > MAX_LOGIN ? '' : normalizeLogin(login);
    const [pointer] = await store.read([loginKey(realm, name)]);
    const [document] = await store.read([userKey(realm, pointer?.value ?? '')]);
    if (document === undefined) return undefined;
    const found = codec.decodeUser(document.value);
    // Between the two reads the user may have given up the name, and the pointer with it.
    return loginsOf(found).includes(name) ? { user: found, readAt: document.now } : undefined;
  }

  function list(realm: string, page: PageRequest): Promise<Listed<User>> {
    return readListed(store, {
      index: usersIndex(realm),
      page,
      keyOf: (id) => userKey(realm, id),
      decode: (_key, { value }) => codec.decodeUser(value),
    });
  }

  /** Users by how one of their names begins, in the order of these names. Each once. Two round trips. */
  async function search(realm: string, text: string, page: PageRequest): Promise<Listed<User>> {
    const prefix = normalizeLogin(text);
    const { members, next } = await store.list(loginsIndex(realm), { ...page, prefix });
    const found = members.map(loginOfMember);
    const keys = found.map(({ id }) => userKey(realm, id));
    const documents = keys.length === 0 ? [] : await store.read(keys);
    const items = found.flatMap(({ login }, at) => {
      const document = documents[at];
      const user = document && codec.decodeUser(document.value);
      return user !== undefined && firstOf(user, prefix) === login ? [user] : [];
    });
    return { items, ...(next !== undefined && { next }) };
  }

  async function get(realm: string, id: string): Promise<StoredUser> {
    const found = await find(realm, id);
    if (found === undefined) throw new Failure('not_found', 'the user does not exist');
    return found;
  }

  return { find, get, findByLogin, list, search };
}

/** Users of a realm, read from the store. */
export function createUsers({ store, codec, committer, clock, passwords }: UserDeps) {
  const reader = createUserReader({ store, codec });
  const { find, get } = reader;

  async function create(realm: string, input: UserInput): Promise<User> {
    const created = await settle({ ...parseInput(userSchema, input), id: input.id ?? randomId() });
    const writes = userWrites(codec, realm, { before: undefined, after: created });
    const result = await committer.commit(realm, writes, changeOf(undefined, created));
    if (result.ok) return created;
    throw refusedBecauseTaken(result) ?? new Failure('busy', 'the realm is being changed, try again');
  }

  function update(realm: string, id: string, change: (user: User) => User, alsoCut = false): Promise<User> {
    return retried(async () => {
      const before = await get(realm, id);
      const changed = change(before.value);
      if (changed.id !== id) throw new Failure('invalid_input', 'the id of a user cannot be changed');
      if (isSame(before.value, changed) && !alsoCut) return before.value;
      const after = await settle({ ...parseInput(userSchema, changed), id });
      return commitUpdate(realm, { before, after, cut: alsoCut });
    });
  }

  /** Replaces a hash by a better one of the same password. Changes and cuts nothing else. */
  async function upgradePasswordHash(
    realm: string,
    id: string,
    from: string | undefined,
    to: string,
  ): Promise<void> {
    const before = await find(realm, id);
    if (before === undefined || before.value.passwordHash !== from) return;
    // A change by somebody else came first: the hash is replaced at the next login.
    const value = codec.encodeUser({ ...before.value, passwordHash: to });
    await committer.commit(realm, [{ put: userKey(realm, id), value, onlyIf: before.stamp }], []);
  }

  function remove(realm: string, id: string, allow?: Allow<User>): Promise<boolean> {
    return retried(async () => {
      const before = await find(realm, id);
      if (before === undefined) return false;
      allow?.(before.value);
      const writes = userWrites(codec, realm, { before, after: undefined });
      const result = await committer.commit(realm, writes, changeOf(before.value, undefined));
      return result.ok ? true : undefined;
    });
  }

  async function commitUpdate(
    realm: string,
    { before, after, cut }: { before: StoredUser; after: User; cut: boolean },
  ): Promise<User | undefined> {
    const node = userNode(after.id);
    const writes = userWrites(codec, realm, { before, after });
    const extra: Write[] = cut ? [{ cut: node, realm, ttl: CUT_TTL }] : [];
    const result = await committer.commit(realm, [...writes, ...extra], changeOf(before.value, after));
    if (result.ok) return after;
    const taken = refusedBecauseTaken(result);
    if (taken !== undefined) throw taken;
    return undefined;
  }

  /** Replaces a password by its hash, and sets the time of the change. */
  async function settle({ password, ...rest }: User): Promise<User> {
    const hash = password === undefined ? {} : { passwordHash: await passwords.hash(password) };
    return { ...rest, ...hash, updatedAt: epochSeconds(clock) };
  }

  return { ...reader, create, update, upgradePasswordHash, remove };
}

export type Users = ReturnType<typeof createUsers>;

/** The first of the user's names that begin so: a user with two of them is found by this one alone. */
function firstOf(user: User, prefix: string): string | undefined {
  const names = loginsOf(user).filter((login) => login.startsWith(prefix));
  return names.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))[0];
}

/** One of the two is present. */
function changeOf(before: User | undefined, after: User | undefined): readonly Change[] {
  const id = (after ?? before)?.id;
  return [{ what: 'user', ...(id !== undefined && { id }), before, after }];
}

function refusedBecauseTaken({ reason }: Refusal): Failure | undefined {
  return reason === 'exists'
    ? new Failure('conflict', 'another user has this id, user name or e-mail address')
    : undefined;
}
