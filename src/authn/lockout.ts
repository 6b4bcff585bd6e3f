/** How often somebody may be wrong at one step of authentication before nobody is let in by it for a while. */
import type { RealmView } from '../registry/registry.ts';
import type { Key, Store } from '../storage/port/port.ts';
import type { Step } from './authentication-context.ts';

/** Somebody who tries a step: a user's id, or what stands for a name that is nobody's. */
export type Attempt = { readonly realm: RealmView; readonly step: Step; readonly who: string };

export type Lockout = ReturnType<typeof createLockout>;

export function createLockout(store: Store) {
  async function isLocked({ realm, step, who }: Attempt): Promise<boolean> {
    const windowMs = realm.passwords.lockFor * 1000;
    const lock = await store.count(counterOf(realm, 'locked', step, who), { windowMs, by: 0 });
    return lock.count > 0;
  }

  /** Counts a wrong try, and locks the step for this person after too many of them. */
  async function countWrong({ realm, step, who }: Attempt): Promise<void> {
    const { lockAfter, lockWindow, lockFor } = realm.passwords;
    const wrong = counterOf(realm, 'wrong', step, who);
    const { count } = await store.count(wrong, { windowMs: lockWindow * 1000, by: 1 });
    if (count < lockAfter) return;
    await store.count(counterOf(realm, 'locked', step, who), { windowMs: lockFor * 1000, by: 1 });
  }

  return { isLocked, countWrong };
}

function counterOf({ name }: RealmView, kind: 'wrong' | 'locked', step: Step, who: string): Key {
  return { realm: name, kind, id: `${step}:${who}` };
}
