/** `…/clients/{client}/preview`: what tokens of a client would be. */
import { z } from 'zod';
import { apisOf } from '../../../registry/model/built-in-api.ts';
import type { Client } from '../../../registry/model/model.ts';
import { grantable } from '../../../registry/model/permissions.ts';
import type { RealmView } from '../../../registry/model/realm-view.ts';
import { type AdminRoute, realmRoute } from '../shared/route.ts';
import { storedClient } from './client-routes.ts';

const perApi = z.strictObject({
  api: z.string(),
  audience: z.string(),
  format: z.enum(['opaque', 'jwt']),
  /** Seconds. */
  ttl: z.int(),
  /** What a token of the client itself gets: its roles, within its ceiling. */
  own: z.array(z.string()),
  /** The most that a token of any user can get through this client. */
  atMost: z.array(z.string()),
});

const preview = z.strictObject({
  client: z.string(),
  enabled: z.boolean(),
  grants: z.array(z.string()),
  roles: z.array(z.string()),
  apis: z.array(perApi),
  introspects: z.array(z.string()),
  mintsGuests: z.boolean(),
});

export const previewRoutes: readonly AdminRoute[] = [
  realmRoute({
    id: 'previewClient',
    method: 'GET',
    path: '/clients/:client/preview',
    summary: 'Shows what tokens of this client would be: for each API the permissions, format and life.',
    permissions: ['clients:read', 'clients:write'],
    answers: { 200: { description: 'What it gets.', schema: preview } },
    handler: async (call) => ({ status: 200, body: previewOf(call.realm, await storedClient(call)) }),
  }),
];

function previewOf(realm: RealmView, client: Client): z.output<typeof preview> {
  const ofRoles = realm.permissionsOfRoles(client.roles);
  return {
    client: client.id,
    enabled: client.enabled,
    grants: client.grants,
    roles: [...realm.expandRoles(client.roles)],
    apis: apisOf(realm).map((api) => {
      const all = new Set(api.permissions.map(({ name }) => `${api.id}:${name}`));
      return {
        api: api.id,
        audience: api.audience,
        format: api.tokens.format,
        ttl: client.accessTokenTtl ?? api.tokens.ttl ?? realm.lifetimes.accessToken,
        own: [...grantable(api, ofRoles, client.permissions)],
        atMost: [...grantable(api, all, client.permissions)],
      };
    }),
    introspects: client.introspects,
    mintsGuests: client.mints !== undefined,
  };
}
