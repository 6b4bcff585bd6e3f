/** What every change of a client must hold to. */
import { Problem } from '../../../http/problem.ts';
import type { RealmProvider } from '../../../oidc/provider/provider.ts';
import type { Client } from '../../../registry/model/model.ts';
import { problemOfFaults, refuseFaults } from '../shared/faults.ts';
import { isSelf, refuseAboveCaller, refuseOwnEnd } from '../shared/granting.ts';
import type { RealmCall } from '../shared/route.ts';

export type Checks = {
  /** Refuses a client that no realm file could have, or that has more than the caller. */
  check(before: Client | undefined, after: Client): void;
  /** Refuses to touch a client that has more than the caller. */
  mayTouch(client: Client): void;
};

/** Reads what the checks need once, so that they can be repeated inside of a change. */
export async function clientChecks(call: RealmCall): Promise<Checks> {
  const { deps, realm, caller } = call;
  const settings = await deps.registry.readRealm(realm.name);
  const provider = await deps.pool.find(realm.name);
  if (settings === undefined) throw new Problem('not_found', 'the realm does not exist');

  function mayTouch({ roles }: Client): void {
    refuseAboveCaller(caller, realm.roles, roles);
  }

  function check(before: Client | undefined, after: Client): void {
    refuseFaults(deps.checkRealm({ ...settings, clients: [after] }), ['clients', 0]);
    refuseByLibrary(provider, after);
    if (before !== undefined) mayTouch(before);
    mayTouch(after);
    if (isSelf(caller, realm.name, 'client', after.id) && isWeaker(before, after)) refuseOwnEnd();
  }

  return { check, mayTouch };
}

function isWeaker(before: Client | undefined, after: Client): boolean {
  return !after.enabled || (before?.roles ?? []).some((role) => !after.roles.includes(role));
}

/** What the protocol library has against it would be a refusal of its first request. */
function refuseByLibrary(provider: RealmProvider | 'disabled' | undefined, client: Client): void {
  if (provider === undefined || provider === 'disabled') return;
  const problem = provider.problemOfClient(client);
  if (problem !== undefined) {
    const path = problem.member in client ? [problem.member] : [];
    throw problemOfFaults([{ path, message: problem.message }]);
  }
}
