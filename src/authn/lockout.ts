/** How often somebody may be wrong at one step of authentication before nobody is let in by it for a while. */
import { sha256 } from '../base/hash.ts';
import type { User } from '../registry/model/model.ts';
import type { RealmView } from '../registry/registry.ts';
import type { Key, Store } from '../storage/port/port.ts';
import type { Step } from './authentication-context.ts';

/** Somebody who tries a step: a user's id, or what stands for a name that is nobody's. */
export type Attempt = { readonly realm: RealmView; readonly step: Step; readonly who: string };

/**
 * The name under which wrong passwords of a user are counted. It changes with the password and when an operator lifts the
 * lock: then nothing is counted yet.
 */
export function countedAs({ id, passwordHash = '', lockGeneration = 0 }: User): string {
  return `${id}:${lockGeneration}:${sha256(passwordHash).slice(0, 16)}`;
}

export type Lockout = ReturnType<typeof createLockout>;

export function createLockout(store: Store) {
  async function isLocked(attempt: Attempt): Promise<boolean> {
    return (await lockedFor(attempt)) > 0;
  }

  /** Seconds until the lock ends; 0 without one. */
  async function lockedFor({ realm, step, who }: Attempt): Promise<number> {
    const windowMs = realm.passwords.lockFor * 1000;
    const lock = await store.count(counterOf(realm, 'locked', step, who), { windowMs, by: 0 });
    return lock.count > 0 ? Math.max(1, Math.ceil(lock.resetsInMs / 1000)) : 0;
  }

  /** Counts a wrong try, and locks the step for this person after too many of them. */
  async function countWrong({ realm, step, who }: Attempt): Promise<void> {
    const { lockAfter, lockWindow, lockFor } = realm.passwords;
    const wrong = counterOf(realm, 'wrong', step, who);
    const { count } = await store.count(wrong, { windowMs: lockWindow * 1000, by: 1 });
    if (count < lockAfter) return;
    await store.count(counterOf(realm, 'locked', step, who), { windowMs: lockFor * 1000, by: 1 });
  }

  return { isLocked, lockedFor, countWrong };
}

function counterOf({ name }: RealmView, kind: 'wrong' | 'locked', step: Step, who: string): Key {
  return { realm: name, kind, id: `${step}:${who}` };
}
