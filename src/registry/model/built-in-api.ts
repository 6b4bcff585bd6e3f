import type { Api, RealmSettings } from './model.ts';

/**
 * The API that every realm has without naming it: administration of that realm. Its permissions are given through
 * roles like any other, as `daypass:users:write`; a realm cannot define an API of this id or audience itself.
 */
export const adminApi: Api = {
  id: 'daypass',
  audience: 'urn:daypass:admin',
  permissions: [
    { name: 'realm:read', description: 'See the settings of the realm' },
    { name: 'realm:write', description: 'Change the settings of the realm, its APIs and roles' },
    { name: 'clients:read', description: 'See clients' },
    { name: 'clients:write', description: 'Create, change and remove clients' },
    { name: 'users:read', description: 'See users' },
    { name: 'users:write', description: 'Create, change and remove users' },
    { name: 'keys:rotate', description: 'Rotate signing keys' },
    { name: 'sessions:revoke', description: 'End sessions and revoke tokens' },
    { name: 'guests:manage', description: 'See, change and revoke every guest token of the realm' },
    { name: 'audit:read', description: 'Read the audit log' },
  ],
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
