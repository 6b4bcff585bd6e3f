/**
 * What a guest that was made from a user may still do: the user's roles may have lost permissions since the minting.
 * Pure; the roles are in the record and the realm in memory.
 */
import { permissionNeeded } from '../grant/actions.ts';
import type { GrantedResource } from '../grant/grant.ts';
import type { GuestRealm } from '../limits/guest-realm.ts';
import type { GuestRecord } from './guest-record.ts';
import type { Effective } from './policy-effect.ts';

/** The grant with the actions that are left; `undefined` when there were some and none is left. */
export function withCurrentActions(
  realm: Pick<GuestRealm, 'apis' | 'rolesPermit'>,
  { userRoles, audiences }: Pick<GuestRecord, 'userRoles' | 'audiences'>,
  effective: Effective,
): Effective | undefined {
  if (userRoles === undefined) return effective;
  const { granted } = effective;
  const apis = audiences.map((audience) => realm.apis.find((api) => api.audience === audience));
  const isLeft = (permission: string) =>
    apis.every((api) => api !== undefined && realm.rolesPermit(userRoles, `${api.id}:${permission}`));
  const resources = granted.resources.map(
    (resource): GrantedResource => ({
      ...resource,
      actions: resource.actions.filter((action) => isLeft(permissionNeeded(resource.type, action))),
    }),
  );
  const hadActions = granted.resources.some(({ actions }) => actions.length > 0);
  const hasActions = resources.some(({ actions }) => actions.length > 0);
  return hadActions && !hasActions ? undefined : { ...effective, granted: { ...granted, resources } };
}
