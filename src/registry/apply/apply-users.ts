import { epochSeconds } from '../../base/clock.ts';
import { Failure } from '../../base/errors.ts';
import { randomId } from '../../base/random.ts';
import type { Document } from '../../storage/port/port.ts';
import { mergeUser } from '../model/merge.ts';
import type { RealmFile, UserInput } from '../model/model.ts';
import { isSame } from '../store/committer.ts';
import { loginKey, loginsOf, normalizeLogin, userKey } from '../store/records.ts';
import { userWrites } from '../store/user-writes.ts';
import { createPasswordPlan } from './apply-passwords.ts';
import { type ApplyDeps, type Part, type Reach, readAll, type Step } from './plan.ts';
import { strayUsers } from './strays.ts';

/** Ids of users by the names and addresses they log in with. */
type Owners = ReadonlyMap<string, string>;

type Finding = {
  readonly document: Document | undefined;
  readonly owners: Owners;
  readonly isById: boolean;
  readonly isTrial: boolean;
};

/** Users planned at once: enough to keep every core busy, and few beside the logins that wait for the same cores. */
const AT_ONCE = 16;

/** The changes that the users of a file need. A user is found by `id` where the file gives one, else by user name. */
export function createUserPlan({ store, codec, clock, passwords, digest }: ApplyDeps) {
  const withPassword = createPasswordPlan({ passwords, digest });

  return async function planUsers(file: RealmFile, reach: Reach): Promise<Part> {
    const { named, steps } = await planNamed(file, reach);
    const isKept = reach.strays === 'keep' || file.users === undefined;
    if (isKept) return { steps, strays: [] };
    const strays = await strayUsers({ store, codec }, file.name, named);
    if (reach.strays === 'prune') return { steps: [...strays, ...steps], strays: [] };
    return { steps, strays: strays.map(({ label }) => label) };
  };

  async function planNamed({ name: realm, users = [] }: RealmFile, { isTrial, onUsers }: Reach) {
    const owners = await readOwners(realm, users);
    const named = users.map((input) => ({ ...input, id: input.id ?? ownerOf(owners, input) ?? randomId() }));
    const documents = await readAll(
      store,
      named.map(({ id }) => userKey(realm, id)),
    );
    const steps: Step[] = [];
    for (let at = 0; at < named.length; at += AT_ONCE) {
      const some = named.slice(at, at + AT_ONCE).map((input, offset) =>
        planUser(realm, input, {
          document: documents[at + offset],
          owners,
          isById: users[at + offset]?.id !== undefined,
          isTrial,
        }),
      );
      steps.push(...(await Promise.all(some)).flat());
      onUsers?.(some.length);
    }
    return { named: new Set(named.map(({ id }) => id)), steps };
  }

  async function planUser(
    realm: string,
    input: UserInput & { id: string },
    { document, owners, isById, isTrial }: Finding,
  ): Promise<readonly Step[]> {
    const before = document && { value: codec.decodeUser(document.value), stamp: document.stamp };
    // A user name in the file can be the e-mail address of another user; that user is not meant.
    const isNamesake = !isById && before !== undefined && usernameOf(before.value) !== usernameOf(input);
    if (isNamesake || isForeign(input, owners)) {
      const message = `user "${input.username}": the user name or e-mail address is another user's`;
      throw new Failure('conflict', message);
    }
    const after = await withPassword(realm, mergeUser(before?.value, input), {
      password: input.password,
      isTrial,
    });
    if (before !== undefined && isSame(before.value, after)) return [];
    const writes = userWrites(codec, realm, { before, after: { ...after, updatedAt: epochSeconds(clock) } });
    const changed = { what: 'user', id: input.id, before: before?.value, after } as const;
    return [{ label: `user ${input.username}`, changed, writes }];
  }

  async function readOwners(realm: string, users: readonly UserInput[]): Promise<Owners> {
    const logins = users.flatMap(loginsOf);
    const pointers = await readAll(
      store,
      logins.map((login) => loginKey(realm, login)),
    );
    const found = new Map<string, string>();
    logins.forEach((login, at) => {
      const owner = pointers[at]?.value;
      if (owner !== undefined) found.set(login, owner);
    });
    return found;
  }
}

function ownerOf(owners: Owners, input: UserInput): string | undefined {
  return owners.get(usernameOf(input));
}

function usernameOf({ username }: Pick<UserInput, 'username'>): string {
  return normalizeLogin(username);
}

function isForeign(input: UserInput & { id: string }, owners: Owners): boolean {
  return loginsOf(input).some((login) => (owners.get(login) ?? input.id) !== input.id);
}
