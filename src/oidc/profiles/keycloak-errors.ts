/** Errors in Keycloak's words: the rows of docs/keycloak.md, by what the library throws. */
import { errors } from 'oidc-provider';
import * as messages from '../library/messages.ts';
import { shapeUserinfo } from './keycloak-userinfo.ts';
import type { LibraryError, ProtocolErrors, Refused, RefusedRequest } from './profile.ts';

export const keycloakErrors: ProtocolErrors = {
  badCredentials,
  disabledAccount: () => invalidGrantError('account disabled', 'Account disabled'),
  invalidClient,
  publicIntrospection: { status: 403, error: 'invalid_request', description: 'Client not allowed.' },
  rephrase,
  shapeUserinfo,
  methodAtMetadata: { status: 404, error: 'HTTP 404 Not Found' },
};

function badCredentials(status = 401): Error {
  const error = invalidGrantError('invalid user credentials', 'Invalid user credentials');
  error.status = status;
  error.statusCode = status;
  return error;
}

function invalidGrantError(detail: string, description: string): errors.InvalidGrant {
  const error = new errors.InvalidGrant(detail);
  error.error_description = description;
  return error;
}

/**
 * At Keycloak's token endpoint a request without a client is a bad request, and a known client that fails to
 * authenticate is `unauthorized_client`.
 */
function invalidClient(thrown: LibraryError, { route, isKnownClient }: RefusedRequest): Refused {
  const isAnonymous = thrown.error_description === messages.clientAuthentication.noCredentials;
  if (route === 'token' && isAnonymous) {
    return { status: 400, error: 'invalid_client', description: 'Missing client_id parameter' };
  }
  const isKnown = isKnownClient && thrown.error === 'invalid_client';
  const error = route === 'token' && isKnown ? 'unauthorized_client' : 'invalid_client';
  return { status: 401, error, description: 'Invalid client or Invalid client credentials' };
}

async function rephrase(thrown: LibraryError, request: RefusedRequest): Promise<Refused | undefined> {
  switch (request.route) {
    case 'introspection':
      return isMissing(thrown, 'token') ? badRequest('Token not provided.') : undefined;
    case 'token':
      return ofTokenRequest(thrown, request);
    default:
      return undefined;
  }
}

const badRequest = (description: string): Refused => ({ status: 400, error: 'invalid_request', description });
const invalidGrant = (description: string): Refused => ({ status: 400, error: 'invalid_grant', description });

const byDetail: ReadonlyMap<string | undefined, Refused> = new Map([
  [messages.invalidGrant.otherRedirectUri, invalidGrant('Incorrect redirect_uri')],
  [messages.invalidGrant.noVerifier, invalidGrant('PKCE code verifier not specified')],
  [messages.invalidGrant.otherVerifier, invalidGrant('PKCE verification failed: Code mismatch')],
  [
    messages.invalidGrant.noChallenge,
    invalidGrant('PKCE code verifier specified but challenge not present in authorization'),
  ],
]);

function ofTokenRequest(
  thrown: LibraryError,
  request: RefusedRequest,
): Refused | undefined | Promise<Refused> {
  const known = byDetail.get(thrown.error_detail);
  if (known !== undefined) return known;
  switch (thrown.error) {
    case 'invalid_request':
      return ofParameters(thrown);
    case 'invalid_grant':
      return ofGrant(thrown.error_detail, request);
    case 'unsupported_grant_type':
      return { status: 400, error: thrown.error, description: 'Unsupported grant_type' };
    default:
      return undefined;
  }
}

const malformedVerifier: ReadonlySet<unknown> = new Set(
  messages.malformedVerifier.map((text) => text.fill('code_verifier')),
);

function ofParameters(thrown: LibraryError): Refused | undefined {
  if (isMissing(thrown, 'username')) return { ...badRequest('Missing parameter: username'), status: 401 };
  if (isMissing(thrown, 'code')) return badRequest('Missing parameter: code');
  if (isMissing(thrown, 'redirect_uri')) return invalidGrant('Incorrect redirect_uri');
  if (isMissing(thrown, 'refresh_token')) return badRequest('No refresh token');
  if (isMissing(thrown, 'device_code')) return badRequest('Missing parameter: device_code');
  return malformedVerifier.has(thrown.error_description)
    ? invalidGrant('PKCE verification failed: Invalid code verifier')
    : undefined;
}

function isMissing({ error_description: text = '' }: LibraryError, parameter: string): boolean {
  return messages.missingParameters.matches(text) && text.includes(`'${parameter}'`);
}

function ofGrant(
  detail: string | undefined,
  request: RefusedRequest,
): Refused | undefined | Promise<Refused> {
  switch (request.grantType) {
    case 'authorization_code':
      return detail === messages.invalidGrant.otherClient
        ? invalidGrant('Auth error: Found different client_id in clientSession')
        : invalidGrant('Code not valid');
    case 'refresh_token':
      return ofRefreshToken(detail, request);
    case 'urn:ietf:params:oauth:grant-type:device_code':
      return invalidGrant('Device code not valid');
    default:
      return undefined;
  }
}

async function ofRefreshToken(detail: string | undefined, request: RefusedRequest): Promise<Refused> {
  if (detail === messages.invalidGrant.expiredRefreshToken) return invalidGrant('Token is not active');
  const isEnded = detail === messages.invalidGrant.noGrant || (await request.isRevoked());
  return invalidGrant(isEnded ? 'Session not active' : 'Invalid refresh token');
}
