/**
 * Is this the person they say they are? One answer and one amount of work for unknown, wrong, locked and disabled
 * (OWASP ASVS 6.3.8): whoever may know more is told by the caller, and only after the password was right.
 */
import type { Stamp, Store } from '../storage/store.ts';
import type { PasswordPolicy, User } from './model.ts';
import type { Passwords } from './passwords.ts';
import { normalizeLogin, type RealmView, type Registry } from './registry.ts';

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
    const isLocked = await countWrong(realm, login, 0);
    const stored = isLocked ? undefined : found?.user.passwordHash;
    const { matches, outdated } = await passwords.verify(password, stored);
    if (!matches || found === undefined) {
      await countWrong(realm, login, 1);
      return { ok: false, reason: 'credentials' };
    }
    if (outdated) await rehash(realm.name, found.user, password);
    return decide(found);
  }

  /** Adds to the wrong passwords of a login name and tells whether it is locked; unknown names count alike. */
  async function countWrong(realm: RealmView, login: string, by: number): Promise<boolean> {
    const key = { realm: realm.name, kind: 'wrong', id: normalizeLogin(login) };
    const { count } = await store.count(key, { windowMs: lockWindowMs(realm.passwords), by });
    return count >= realm.passwords.lockAfter;
  }

  async function rehash(realm: string, user: User, password: string): Promise<void> {
    const passwordHash = await passwords.hash(password);
    await registry.upgradePasswordHash(realm, user.id, user.passwordHash, passwordHash);
  }

  return { authenticate };
}

function lockWindowMs(policy: PasswordPolicy): number {
  return policy.lockWindow * 1000;
}

function decide(found: { user: User; readAt: Stamp }): LoginOutcome {
  if (!found.user.enabled) return { ok: false, reason: 'disabled', ...found };
  if (found.user.requiredActions.length > 0) return { ok: false, reason: 'incomplete', ...found };
  return { ok: true, ...found };
}
