/** Changes of a realm's settings: each checked as a realm file would be, and within what the caller may give. */
import { Problem } from '../../../http/problem.ts';
import type { RealmSettings } from '../../../registry/model/model.ts';
import { refuseFaults } from '../shared/faults.ts';
import { refuseOwnEnd, refuseOwnLoss, refuseWiderRoles } from '../shared/granting.ts';
import type { AdminCall, RealmCall } from '../shared/route.ts';

type SettingsChange = {
  /** Throws `Problem` when the change does not apply to what is stored now. */
  change(before: RealmSettings): RealmSettings;
  /** Where in the changed settings the body stands. */
  placeOf(after: RealmSettings): readonly PropertyKey[];
};

/** Resolves to the settings after the change. `change` is called again when somebody else was faster. */
export async function changeSettings(
  call: Pick<RealmCall, 'realm' | 'caller' | 'deps' | 'changes'>,
  { change, placeOf }: SettingsChange,
): Promise<RealmSettings> {
  const { realm, caller, deps } = call;
  const own = await ownRoles(call, realm.name);
  return call.changes.updateRealm(realm.name, (before) => {
    const after = change(before);
    refuseFaults(deps.checkRealm(after), placeOf(after));
    refuseWiderRoles(caller, before.roles, after.roles);
    refuseOwnLoss(own, after.roles, 'realm:write');
    if (own !== undefined && !after.enabled) refuseOwnEnd();
    return after;
  });
}

/** As the store has them now: another process may have changed them a moment ago. */
export async function storedSettings({
  deps,
  realm,
}: Pick<RealmCall, 'deps' | 'realm'>): Promise<RealmSettings> {
  const settings = await deps.registry.readRealm(realm.name);
  if (settings === undefined) throw new Problem('not_found', 'the realm does not exist');
  return settings;
}

/** The sections of embed products hold keys: they have addresses of their own. */
export function withoutCompat({ compat: _, ...rest }: RealmSettings): Omit<RealmSettings, 'compat'> {
  return rest;
}

/** The roles of a caller that lives in this realm; `undefined` for one of another. */
async function ownRoles(
  { caller, deps }: Pick<AdminCall, 'caller' | 'deps'>,
  realm: string,
): Promise<readonly string[] | undefined> {
  const { kind, id = '', realm: home } = caller.actor;
  if (home !== realm) return undefined;
  const { registry } = deps;
  const self = kind === 'user' ? await registry.findUser(realm, id) : await registry.findClient(realm, id);
  return self?.roles ?? [];
}
