/**
 * How a client is registered to authenticate: in its realm file, or by itself in metadata that the registry keeps as it
 * was sent (RFC 7591 §2, RFC 8705 §2.1.2).
 */
import type { JSONWebKeySet } from 'jose';
import { authMethodOf } from '../../registry/model/auth-method.ts';
import type { Client } from '../../registry/model/model.ts';

const metadataNames = {
  tokenEndpointAuthMethod: 'token_endpoint_auth_method',
  tokenEndpointAuthSigningAlg: 'token_endpoint_auth_signing_alg',
  jwks: 'jwks',
  jwksUri: 'jwks_uri',
  tlsClientAuthSubjectDn: 'tls_client_auth_subject_dn',
  tlsClientAuthSanDns: 'tls_client_auth_san_dns',
  tlsClientAuthSanUri: 'tls_client_auth_san_uri',
  tlsClientAuthSanIp: 'tls_client_auth_san_ip',
  tlsClientAuthSanEmail: 'tls_client_auth_san_email',
} as const;

type Member = keyof typeof metadataNames;

/** RFC 8705 §2.1.2, in the order in which they are looked for; a client has one of them. */
const certificateNames = [
  'tlsClientAuthSubjectDn',
  'tlsClientAuthSanDns',
  'tlsClientAuthSanIp',
  'tlsClientAuthSanEmail',
  'tlsClientAuthSanUri',
] as const;

/** The one method that the client may use; Basic and form are one, as either sends the secret. */
export function methodOf(client: Client): string {
  return textOf(client, 'tokenEndpointAuthMethod') ?? authMethodOf(client);
}

/** The algorithm that the client said its assertions are signed with, if it did. */
export function signingAlgOf(client: Client): string | undefined {
  return textOf(client, 'tokenEndpointAuthSigningAlg');
}

/** The client's keys; `undefined` when it has none, or has them at an address. */
export function inlineKeysOf(client: Client): JSONWebKeySet | undefined {
  const jwks = memberOf(client, 'jwks');
  return isKeySet(jwks) ? jwks : undefined;
}

function isKeySet(jwks: unknown): jwks is JSONWebKeySet {
  return typeof jwks === 'object' && jwks !== null && 'keys' in jwks && Array.isArray(jwks.keys);
}

export function hasRemoteKeys(client: Client): boolean {
  return textOf(client, 'jwksUri') !== undefined;
}

/** The subject that the client's certificate must have: what it is called in its metadata, and its value. */
export function certificateSubjectOf(
  client: Client,
): { readonly property: string; readonly value: string } | undefined {
  for (const name of certificateNames) {
    const value = textOf(client, name);
    if (value) return { property: metadataNames[name], value };
  }
  return undefined;
}

/** RFC 7591 §3.2.1: seconds since the epoch; absent or 0 for a secret that does not expire. */
export function secretExpiryOf({ registered }: Client): number | undefined {
  const expiry = registered?.['client_secret_expires_at'];
  return typeof expiry === 'number' && expiry > 0 ? expiry : undefined;
}

function textOf(client: Client, name: Member): string | undefined {
  const value = memberOf(client, name);
  return typeof value === 'string' ? value : undefined;
}

function memberOf(client: Client, name: Member): unknown {
  return client[name] ?? client.registered?.[metadataNames[name]];
}
