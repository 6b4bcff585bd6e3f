import type { Client } from '../../registry/model/model.ts';

/**
 * The client of the account page, which signs people in like every client. No realm file can define a client of this
 * name.
 */
export const ACCOUNT_CLIENT = 'daypass-account';

/**
 * The clients that every realm has, by id. `response_type=none` (OAuth 2.0 Multiple Response Types §4): a session, no
 * token.
 */
export function internalClients(issuer: string): ReadonlyMap<string, Client> {
  const account: Client = {
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
  return new Map([[account.id, account]]);
}
