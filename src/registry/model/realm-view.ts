import type { Stamp } from '../../storage/port/port.ts';
import { apisOf } from './built-in-api.ts';
import type { Api, RealmSettings } from './model.ts';
import { indexRoles } from './permissions.ts';

/** One revision of a realm, with the look-ups that requests need. Immutable: a change makes a new one. */
export type RealmView = RealmSettings & {
  readonly revision: Stamp;
  /** The built-in administration API included. */
  readonly apisByAudience: ReadonlyMap<string, Api>;
  /** The API that is marked as default, or the only one. */
  readonly defaultApi: Api | undefined;
  /** Every permission name of every API: the scopes that exist (besides OIDC's). */
  readonly permissionNames: ReadonlySet<string>;
  hasRole(name: string): boolean;
  /** The named roles and the roles that they include. */
  expandRoles(roles: readonly string[]): ReadonlySet<string>;
  /** The permissions of these roles, as `api:permission`. */
  permissionsOfRoles(roles: readonly string[]): ReadonlySet<string>;
  /** Whether these roles give this permission (`api:permission`). */
  rolesPermit(roles: readonly string[], permission: string): boolean;
};

export function viewOf(settings: RealmSettings, revision: Stamp): RealmView {
  const apis = apisOf(settings);
  const roles = indexRoles(settings.roles);
  return {
    ...settings,
    revision,
    apisByAudience: new Map(apis.map((api) => [api.audience, api])),
    defaultApi: defaultOf(settings.apis),
    permissionNames: new Set(apis.flatMap((api) => api.permissions.map(({ name }) => name))),
    hasRole: roles.has,
    expandRoles: roles.expand,
    permissionsOfRoles: roles.permissionsOf,
    rolesPermit: roles.permits,
  };
}

/** The API that a request means when it names none. */
export function defaultOf<T extends { readonly default?: boolean | undefined }>(
  apis: readonly T[],
): T | undefined {
  return apis.find((api) => api.default === true) ?? (apis.length === 1 ? apis[0] : undefined);
}
