/**
 * How somebody proves who they are: the steps that the login page, the password grant and the account page take people
 * through. What a login is worth afterwards says `authentication-context.ts`.
 */
import type { BruteForceGuard } from '../limits/brute-force.ts';
import type { EventSink } from '../observability/events.ts';
import type { Passwords } from '../registry/passwords/passwords.ts';
import type { Registry } from '../registry/registry.ts';
import type { Store } from '../storage/port/port.ts';
import { createLockout } from './lockout.ts';
import { createPasswordStep } from './password-step.ts';

export type AuthenticatorDeps = {
  readonly store: Store;
  readonly registry: Registry;
  readonly passwords: Passwords;
  readonly bruteForce: BruteForceGuard;
  readonly events: EventSink;
};

export type Authenticator = ReturnType<typeof createAuthenticator>;

/** One function a step; to add a step, add its name to `Step` and its function here. */
export function createAuthenticator({ store, registry, passwords, bruteForce, events }: AuthenticatorDeps) {
  const lockout = createLockout(store);
  return { password: createPasswordStep({ registry, passwords, lockout, bruteForce, events }) };
}
