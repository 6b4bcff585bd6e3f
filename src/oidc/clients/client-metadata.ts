/** Turns clients of the registry into RFC 7591 metadata in snake_case, which the library expects. */
import type { AdapterPayload } from 'oidc-provider';
import { authMethodOf } from '../../registry/model/auth-method.ts';
import type { Client, RealmSettings } from '../../registry/model/model.ts';
import { originsOf } from '../../registry/model/origins.ts';

/** Members of our own that are no registration metadata. */
const ours: ReadonlySet<string> = new Set([
  'id',
  'enabled',
  'secret',
  'previousSecret',
  'previousSecretUntil',
  'public',
  'firstParty',
  'grants',
  'roles',
  'permissions',
  'introspects',
  'mints',
  'exchanges',
  'cors',
  'consent',
  'pkce',
  'fapi',
  'accessTokenTtl',
  'claimsInIdToken',
  'audiences',
  'registered',
  'unused',
]);

/** Metadata that only the server sets: nobody can register it, and nobody is shown it. */
export const internalMetadata = [
  'cors_origins',
  'fapi',
  'pkce_optional',
  'claims_in_id_token',
  'self_registered',
  'token_audiences',
] as const;

const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange' as const;

const guestDetailTypes = ['embed_resource', 'embed_policy', 'embed_session'];

type SigningAlg = NonNullable<RealmSettings['idTokenSignedResponseAlg']>;
type RealmDefaults = Pick<RealmSettings, 'idTokenSignedResponseAlg'>;

/**
 * RFC 7591 §2 metadata of a client of the registry. It is a copy throughout: the library writes into the keys of
 * clients, and the client is cached.
 */
export function toMetadata(client: Client, realm: RealmDefaults): AdapterPayload {
  const metadata: Record<string, unknown> = { ...client.registered };
  for (const [name, value] of Object.entries(client)) {
    if (!ours.has(name) && value !== undefined) metadata[snakeCase(name)] = value;
  }
  return structuredClone({
    ...defaultsOf(client, realm),
    ...metadata,
    ...flagsOf(client),
    client_id: client.id,
    grant_types: grantTypesOf(client),
    ...(client.secret === undefined ? {} : { client_secret: client.secret }),
  });
}

/**
 * A minting client also refreshes guest tokens, which the library treats as an exchange (endpoints/guest-holder.ts).
 */
function grantTypesOf({ grants, mints }: Client): readonly string[] {
  return mints === undefined ? grants : [...new Set([...grants, TOKEN_EXCHANGE])];
}

/** What our synchronous hooks need to know of a client. */
function flagsOf(client: Client): Record<string, unknown> {
  return {
    cors_origins: originsOf(client),
    ...(client.fapi === true ? { fapi: true } : {}),
    ...(client.pkce === 'optional' && client.public !== true ? { pkce_optional: true } : {}),
    ...(client.audiences === undefined ? {} : { token_audiences: client.audiences }),
    ...(client.claimsInIdToken === true ? { claims_in_id_token: true } : {}),
    ...(client.registered === undefined ? {} : { self_registered: true }),
  };
}

function defaultsOf(client: Client, realm: RealmDefaults): AdapterPayload {
  const usesCodes = client.grants.includes('authorization_code');
  return {
    redirect_uris: [],
    response_types: usesCodes ? ['code'] : [],
    token_endpoint_auth_method: authMethodOf(client),
    id_token_signed_response_alg: idTokenAlg(client, realm),
    introspection_signed_response_alg: 'ES256',
    ...(knowsGuests(client) ? { authorization_details_types: guestDetailTypes } : {}),
    ...(client.fapi === true ? fapiMetadata(client) : {}),
  };
}

/**
 * OIDC Core §15.1, OIDC Registration §2: readers expect RS256 where nothing else was agreed. FAPI 2.0 §5.4.1 forbids it.
 */
function idTokenAlg({ fapi }: Client, { idTokenSignedResponseAlg: chosen }: RealmDefaults): SigningAlg {
  if (fapi === true) return chosen === undefined || chosen === 'RS256' ? 'ES256' : chosen;
  return chosen ?? 'RS256';
}

/** A client that may exchange tokens but not mint is refused by the grant, not for the details that it sent. */
function knowsGuests({ mints, grants }: Client): boolean {
  return mints !== undefined || grants.includes(TOKEN_EXCHANGE);
}

/** FAPI 2.0 Security Profile §5.3.2.1, §5.3.2.2: pushed requests and sender-constrained tokens only. */
function fapiMetadata(client: Client): AdapterPayload {
  const isBoundByCertificate = client.tlsClientCertificateBoundAccessTokens === true;
  return {
    require_pushed_authorization_requests: true,
    ...(isBoundByCertificate ? {} : { dpop_bound_access_tokens: true }),
  };
}

/** `redirectUris` → `redirect_uris`. */
export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
