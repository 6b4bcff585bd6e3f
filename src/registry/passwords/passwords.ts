/**
 * Passwords of people: hashes, compares and judges them. Knows neither users nor where their hashes are kept.
 *
 * A password is hashed in its NFKC form (NIST SP 800-63B-4 §3.1.1.2), so that it is the same from every keyboard. A
 * hash from elsewhere may have been made from the text as typed: where the two forms differ, both are tried.
 *
 * The time of an answer does not tell an unknown or locked user from a wrong password: without a usable hash the same
 * Argon2id work is done for nothing. A wrong password for an imported hash costs this work on top of the hash's own.
 * So such a user never answers faster than an unknown one, but may answer slower until the first login replaces the
 * hash.
 */
import { availableParallelism } from 'node:os';
import { Failure } from '../../base/errors.ts';
import { createWorkQueue, type Turn, type WorkQueue } from '../../base/work-queue.ts';
import type { PasswordPolicy } from '../model/model.ts';
import { type BreachedCheck, isBreached } from './breached.ts';
import { isPresent, makeHash, matchesHash, parseHash } from './password-formats.ts';

/** Longer passwords are neither hashed nor normalised: normalising takes a time quadratic in the combining marks. */
export const MAX_CHARACTERS = 1024;

/** What is wrong with a new password. Surfaces word it. */
export type PasswordFault = 'too_short' | 'too_long' | 'is_username' | 'is_email' | 'breached';

/** `outdated`: the password matches and should be hashed anew, since it is at hand now. */
export type PasswordVerdict = { readonly matches: boolean; readonly outdated: boolean };

/** Names that the password must not contain. */
export type PasswordOwner = { readonly username: string; readonly email?: string | undefined };

const NO_MATCH: PasswordVerdict = { matches: false, outdated: false };

export type Passwords = ReturnType<typeof createPasswords>;

/** With more than so many waiting for each core, logins are refused (503). */
export const WAITING_PER_CORE = 64;
/** A login that has waited so long is refused (503): the person has given up by then. */
export const MAX_WAIT_MS = 2000;

/** A queue that keeps every core busy, or this process's share of the cores where several `processes` hash. */
export function createPasswordQueue(processes = 1): WorkQueue {
  const concurrency = Math.max(1, Math.floor(availableParallelism() / processes));
  return createWorkQueue({ concurrency, maxWaiting: WAITING_PER_CORE * concurrency, maxWaitMs: MAX_WAIT_MS });
}

/**
 * `breached` is asked in addition to the built-in list. Everything that hashes rejects with `Failure('busy')` when too
 * many wait; a `turn` gives its caller a fair share of the queue.
 */
export function createPasswords({ queue, breached }: { queue: WorkQueue; breached?: BreachedCheck }) {
  /** A PHC string of Argon2id. `Failure('invalid_input')` for more than 1,024 characters. */
  async function hash(password: string, turn?: Turn): Promise<string> {
    if (isTooLong(password)) {
      throw new Failure('invalid_input', `a password has at most ${MAX_CHARACTERS} characters`);
    }
    return queue.run(() => makeHash(normalise(password)), turn);
  }

  /** `stored` is `undefined` for a user who is unknown or may not log in: the answer is no, after the same work. */
  async function verify(password: string, stored: string | undefined, turn?: Turn): Promise<PasswordVerdict> {
    const work = isTooLong(password)
      ? () => compare([''], undefined)
      : () => compare([...new Set([normalise(password), password])], stored);
    return queue.run(work, turn);
  }

  /** The faults of a new password; none when it may be used. */
  async function check(
    password: string,
    policy: PasswordPolicy,
    about: PasswordOwner,
  ): Promise<readonly PasswordFault[]> {
    const faults = faultsOfPassword(password, policy, about);
    if (!policy.refuseBreached || faults.includes('breached') || isTooLong(password)) return faults;
    return (await breached?.(password)) === true ? [...faults, 'breached'] : faults;
  }

  return { hash, verify, check };
}

async function compare(forms: readonly string[], stored: string | undefined): Promise<PasswordVerdict> {
  const hash = stored === undefined ? undefined : parseHash(stored);
  const outdated = hash === undefined || !isPresent(hash);
  for (const form of forms) {
    if (hash && (await matchesHash(form, hash))) {
      return { matches: true, outdated };
    }
    if (outdated) {
      await makeHash(form);
    }
  }
  return NO_MATCH;
}

/** What the policy and the built-in list of common passwords have against a password. Hashes nothing. */
export function faultsOfPassword(
  password: string,
  policy: PasswordPolicy,
  about: PasswordOwner,
): readonly PasswordFault[] {
  if (isTooLong(password)) return ['too_long'];
  const ofPolicy = faultsOfPolicy(password, policy, about);
  return policy.refuseBreached && isBreached(password) ? [...ofPolicy, 'breached'] : ofPolicy;
}

function faultsOfPolicy(
  password: string,
  policy: PasswordPolicy,
  about: PasswordOwner,
): readonly PasswordFault[] {
  const normalised = normalise(password);
  const length = charactersIn(normalised);
  const repeats = (text: string | undefined) =>
    text !== undefined && normalise(text).toLowerCase() === normalised.toLowerCase();
  const isFault = {
    too_short: length < policy.minLength,
    too_long: length > policy.maxLength,
    is_username: repeats(about.username),
    is_email: repeats(about.email),
  };
  return (['too_short', 'too_long', 'is_username', 'is_email'] as const).filter((fault) => isFault[fault]);
}

function normalise(text: string): string {
  return text.normalize('NFKC');
}

function isTooLong(password: string): boolean {
  return charactersIn(password) > MAX_CHARACTERS;
}

/** NIST SP 800-63B-4 §3.1.1.2: each code point counts as one character. */
function charactersIn(text: string): number {
  return [...text].length;
}
