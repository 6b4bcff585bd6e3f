import type { Api, RealmSettings } from './model.ts';

const permissions = [
  { name: 'realms:read', description: 'See the settings of every realm' },
  { name: 'realms:create', description: 'Create realms' },
  { name: 'realms:delete', description: 'Delete realms, with all that is in them' },
  { name: 'realm:read', description: 'See the settings of the realm' },
  { name: 'realm:write', description: 'Change the settings of the realm, its APIs and roles' },
  { name: 'clients:read', description: 'See clients' },
  { name: 'clients:write', description: 'Create, change and remove clients' },
  { name: 'clients:secrets', description: 'Give clients new secrets' },
  { name: 'users:read', description: 'See users' },
  { name: 'users:write', description: 'Create, change and remove users' },
  { name: 'users:credentials', description: 'Give users a new password, or a link to choose one' },
  { name: 'keys:read', description: 'See signing keys' },
  { name: 'keys:rotate', description: 'Rotate signing keys' },
  { name: 'sessions:read', description: 'See sessions' },
  { name: 'sessions:revoke', description: 'End sessions and revoke tokens' },
  { name: 'guests:read', description: 'See every guest token of the realm' },
  { name: 'guests:manage', description: 'See, change and revoke every guest token of the realm' },
  { name: 'audit:read', description: 'Read the audit log' },
  { name: 'stats:read', description: 'See figures and the state of the realm' },
  { name: 'explain:read', description: 'Ask why something was refused or narrowed' },
] as const;

/** A permission of the built-in API. */
export type AdminPermission = (typeof permissions)[number]['name'];

/**
 * The API that every realm has without naming it: administration of that realm. Its permissions are given through
 * roles like any other, as `daypass:users:write`; a realm cannot define an API of this id or audience itself.
 */
export const adminApi: Api = {
  id: 'daypass',
  audience: 'urn:daypass:admin',
  permissions: [...permissions],
  tokens: { format: 'opaque' },
};

/** Every API of a realm, the built-in one last. */
export function apisOf(settings: Pick<RealmSettings, 'apis'>): readonly Api[] {
  return [...settings.apis, adminApi];
}

/** Every permission of a realm as `api:permission`. */
export function permissionsOf(settings: Pick<RealmSettings, 'apis'>): ReadonlySet<string> {
  return new Set(apisOf(settings).flatMap((api) => api.permissions.map(({ name }) => `${api.id}:${name}`)));
}
