/** Dynamic registration (RFC 7591, RFC 7592): by initial access token, or open where the realm says so. */
import type { AdapterPayload } from 'oidc-provider';
import { newClientSecret, randomId } from '../base/random.ts';
import type { Client } from '../registry/model.ts';
import { grantName } from '../registry/model.ts';
import type { RealmContext } from './realm-context.ts';

export function registrationFeatures(realm: RealmContext) {
  const { registration } = realm.view;
  if (registration === undefined) return {};
  return {
    registration: {
      enabled: true,
      initialAccessToken: !registration.open,
      issueRegistrationAccessToken: true,
      // Never a bare UUID: that is what subjects of users look like (RFC 9700 §4.15).
      idFactory: () => `dcr-${randomId()}`,
      secretFactory: newClientSecret,
    },
    registrationManagement: { enabled: true, rotateRegistrationAccessToken: false },
  };
}

/**
 * A registered client as the registry keeps it: no roles, only the permissions that the realm gives to registered
 * clients, the rest of its metadata as sent.
 */
export function fromMetadata(id: string, metadata: AdapterPayload, permissions: readonly string[]): Client {
  const { client_id, client_secret, grant_types, ...registered } = metadata;
  const grants = (grant_types ?? ['authorization_code']).filter((name) => grantName.safeParse(name).success);
  return {
    id,
    enabled: true,
    ...(client_secret === undefined ? {} : { secret: client_secret }),
    ...(metadata.token_endpoint_auth_method === 'none' ? { public: true } : {}),
    grants: grantName.array().parse(grants.filter((name) => name !== 'password')),
    redirectUris: [...(metadata.redirect_uris ?? [])],
    roles: [],
    permissions: [...permissions],
    introspects: [],
    consent: 'once',
    registered,
  };
}
