/**
 * Errors of the token endpoint in the words of the realm's profile. The library throws them with a general
 * description and a detail that it only logs; the detail decides here what may be said.
 */
import type { KoaContextWithOIDC } from 'oidc-provider';
import type { RealmContext } from '../realm-context.ts';

export type Refused = { readonly status: number; readonly error: string; readonly description: string };

type LibraryError = {
  readonly error: string;
  readonly error_detail?: string | undefined;
  readonly error_description?: string | undefined;
};

const unauthorizedGrant = 'requested grant type is not allowed for this client';

/** The error to answer with instead of the library's, if another. */
export function rephrase(
  realm: RealmContext,
  ctx: KoaContextWithOIDC,
  thrown: LibraryError,
): Refused | undefined {
  if (thrown.error_description === unauthorizedGrant) return notAllowed(ctx);
  return realm.view.profile === 'keycloak' ? keycloakWords(ctx, thrown) : undefined;
}

/** RFC 6749 §5.2: a grant that the client is not registered for is `unauthorized_client`. */
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

const badClient = 'Invalid client or Invalid client credentials';
const invalidGrant = (description: string): Refused => ({ status: 400, error: 'invalid_grant', description });

/** Rows of docs/keycloak.md, by what the library says in its log. */
const byDetail: Readonly<Record<string, Refused>> = {
  'client not found': { status: 401, error: 'invalid_client', description: badClient },
  'authorization code redirect_uri mismatch': invalidGrant('Incorrect redirect_uri'),
  'code_verifier must be provided': invalidGrant('PKCE code verifier not specified'),
  'code_verifier does not match code_challenge': invalidGrant('PKCE verification failed: Code mismatch'),
};

function keycloakWords(ctx: KoaContextWithOIDC, thrown: LibraryError): Refused | undefined {
  const known = thrown.error_detail === undefined ? undefined : byDetail[thrown.error_detail];
  if (known !== undefined) return known;
  if (thrown.error === 'invalid_client') {
    return { status: 401, error: 'unauthorized_client', description: badClient };
  }
  if (thrown.error === 'invalid_request') return requestWords(thrown.error_description ?? '');
  return thrown.error === 'invalid_grant' ? grantWords(ctx, thrown.error_detail) : undefined;
}

function requestWords(description: string): Refused | undefined {
  const bad = (text: string): Refused => ({ status: 400, error: 'invalid_request', description: text });
  if (description.includes('must not be provided twice')) return bad('duplicated parameter');
  const missing = /missing required parameters? '?(code|refresh_token)\b/.exec(description)?.[1];
  if (missing === 'code') return bad('Missing parameter: code');
  if (missing === 'refresh_token') return bad('No refresh token');
  if (description.includes('code_verifier'))
    return invalidGrant('PKCE verification failed: Invalid code verifier');
  return undefined;
}

function grantWords(ctx: KoaContextWithOIDC, detail: string | undefined): Refused | undefined {
  switch (ctx.oidc.params?.['grant_type']) {
    case 'authorization_code':
      return detail === 'client mismatch'
        ? invalidGrant('Auth error: Found different client_id in clientSession')
        : invalidGrant('Code not valid');
    case 'refresh_token':
      return detail === 'grant not found'
        ? invalidGrant('Session not active')
        : invalidGrant('Invalid refresh token');
    default:
      return undefined;
  }
}
