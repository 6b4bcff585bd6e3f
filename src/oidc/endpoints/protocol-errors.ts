/**
 * Errors of the endpoints that clients authenticate at, in the words of the realm's profile. The library throws them
 * with a general description and a detail that it only logs; the detail decides here what may be said.
 */

import type { KoaContextWithOIDC } from 'oidc-provider';
import { sha256 } from '../../base/hash.ts';
import { tokenKey } from '../../revocation/nodes.ts';
import { decodeToken } from '../../tokens/record.ts';
import { isAnonymous, isUnauthenticated } from '../client-auth/client-errors.ts';
import { unitOf } from '../http/protocol-state.ts';
import type { RealmContext } from '../realm/realm-context.ts';
import { refreshValueOf } from '../tokens/refresh-shape.ts';

export type Refused = { readonly status: number; readonly error: string; readonly description: string };

export type LibraryError = {
  readonly error: string;
  readonly statusCode: number;
  readonly error_detail?: string | undefined;
  readonly error_description?: string | undefined;
};

/** At the token endpoint, and where a device or a back end begins. */
const unauthorizedGrant: ReadonlySet<string> = new Set([
  'requested grant type is not allowed for this client',
  'urn:ietf:params:oauth:grant-type:device_code is not allowed for this client',
  'urn:openid:params:grant-type:ciba is not allowed for this client',
]);

/** Endpoints that answer programs: always JSON, whatever is accepted. */
export const clientRoutes: ReadonlySet<string> = new Set([
  'token',
  'introspection',
  'revocation',
  'pushed_authorization_request',
  'device_authorization',
  'backchannel_authentication',
]);

/** The error to answer with instead of the library's, if another. */
export async function rephrase(
  realm: RealmContext,
  ctx: KoaContextWithOIDC,
  thrown: LibraryError,
): Promise<Refused | undefined> {
  const { route } = ctx.oidc;
  const isKeycloak = realm.view.profile === 'keycloak';
  if (!clientRoutes.has(route)) return undefined;
  if (isUnauthenticated(ctx, thrown)) return isKeycloak ? keycloakClient(ctx, thrown) : strictClient;
  if (unauthorizedGrant.has(thrown.error_description ?? '')) return notAllowed(ctx);
  if (!isKeycloak) return undefined;
  if (route === 'introspection') return introspectionWords(thrown);
  return route === 'token' ? tokenWords(realm, ctx, thrown) : undefined;
}

/** RFC 6749 §5.2 `invalid_client`: unknown, no credentials, wrong ones and unsupported ones alike. */
const strictClient: Refused = {
  status: 401,
  error: 'invalid_client',
  description: 'client authentication failed',
};

/** At Keycloak's token endpoint it is a bad request to name no client, and who is known and fails is `unauthorized_client`. */
function keycloakClient(ctx: KoaContextWithOIDC, thrown: LibraryError): Refused {
  if (ctx.oidc.route === 'token' && isAnonymous(thrown)) {
    return { status: 400, error: 'invalid_client', description: 'Missing client_id parameter' };
  }
  const isKnown = ctx.oidc.client !== undefined && thrown.error === 'invalid_client';
  const error = ctx.oidc.route === 'token' && isKnown ? 'unauthorized_client' : 'invalid_client';
  return { status: 401, error, description: 'Invalid client or Invalid client credentials' };
}

/** RFC 6749 §5.2, RFC 8628 §3.2, CIBA Core §13: what the client is not registered for is `unauthorized_client`. */
function notAllowed(ctx: KoaContextWithOIDC): Refused {
  return { status: 400, error: 'unauthorized_client', description: grantRefusal(ctx) };
}

function grantRefusal(ctx: KoaContextWithOIDC): string {
  switch (ctx.oidc.params?.['grant_type']) {
    case 'password':
      return 'Client not allowed for direct access grants';
    case 'client_credentials':
      return ctx.oidc.client?.clientAuthMethod === 'none'
        ? 'Public client not allowed to retrieve service account'
        : 'Client not enabled to retrieve service account';
    default:
      return 'Client not allowed for this grant type';
  }
}

const badRequest = (description: string): Refused => ({ status: 400, error: 'invalid_request', description });
const invalidGrant = (description: string): Refused => ({ status: 400, error: 'invalid_grant', description });

/** Rows of docs/keycloak.md, by what the library says in its log. */
const byDetail: Readonly<Record<string, Refused>> = {
  'authorization code redirect_uri mismatch': invalidGrant('Incorrect redirect_uri'),
  'code_verifier must be provided': invalidGrant('PKCE code verifier not specified'),
  'code_verifier does not match code_challenge': invalidGrant('PKCE verification failed: Code mismatch'),
  'unsupported code_challenge_method': invalidGrant(
    'PKCE code verifier specified but challenge not present in authorization',
  ),
};

function introspectionWords(thrown: LibraryError): Refused | undefined {
  return isMissing(thrown, 'token') ? badRequest('Token not provided.') : undefined;
}

function tokenWords(
  realm: RealmContext,
  ctx: KoaContextWithOIDC,
  thrown: LibraryError,
): Refused | undefined | Promise<Refused> {
  const known = thrown.error_detail === undefined ? undefined : byDetail[thrown.error_detail];
  if (known !== undefined) return known;
  switch (thrown.error) {
    case 'invalid_request':
      return requestWords(thrown);
    case 'invalid_grant':
      return grantWords(realm, ctx, thrown.error_detail);
    case 'unsupported_grant_type':
      return { status: 400, error: thrown.error, description: 'Unsupported grant_type' };
    default:
      return undefined;
  }
}

function requestWords(thrown: LibraryError): Refused | undefined {
  if (isMissing(thrown, 'username')) return { ...badRequest('Missing parameter: username'), status: 401 };
  if (isMissing(thrown, 'code')) return badRequest('Missing parameter: code');
  if (isMissing(thrown, 'redirect_uri')) return invalidGrant('Incorrect redirect_uri');
  if (isMissing(thrown, 'refresh_token')) return badRequest('No refresh token');
  if (isMissing(thrown, 'device_code')) return badRequest('Missing parameter: device_code');
  return thrown.error_description?.startsWith('code_verifier ') === true
    ? invalidGrant('PKCE verification failed: Invalid code verifier')
    : undefined;
}

function isMissing({ error_description: text = '' }: LibraryError, parameter: string): boolean {
  return text.startsWith('missing required parameter') && text.includes(`'${parameter}'`);
}

function grantWords(
  realm: RealmContext,
  ctx: KoaContextWithOIDC,
  detail: string | undefined,
): Refused | undefined | Promise<Refused> {
  switch (ctx.oidc.params?.['grant_type']) {
    case 'authorization_code':
      return detail === 'client mismatch'
        ? invalidGrant('Auth error: Found different client_id in clientSession')
        : invalidGrant('Code not valid');
    case 'refresh_token':
      return refreshWords(realm, ctx, detail);
    case 'urn:ietf:params:oauth:grant-type:device_code':
      return invalidGrant('Device code not valid');
    default:
      return undefined;
  }
}

async function refreshWords(
  realm: RealmContext,
  ctx: KoaContextWithOIDC,
  detail: string | undefined,
): Promise<Refused> {
  if (detail === 'refresh token is expired') return invalidGrant('Token is not active');
  if (detail === 'grant not found' || (await isCut(realm, ctx))) return invalidGrant('Session not active');
  return invalidGrant('Invalid refresh token');
}

/** True for a token of this client's until its session, user or the client itself was cut. */
async function isCut(realm: RealmContext, ctx: KoaContextWithOIDC): Promise<boolean> {
  const token = ctx.oidc.params?.['refresh_token'];
  if (typeof token !== 'string') return false;
  const document = await unitOf(ctx).read(tokenKey(realm.name, sha256(refreshValueOf(token))));
  if (document?.cut !== true) return false;
  return decodeToken(document.value)?.clientId === ctx.oidc.client?.clientId;
}
