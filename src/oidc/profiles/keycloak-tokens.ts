/** The claims that Keycloak's adapters read in access tokens and at introspection. */
import type { JWTStructured } from 'oidc-provider';
import type { User } from '../../registry/model/model.ts';
import type { TokenRecord } from '../../tokens/record.ts';
import type { JwtInMaking, RealmRoles } from './profile.ts';

/** Keycloak's header and claims in place of those of RFC 9068. */
export function shapeJwt(jwt: JWTStructured, { realm, ctx, token, user }: JwtInMaking): void {
  const roles = roleNames(realm, jwt.payload['roles']);
  jwt.header = { ...jwt.header, typ: 'JWT' };
  Object.assign(jwt.payload, {
    typ: 'Bearer',
    azp: token.clientId,
    realm_access: { roles },
    resource_access: resourceAccess(realm, jwt.payload),
    ...sessionClaims('sessionUid' in token ? token.sessionUid : undefined),
    ...(user === undefined ? {} : personClaims(user, jwt.payload['scope'])),
    ...audienceOf(jwt.payload['aud'], ctx.oidc.client?.['token_audiences']),
    'allowed-origins': ctx.oidc.client?.['cors_origins'] ?? [],
  });
}

/** The client may want to find itself among those that the token is for. */
function audienceOf(api: unknown, own: unknown): { readonly aud?: readonly unknown[] } {
  return Array.isArray(own) && own.length > 0 ? { aud: [api, ...own] } : {};
}

/** The same for a token's record. */
export function introspectionClaims(realm: RealmRoles, record: TokenRecord): Record<string, unknown> {
  return {
    typ: record.kind === 'RefreshToken' ? 'Refresh' : 'Bearer',
    azp: record.clientId,
    realm_access: { roles: roleNames(realm, record.extra?.['roles']) },
    resource_access: resourceAccess(realm, record),
    preferred_username: record.extra?.['username'],
    ...sessionClaims(record.sessionUid),
  };
}

function sessionClaims(uid: string | undefined): Record<string, unknown> {
  return uid === undefined ? {} : { sid: uid, session_state: uid };
}

/** The roles of the user, and the roles that they include. */
function roleNames(realm: RealmRoles, roles: unknown): readonly string[] {
  const held = Array.isArray(roles) ? roles.filter((role) => typeof role === 'string') : [];
  return [...realm.view.expandRoles(held)];
}

/** Permissions of the token's API, where Keycloak's adapters look for client roles. */
function resourceAccess(
  realm: RealmRoles,
  claims: { readonly aud?: unknown; readonly scope?: unknown },
): Record<string, { roles: string[] }> {
  const api = typeof claims.aud === 'string' ? realm.apiOf(claims.aud) : undefined;
  if (api === undefined) return {};
  const scopes = new Set(typeof claims.scope === 'string' ? claims.scope.split(' ') : []);
  const roles = api.permissions.map((permission) => permission.name).filter((name) => scopes.has(name));
  return { [api.id]: { roles } };
}

/**
 * OIDC Core §5.4: name and address by the granted scopes, as the person was told. The user name is there always:
 * Keycloak's adapters take it for the account.
 */
function personClaims(user: User, scope: unknown): Record<string, unknown> {
  const scopes = new Set(typeof scope === 'string' ? scope.split(' ') : []);
  return {
    preferred_username: user.username,
    ...(scopes.has('profile') ? nameClaims(user) : {}),
    ...(scopes.has('email') && user.email !== undefined
      ? { email: user.email, email_verified: user.emailVerified }
      : {}),
  };
}

function nameClaims(user: User): Record<string, unknown> {
  return {
    ...(user.name === undefined ? {} : { name: user.name }),
    ...(user.givenName === undefined ? {} : { given_name: user.givenName }),
    ...(user.familyName === undefined ? {} : { family_name: user.familyName }),
  };
}
