/** What access tokens say: the same in the record, at introspection and in a JWT. */
import type { AccessToken, ClientCredentials, JWTStructured, KoaContextWithOIDC } from 'oidc-provider';
import type { User } from '../../registry/model/model.ts';
import type { RealmContext } from '../realm/realm-context.ts';
import type { DaypassAccount } from './claims.ts';

type Token = AccessToken | ClientCredentials;

export function accessTokenClaims(realm: RealmContext) {
  return async function extraTokenClaims(
    ctx: KoaContextWithOIDC,
    token: Token,
  ): Promise<Record<string, unknown>> {
    const user = userOf(ctx);
    if (user !== undefined && 'accountId' in token) {
      return { realm: realm.name, username: user.username, roles: user.roles };
    }
    const client = await realm.findClient(token.clientId ?? '');
    return { realm: realm.name, roles: client?.roles ?? [] };
  };
}

function userOf(ctx: KoaContextWithOIDC): User | undefined {
  const account = ctx.oidc.account as DaypassAccount | undefined;
  return account?.user;
}

/** RFC 9068 as it is for `strict` realms; Keycloak's header and claims for `keycloak` ones. */
export function shapeJwt(
  realm: RealmContext,
  ctx: KoaContextWithOIDC,
  token: Token,
  jwt: JWTStructured,
): void {
  if (realm.view.profile !== 'keycloak') return;
  const user = userOf(ctx);
  const roles = roleNames(realm, jwt.payload['roles']);
  jwt.header = { ...jwt.header, typ: 'JWT' };
  Object.assign(jwt.payload, {
    typ: 'Bearer',
    azp: token.clientId,
    realm_access: { roles },
    resource_access: resourceAccess(realm, jwt.payload),
    ...('sessionUid' in token && token.sessionUid !== undefined
      ? { sid: token.sessionUid, session_state: token.sessionUid }
      : {}),
    ...(user === undefined ? {} : personClaims(user)),
    'allowed-origins': corsOrigins(ctx),
  });
}

/** The roles held and all that they include. */
export function roleNames(realm: RealmContext, roles: unknown): readonly string[] {
  const held = Array.isArray(roles) ? roles.filter((role) => typeof role === 'string') : [];
  return [...realm.view.expandRoles(held)];
}

/** Permissions of the token's API, where Keycloak's adapters look for client roles. */
export function resourceAccess(
  realm: RealmContext,
  claims: { readonly aud?: unknown; readonly scope?: unknown },
): Record<string, { roles: string[] }> {
  const api = typeof claims.aud === 'string' ? realm.apiOf(claims.aud) : undefined;
  if (api === undefined) return {};
  const scopes = new Set(typeof claims.scope === 'string' ? claims.scope.split(' ') : []);
  const roles = api.permissions.map((permission) => permission.name).filter((name) => scopes.has(name));
  return { [api.id]: { roles } };
}

function personClaims(user: User): Record<string, unknown> {
  return {
    preferred_username: user.username,
    ...(user.name === undefined ? {} : { name: user.name }),
    ...(user.givenName === undefined ? {} : { given_name: user.givenName }),
    ...(user.familyName === undefined ? {} : { family_name: user.familyName }),
    ...(user.email === undefined ? {} : { email: user.email, email_verified: user.emailVerified }),
  };
}

function corsOrigins(ctx: KoaContextWithOIDC): unknown {
  return ctx.oidc.client?.['cors_origins'] ?? [];
}
