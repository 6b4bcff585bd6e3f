/**
 * Errors of the endpoints where clients authenticate, in the words of the realm's profile. The library throws them
 * with a general description, and a detail that it only logs; the detail decides which words are used.
 */

import type { KoaContextWithOIDC } from 'oidc-provider';
import { tokenKey } from '../../revocation/nodes.ts';
import { decodeToken } from '../../tokens/record.ts';
import { isUnauthenticated } from '../client-auth/client-errors.ts';
import { unitOf } from '../http/protocol-state.ts';
import { grantNotAllowed } from '../library/messages.ts';
import type { LibraryError, Refused, RefusedRequest } from '../profiles/profile.ts';
import { refreshHashOf } from '../profiles/refresh-shape.ts';
import type { RealmContext } from '../realm/realm-context.ts';

/** Thrown at the token endpoint, and where a device or a back end begins. */
const unauthorizedGrant: ReadonlySet<string> = new Set([
  grantNotAllowed.atToken,
  grantNotAllowed.atStart.fill('urn:ietf:params:oauth:grant-type:device_code'),
  grantNotAllowed.atStart.fill('urn:openid:params:grant-type:ciba'),
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

/** The error that replaces the library's, if another one is right. */
export async function rephrase(
  realm: Pick<RealmContext, 'name' | 'profile' | 'keys'>,
  ctx: KoaContextWithOIDC,
  thrown: LibraryError,
): Promise<Refused | undefined> {
  const { errors } = realm.profile;
  const request = refusedRequest(realm, ctx);
  if (!clientRoutes.has(request.route)) return undefined;
  if (isUnauthenticated(ctx, thrown)) return errors.invalidClient(thrown, request);
  if (unauthorizedGrant.has(thrown.error_description ?? '')) return notAllowed(ctx);
  return errors.rephrase(thrown, request);
}

function refusedRequest(realm: Pick<RealmContext, 'name' | 'keys'>, ctx: KoaContextWithOIDC): RefusedRequest {
  const { route, params, client } = ctx.oidc;
  return {
    route,
    grantType: params?.['grant_type'],
    isKnownClient: client !== undefined,
    isRevoked: () => isRevoked(realm, ctx),
  };
}

/**
 * RFC 6749 §5.2, RFC 8628 §3.2, CIBA Core §13: a grant that the client is not registered for is
 * `unauthorized_client`.
 */
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

/** True when the refresh token is of this client, and its session, user or the client was cut after it was issued. */
async function isRevoked(
  realm: Pick<RealmContext, 'name' | 'keys'>,
  ctx: KoaContextWithOIDC,
): Promise<boolean> {
  const token = ctx.oidc.params?.['refresh_token'];
  if (typeof token !== 'string') return false;
  const document = await unitOf(ctx).read(tokenKey(realm.name, refreshHashOf(token, realm.keys.secret)));
  if (document?.cut !== true) return false;
  return decodeToken(document.value)?.clientId === ctx.oidc.client?.clientId;
}
