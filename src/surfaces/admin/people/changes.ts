/** What every change of a user must hold to. */
import { Problem } from '../../../http/problem.ts';
import type { User } from '../../../registry/model/model.ts';
import { wordsOfFault } from '../../../registry/passwords/password-faults.ts';
import type { PasswordOwner } from '../../../registry/passwords/passwords.ts';
import { problemOfFaults, refuseFaults } from '../shared/faults.ts';
import { isSelf, refuseAboveCaller, refuseOwnEnd } from '../shared/granting.ts';
import type { RealmCall } from '../shared/route.ts';

export type Checks = {
  /** Refuses a user that no realm file could have, or that has more than the caller. `id` is empty for a new one. */
  check(before: User | undefined, after: User): void;
  /** Refuses to touch a user that has more than the caller. */
  mayTouch(user: User): void;
};

export async function userChecks(call: RealmCall): Promise<Checks> {
  const { deps, realm, caller } = call;
  const settings = await deps.registry.readRealm(realm.name);
  if (settings === undefined) throw new Problem('not_found', 'the realm does not exist');

  function mayTouch({ roles }: User): void {
    refuseAboveCaller(caller, realm.roles, roles);
  }

  function check(before: User | undefined, after: User): void {
    const { id, appliedPassword: _, lockGeneration: __, ...rest } = after;
    const document = id === '' ? rest : { ...rest, id };
    refuseFaults(deps.checkRealm({ ...settings, users: [document] }), ['users', 0]);
    if (before !== undefined && after.id !== before.id) {
      throw problemOfFaults([{ path: ['id'], message: 'cannot be changed' }]);
    }
    if (before !== undefined) mayTouch(before);
    mayTouch(after);
    if (isSelf(caller, realm.name, 'user', after.id) && isWeaker(before, after)) refuseOwnEnd();
  }

  return { check, mayTouch };
}

function isWeaker(before: User | undefined, after: User): boolean {
  return !after.enabled || (before?.roles ?? []).some((role) => !after.roles.includes(role));
}

/** Refuses a password that the person itself could not choose. */
export async function requireGoodPassword(
  { deps, realm }: RealmCall,
  password: string,
  owner: PasswordOwner,
): Promise<void> {
  const faults = await deps.passwords.check(password, realm.passwords, owner);
  if (faults.length === 0) return;
  throw problemOfFaults(
    faults.map((fault) => ({ path: ['password'], message: wordsOfFault(fault, realm.passwords) })),
  );
}
