/**
 * Passwords of realm files. To verify one costs as much as a login, and a file may hold thousands, so the user's record
 * keeps a keyed digest of the password and its hash: as long as both are the same, nothing is hashed at a start.
 */
import { setTimeout } from 'node:timers/promises';
import { isFailure } from '../../base/errors.ts';
import type { User } from '../model/model.ts';
import type { ApplyDeps } from './plan.ts';

/** In the place of the hash of a password that is not hashed, because nothing is going to be written. */
const NOT_HASHED = 'new';

/** The time between two attempts to get a place in the queue of hashing, in milliseconds. */
const BUSY_WAIT_MS = 100;

/** The user with the hash of the file's password: the stored one where it is of this password, else a new one. */
export function createPasswordPlan({ passwords, digest }: Pick<ApplyDeps, 'passwords' | 'digest'>) {
  return async function withPassword(
    realm: string,
    user: User,
    { password, isTrial }: { readonly password: string | undefined; readonly isTrial: boolean },
  ): Promise<User> {
    if (password === undefined) return user;
    const { id, passwordHash: stored, appliedPassword } = user;
    const proofOf = (hash: string) =>
      digest(JSON.stringify([hash, password]), `${realm}/user/${id}/password`);
    if (stored !== undefined && appliedPassword === proofOf(stored)) return user;
    const isStored =
      stored !== undefined && (await patiently(() => passwords.verify(password, stored))).matches;
    if (isStored) return { ...user, passwordHash: stored, appliedPassword: proofOf(stored) };
    if (isTrial) return { ...user, passwordHash: NOT_HASHED };
    const passwordHash = await patiently(() => passwords.hash(password));
    return { ...user, passwordHash, appliedPassword: proofOf(passwordHash) };
  };
}

/** A file waits for its place, however long the queue is: nobody repeats its request, as a login would be. */
async function patiently<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isFailure(error, 'busy')) throw error;
    }
    await setTimeout(BUSY_WAIT_MS);
  }
}
