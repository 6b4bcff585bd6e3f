/** A user as the admin API shows it: without password, hash and what the server keeps for itself. */
import { z } from 'zod';
import { type User, user } from '../../../registry/model/model.ts';

export const shownUser = user
  .omit({ password: true, passwordHash: true, appliedPassword: true, lockGeneration: true })
  .extend({ id: z.uuid(), hasPassword: z.boolean() });

export function userShown(found: User) {
  const { password: _, passwordHash, appliedPassword: __, lockGeneration: ___, ...rest } = found;
  return { ...rest, hasPassword: passwordHash !== undefined };
}

/** One user, with what is not part of it. */
export const userInFull = shownUser.extend({
  /** Seconds until the lock of too many wrong passwords ends; absent without a lock. */
  lockedFor: z.int().optional(),
});

/** What a caller may send. The server keeps the rest for itself. */
export const userInput = user.omit({ appliedPassword: true, lockGeneration: true, updatedAt: true });
