/**
 * Nobody grants what they do not have, and nobody takes the ground from under themselves. What counts are the
 * permissions of administration (`daypass:…`): with one of the others nobody can give themselves more.
 */
import { Problem } from '../../../http/problem.ts';
import { type AdminPermission, adminApi } from '../../../registry/model/built-in-api.ts';
import type { RealmSettings } from '../../../registry/model/model.ts';
import { indexRoles } from '../../../registry/model/permissions.ts';
import type { AdminCaller } from './caller.ts';

type Roles = RealmSettings['roles'];

/** The permissions of administration that these roles give. */
export function adminPermissionsOf(roles: Roles, names: readonly string[]): readonly AdminPermission[] {
  const given = indexRoles(roles).permissionsOf(names);
  return adminPermissions.filter((name) => given.has(`${adminApi.id}:${name}`));
}

const adminPermissions = adminApi.permissions.map(({ name }) => name as AdminPermission);

/**
 * Refuses to touch somebody who may more than the caller: with a new password or another address the caller could become
 * that person. `names`: the roles before and after the change.
 */
export function refuseAboveCaller(caller: AdminCaller, roles: Roles, names: readonly string[]): void {
  refuseLacking(caller, adminPermissionsOf(roles, names));
}

/** Refuses roles that give more than before and more than the caller has. */
export function refuseWiderRoles(caller: AdminCaller, before: Roles, after: Roles): void {
  for (const { name } of after) {
    const held = new Set(adminPermissionsOf(before, [name]));
    refuseLacking(
      caller,
      adminPermissionsOf(after, [name]).filter((permission) => !held.has(permission)),
    );
  }
}

function refuseLacking(caller: AdminCaller, permissions: readonly AdminPermission[]): void {
  const lacking = permissions.filter((permission) => !caller.may(permission));
  if (lacking.length === 0) return;
  throw new Problem('access_denied', `nobody grants what they do not have: ${lacking.join(' ')}`);
}

/** True for the caller's own user or client. */
export function isSelf(
  { actor }: Pick<AdminCaller, 'actor'>,
  realm: string,
  kind: 'user' | 'client',
  id: string,
): boolean {
  return actor.kind === kind && actor.realm === realm && actor.id === id;
}

/** So there is always one administrator left: whoever removes the others. */
export function refuseOwnEnd(): never {
  throw new Problem('conflict', 'this would end your own administration: another administrator has to do it');
}

/** Refuses roles that would take from the caller, who holds `own`, what it needs to change them back. */
export function refuseOwnLoss(
  own: readonly string[] | undefined,
  after: Roles,
  needed: AdminPermission,
): void {
  if (own !== undefined && !adminPermissionsOf(after, own).includes(needed)) refuseOwnEnd();
}
