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
  | 'public'
  | 'secret'
  | 'jwks'
  | 'jwksUri'
  | 'tokenEndpointAuthMethod'
  | 'registered'
  | (typeof certificateNames)[number]
>;

type AuthMethod = NonNullable<Client['tokenEndpointAuthMethod']>;

/**
 * The one method that the client may use: the one that is named, or else the only one that it has a credential for. Basic
 * and form are one, as either sends the secret.
 */
export function authMethodOf(client: Credentials): AuthMethod {
  const named = client.tokenEndpointAuthMethod ?? client.registered?.['token_endpoint_auth_method'];
  // A registration was checked before it was stored.
  if (typeof named === 'string') return named as AuthMethod;
  if (client.public === true) return 'none';
  if (client.secret !== undefined) return 'client_secret_basic';
  if (certificateNames.some((name) => client[name] !== undefined)) return 'tls_client_auth';
  return client.jwks === undefined && client.jwksUri === undefined
    ? 'client_secret_basic'
    : 'private_key_jwt';
}
