/** Creates many users with few round trips. */
import { epochSeconds } from '../../base/clock.ts';
import { isFailure } from '../../base/errors.ts';
import { randomId } from '../../base/random.ts';
import type { Write } from '../../storage/port/port.ts';
import { withSharedPatience } from '../../storage/port/request-patience.ts';
import { type User, type UserInput, user as userSchema } from '../model/model.ts';
import { parseInput } from '../model/parse-input.ts';
import { loginKey, loginsOf, normalizeLogin, userKey } from './records.ts';
import { userWrites } from './user-writes.ts';
import type { UserDeps } from './users.ts';

/** `exists`: somebody has this user name already, and nothing was changed. `taken`: another has the id or address. */
export type Imported = { readonly outcome: 'created' | 'exists' | 'taken'; readonly id: string };

/**
 * Creates those of the users that are not there yet; the results are in their order. The inputs have no `password`, and
 * no two of them a name in common. At most some 50 at a time: a commit keeps the store from everybody else. Two round
 * trips when nobody else makes the same users at the same moment.
 */
export function createUserImport(
  { store, codec, committer, clock }: Omit<UserDeps, 'passwords'>,
  create: (realm: string, input: UserInput) => Promise<User>,
) {
  /** A request imports many times: the patience of one import says nothing of the next. */
  return function importUsers(realm: string, inputs: readonly UserInput[]): Promise<readonly Imported[]> {
    return withSharedPatience(() => importAll(realm, inputs));
  };

  async function importAll(realm: string, inputs: readonly UserInput[]): Promise<readonly Imported[]> {
    const planned = await plan(realm, inputs);
    const fresh = planned.flatMap(({ user, outcome }) => (outcome === 'created' ? [user] : []));
    if (fresh.length === 0 || (await commitAll(realm, fresh))) return planned.map(withoutUser);
    const results: Imported[] = [];
    for (const [at, one] of planned.entries()) {
      const input = inputs[at];
      results.push(
        one.outcome === 'created' && input !== undefined ? await createOne(realm, input) : withoutUser(one),
      );
    }
    return results;
  }

  async function plan(realm: string, inputs: readonly UserInput[]): Promise<readonly Planned[]> {
    const users = inputs.map((input) => ({
      ...parseInput(userSchema, input),
      id: input.id ?? randomId(),
      updatedAt: epochSeconds(clock),
    }));
    const logins = users.flatMap((user) => loginsOf(user));
    const found = await store.read([
      ...logins.map((login) => loginKey(realm, login)),
      ...users.map(({ id }) => userKey(realm, id)),
    ]);
    const owners = new Map(logins.map((login, at) => [login, found[at]?.value]));
    return users.map((user, at) => {
      const owner = owners.get(normalizeLogin(user.username));
      if (owner !== undefined) return { user, outcome: 'exists', id: owner };
      const isTaken =
        found[logins.length + at] !== undefined ||
        loginsOf(user).some((login) => owners.get(login) !== undefined);
      return { user, outcome: isTaken ? 'taken' : 'created', id: user.id };
    });
  }

  async function commitAll(realm: string, users: readonly User[]): Promise<boolean> {
    const writes = users.flatMap((after): readonly Write[] =>
      userWrites(codec, realm, { before: undefined, after }),
    );
    const changes = users.map((after) => ({ what: 'user', id: after.id, after }) as const);
    return (await committer.commit(realm, writes, changes)).ok;
  }

  /** Somebody else was faster with one of them. */
  async function createOne(realm: string, input: UserInput): Promise<Imported> {
    try {
      return { outcome: 'created', id: (await create(realm, input)).id };
    } catch (error) {
      if (!isFailure(error, 'conflict')) throw error;
      return { outcome: 'taken', id: input.id ?? '' };
    }
  }
}

type Planned = Imported & { readonly user: User };

function withoutUser({ outcome, id }: Planned): Imported {
  return { outcome, id };
}
