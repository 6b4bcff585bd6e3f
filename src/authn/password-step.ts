/**
 * The password as a step of authentication. One answer and one amount of work for unknown, wrong, locked and disabled
 * (OWASP ASVS 6.3.8): a caller may tell more only after the password was right.
 */
import { sha256 } from '../base/hash.ts';
import type { WorkSource } from '../base/work-queue.ts';
import type { AttemptSource, BruteForceGuard } from '../limits/brute-force.ts';
import type { EventSink } from '../observability/events.ts';
import type { User } from '../registry/model/model.ts';
import type { Passwords } from '../registry/passwords/passwords.ts';
import { normalizeLogin, type RealmView, type Registry } from '../registry/registry.ts';
import type { Stamp } from '../storage/port/port.ts';
import type { Step } from './authentication-context.ts';
import type { Lockout } from './lockout.ts';

/** Who passed which steps, and when the user was read: what changes the user after that undoes the login. */
export type Proven = {
  readonly user: User;
  readonly readAt: Stamp;
  readonly steps: readonly Step[];
};

/** `disabled` and `incomplete` are said only of users whose password was right. */
export type StepOutcome =
  | ({ readonly ok: true } & Proven)
  | { readonly ok: false; readonly reason: 'credentials' }
  | ({ readonly ok: false; readonly reason: 'disabled' | 'incomplete' } & Proven);

export type PasswordStepDeps = {
  readonly registry: Registry;
  readonly passwords: Passwords;
  readonly lockout: Lockout;
  readonly bruteForce: BruteForceGuard;
  readonly events: EventSink;
};

/** What somebody typed, and from where. */
export type PasswordAttempt = {
  readonly login: string;
  readonly password: string;
  readonly from?: WorkSource;
};

const STEP = { step: 'password' } as const;

export function createPasswordStep({ registry, passwords, lockout, bruteForce, events }: PasswordStepDeps) {
  /**
   * Rejects with `Failure('busy')` when too many logins wait already or this one has waited too long, with `TooMany`
   * for a network that was wrong too often, with `Failure('unavailable')` without a store.
   */
  return async function passPassword(
    realm: RealmView,
    { login, password, from }: PasswordAttempt,
  ): Promise<StepOutcome> {
    const source = admit(realm, from);
    const found = await registry.findUserByLogin(realm.name, login);
    const attempt = { ...STEP, realm, who: found?.user.id ?? nameOf(login) } as const;
    const { matches, outdated } = await passwords.verify(password, found?.user.passwordHash, from);
    // Not before: of many tries at once, those that come late must see what the early ones have counted.
    const isLocked = await lockout.isLocked(attempt);
    if (isLocked || !matches || found === undefined) {
      await lockout.countWrong(attempt);
      const reason = isLocked ? 'locked' : 'credentials';
      events.emit({ ...STEP, type: 'login.failed', realm: realm.name, user: found?.user.id, reason });
      await countWrong(source, { login, password });
      return { ok: false, reason: 'credentials' };
    }
    if (outdated) await rehash(realm.name, found.user, password);
    const outcome = outcomeOf({ ...found, steps: ['password'] });
    events.emit({ ...STEP, realm: realm.name, user: found.user.id, ...eventOf(outcome) });
    return outcome;
  };

  function admit(realm: RealmView, from: WorkSource | undefined): AttemptSource | undefined {
    const source = from && sourceOf(realm, from);
    if (source !== undefined) bruteForce.admit(source);
    return source;
  }

  async function countWrong(
    source: AttemptSource | undefined,
    { login, password }: PasswordAttempt,
  ): Promise<void> {
    if (source === undefined) return;
    await bruteForce.wrong(source, JSON.stringify([normalizeLogin(login), password]));
  }

  async function rehash(realm: string, user: User, password: string): Promise<void> {
    const passwordHash = await passwords.hash(password);
    await registry.upgradePasswordHash(realm, user.id, user.passwordHash, passwordHash);
  }
}

/** Few passwords for many people are as many wrong tries of one network (password spraying, NIST SP 800-63B-4 §3.2.2). */
function sourceOf({ name, passwords }: RealmView, { network }: WorkSource): AttemptSource | undefined {
  const { wrongPerNetwork: max } = passwords;
  return max === 'unlimited' ? undefined : { kind: 'password', realm: name, target: '', network, max };
}

/** Users are counted by their id, whatever they typed; this is a name that is nobody's, however it is written. */
function nameOf(login: string): string {
  return `nobody:${sha256(normalizeLogin(login))}`;
}

function outcomeOf(proven: Proven): Exclude<StepOutcome, { reason: 'credentials' }> {
  if (!proven.user.enabled) return { ok: false, reason: 'disabled', ...proven };
  if (proven.user.requiredActions.length > 0) return { ok: false, reason: 'incomplete', ...proven };
  return { ok: true, ...proven };
}

function eventOf(outcome: Exclude<StepOutcome, { reason: 'credentials' }>) {
  return outcome.ok
    ? ({ type: 'login.succeeded' } as const)
    : ({ type: 'login.failed', reason: outcome.reason } as const);
}
