/** How a client authenticates when its registration does not say it (RFC 7591 §2 `token_endpoint_auth_method`). */
import type { Client } from './model.ts';

/** The names that a certificate can have (RFC 8705 §2.1.2); a client has at most one of them. */
export const certificateNames = [
  'tlsClientAuthSubjectDn',
  'tlsClientAuthSanDns',
  'tlsClientAuthSanUri',
  'tlsClientAuthSanIp',
  'tlsClientAuthSanEmail',
] as const;

type Credentials = Pick<
  Client,
  'public' | 'secret' | 'jwks' | 'jwksUri' | 'tokenEndpointAuthMethod' | (typeof certificateNames)[number]
>;

/** The method that is named, or else the only one that the client has a credential for. */
export function authMethodOf(client: Credentials): NonNullable<Client['tokenEndpointAuthMethod']> {
  if (client.tokenEndpointAuthMethod !== undefined) return client.tokenEndpointAuthMethod;
  if (client.public === true) return 'none';
  if (client.secret !== undefined) return 'client_secret_basic';
  if (certificateNames.some((name) => client[name] !== undefined)) return 'tls_client_auth';
  return client.jwks === undefined && client.jwksUri === undefined
    ? 'client_secret_basic'
    : 'private_key_jwt';
}
