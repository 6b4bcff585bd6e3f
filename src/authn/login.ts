/**
 * Is this the person they say they are? One answer and one amount of work for unknown, wrong, locked and disabled
 * (OWASP ASVS 6.3.8): whoever may know more is told by the caller, and only after the password was right.
 */
import { sha256 } from '../base/hash.ts';
import type { User } from '../registry/model/model.ts';
import type { Passwords } from '../registry/passwords/passwords.ts';
import { normalizeLogin, type RealmView, type Registry } from '../registry/registry.ts';
import type { Key, Stamp, Store } from '../storage/port/port.ts';

export type LoginOutcome =
  | { readonly ok: true; readonly user: User; readonly readAt: Stamp }
  /** `disabled` and `incomplete` are said only of users whose password was right. */
  | { readonly ok: false; readonly reason: 'credentials' }
  | {
      readonly ok: false;
      readonly reason: 'disabled' | 'incomplete';
      readonly user: User;
      readonly readAt: Stamp;
    };

export type LoginService = ReturnType<typeof createLogin>;

export type LoginDeps = {
  readonly store: Store;
  readonly registry: Registry;
  readonly passwords: Passwords;
};

export function createLogin({ store, registry, passwords }: LoginDeps) {
  /** Rejects with `Failure('busy')` when too many logins wait already, `Failure('unavailable')` without a store. */
  async function authenticate(realm: RealmView, login: string, password: string): Promise<LoginOutcome> {
    const found = await registry.findUserByLogin(realm.name, login);
    const who = found === undefined ? nameOf(login) : found.user.id;
    const { matches, outdated } = await passwords.verify(password, found?.user.passwordHash);
    // Not before: of many tries at once, those that come late must see what the early ones have counted.
    const isLocked = await isLockedOut(realm, who);
    if (isLocked || !matches || found === undefined) {
      await countWrong(realm, who);
      return { ok: false, reason: 'credentials' };
    }
    if (outdated) await rehash(realm.name, found.user, password);
    return decide(found);
  }

  async function isLockedOut({ name, passwords: policy }: RealmView, who: string): Promise<boolean> {
    const lock = await store.count(lockKey(name, who), { windowMs: policy.lockFor * 1000, by: 0 });
    return lock.count > 0;
  }

  /** Adds to the wrong passwords of a user, or of a name that is nobody's, and locks after too many. */
  async function countWrong({ name, passwords: policy }: RealmView, who: string): Promise<void> {
    const { lockAfter, lockWindow, lockFor } = policy;
    const key = { realm: name, kind: 'wrong', id: who };
    const { count } = await store.count(key, { windowMs: lockWindow * 1000, by: 1 });
    if (count >= lockAfter) await store.count(lockKey(name, who), { windowMs: lockFor * 1000, by: 1 });
  }

  async function rehash(realm: string, user: User, password: string): Promise<void> {
    const passwordHash = await passwords.hash(password);
    await registry.upgradePasswordHash(realm, user.id, user.passwordHash, passwordHash);
  }

  return { authenticate };
}

function lockKey(realm: string, who: string): Key {
  return { realm, kind: 'locked', id: who };
}

/** As users are counted by their id, whatever they typed: a name that is nobody's, however it is written. */
function nameOf(login: string): string {
  return `nobody:${sha256(normalizeLogin(login))}`;
}

function decide(found: { user: User; readAt: Stamp }): LoginOutcome {
  if (!found.user.enabled) return { ok: false, reason: 'disabled', ...found };
  if (found.user.requiredActions.length > 0) return { ok: false, reason: 'incomplete', ...found };
  return { ok: true, ...found };
}
