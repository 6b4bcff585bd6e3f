/**
 * The password as a step of authentication. One answer and one amount of work for unknown, wrong, locked and disabled
 * (OWASP ASVS 6.3.8): a caller may tell more only after the password was right.
 */
import { sha256 } from '../base/hash.ts';
import type { Turn } from '../base/work-queue.ts';
import type { AttemptSource, BruteForceGuard } from '../limits/brute-force.ts';
import type { EventSink } from '../observability/events.ts';
import type { RequestSource } from '../observability/request-source.ts';
import type { User } from '../registry/model/model.ts';
import type { Passwords } from '../registry/passwords/passwords.ts';
import { normalizeLogin, type RealmView, type Registry } from '../registry/registry.ts';
import type { Stamp } from '../storage/port/port.ts';
import type { Step } from './authentication-context.ts';
import { type Attempt, countedAs, type Lockout } from './lockout.ts';

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

/** A name and a password as typed. */
export type Typed = { readonly login: string; readonly password: string };

/** Where a try comes from. */
export type Origin = {
  /** See limits/network.ts. */
  readonly network: string;
  /** Aborts when nobody waits for the answer any more. */
  readonly signal?: AbortSignal | undefined;
  /** True when nothing but the try itself is known of the caller: then its network has a limit of wrong tries. */
  readonly isStranger: boolean;
  /** Where the request came from, and the client that it is made for: evidence, never a reason to decide. */
  readonly source?: RequestSource | undefined;
  readonly client?: string | undefined;
};

export type PasswordStepDeps = {
  readonly registry: Registry;
  readonly passwords: Passwords;
  readonly lockout: Lockout;
  readonly bruteForce: BruteForceGuard;
  readonly events: EventSink;
};

const STEP = { step: 'password' } as const;

export function createPasswordStep({ registry, passwords, lockout, bruteForce, events }: PasswordStepDeps) {
  /**
   * Rejects with `Failure('busy')` when too many logins wait already, with `TooMany` when the network of a stranger
   * was wrong too often, with `Failure('unavailable')` without a store.
   */
  return async function passPassword(
    realm: RealmView,
    { login, password }: Typed,
    origin: Origin,
  ): Promise<StepOutcome> {
    const attemptSource = admitted(realm, origin);
    const about = { ...STEP, realm: realm.name, client: origin.client, source: origin.source };
    const turn = { party: realm.name, member: origin.network, signal: origin.signal };
    const found = await registry.findUserByLogin(realm.name, login);
    const who = found === undefined ? nameOf(login) : countedAs(found.user);
    const attempt = { ...STEP, realm, who } as const;
    const { matches, outdated } = await passwords.verify(password, found?.user.passwordHash, turn);
    // Not before: of many tries at once, those that come late must see what the early ones have counted.
    const isLocked = await lockout.isLocked(attempt);
    if (isLocked || !matches || found === undefined) {
      const reason = isLocked ? 'locked' : 'credentials';
      events.emit({ ...about, type: 'login.failed', user: found?.user.id, reason });
      await countWrong(attempt, password, attemptSource);
      return { ok: false, reason: 'credentials' };
    }
    if (outdated) await rehash(realm.name, found.user, password, turn);
    const outcome = outcomeOf({ ...found, steps: ['password'] });
    events.emit({ ...about, user: found.user.id, ...eventOf(outcome) });
    return outcome;
  };

  /** What a wrong try counts for, besides the user. */
  function admitted(realm: RealmView, origin: Origin): AttemptSource | undefined {
    const source = sourceOf(realm, origin);
    if (source !== undefined) bruteForce.admit(source);
    return source;
  }

  async function countWrong(attempt: Attempt, password: string, source?: AttemptSource): Promise<void> {
    await lockout.countWrong(attempt);
    if (source !== undefined) await bruteForce.wrong(source, JSON.stringify([attempt.who, password]));
  }

  async function rehash(realm: string, user: User, password: string, turn: Turn): Promise<void> {
    const passwordHash = await passwords.hash(password, turn);
    await registry.upgradePasswordHash(realm, user.id, user.passwordHash, passwordHash);
  }
}

/** What the tries of a stranger's network count for; `undefined` where nothing limits them. */
function sourceOf(realm: RealmView, { network, isStranger }: Origin): AttemptSource | undefined {
  const max = realm.networkLimits.wrongPasswordsPerMinute;
  if (!isStranger || max === 'unlimited') return undefined;
  return { kind: 'password', realm: realm.name, target: '', network, max };
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
