import { adminApi } from '../../registry/model/built-in-api.ts';
import type { Client } from '../../registry/model/model.ts';

/**
 * The client of the account page, which signs people in like every client. No realm file can define a client of this
 * name.
 */
export const ACCOUNT_CLIENT = 'daypass-account';

/** The command line, where it works on a running server: signs in by device code (RFC 8628). */
export const CLI_CLIENT = 'daypass-cli';

/**
 * The clients that every realm has, by id. `response_type=none` (OAuth 2.0 Multiple Response Types §4): a session, no
 * token.
 */
export function internalClients(issuer: string): ReadonlyMap<string, Client> {
  const common = {
    enabled: true,
    public: true,
    firstParty: true,
    roles: [],
    introspects: [],
  };
  const account: Client = {
    ...common,
    id: ACCOUNT_CLIENT,
    grants: [],
    redirectUris: [`${issuer}/account`],
    postLogoutRedirectUris: [`${issuer}/account`],
    responseTypes: ['none'],
  };
  const commandLine: Client = {
    ...common,
    id: CLI_CLIENT,
    clientName: 'Daypass command line',
    grants: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
    redirectUris: [],
    responseTypes: [],
    // Administration, and nothing else that the person may do.
    permissions: adminApi.permissions.map(({ name }) => `${adminApi.id}:${name}`),
  };
  return new Map([account, commandLine].map((client) => [client.id, client]));
}
