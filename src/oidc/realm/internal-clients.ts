import type { Client } from '../../registry/model/model.ts';

/**
 * The client of the account page, which signs people in like every client. No realm file can define a client of this
 * name.
 */
export const ACCOUNT_CLIENT = 'daypass-account';

/** Clients that every realm has. `response_type=none` (OAuth 2.0 Multiple Response Types §4): a session, no token. */
export function internalClient(id: string, issuer: string): Client | undefined {
  if (id !== ACCOUNT_CLIENT) return undefined;
  return {
    id: ACCOUNT_CLIENT,
    enabled: true,
    public: true,
    firstParty: true,
    grants: [],
    roles: [],
    introspects: [],
    redirectUris: [`${issuer}/account`],
    postLogoutRedirectUris: [`${issuer}/account`],
    responseTypes: ['none'],
  };
}
