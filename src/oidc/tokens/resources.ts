/**
 * APIs as the library's resource servers (RFC 8707), and the scope rule at the endpoints it owns: a permission that
 * exists but cannot be granted is left out, one that does not exist is `invalid_scope`.
 */
import {
  errors,
  type KoaContextWithOIDC,
  type Client as LibraryClient,
  type ResourceServer,
} from 'oidc-provider';
import type { Api, Client } from '../../registry/model/model.ts';
import { decideScope, grantable } from '../../registry/model/permissions.ts';
import type { RealmContext } from '../realm/realm-context.ts';
import { oidcScopeSet, oidcScopes } from './claims.ts';
import { userOf } from './token-claims.ts';

/** Endpoints where no user is known yet: only the client limits the request, the user's roles follow at login. */
const requestRoutes: ReadonlySet<string> = new Set([
  'authorization',
  'pushed_authorization_request',
  'device_authorization',
  'backchannel_authentication',
]);

export function resourceIndicators(realm: RealmContext) {
  async function getResourceServerInfo(
    ctx: KoaContextWithOIDC,
    resource: string,
    client: LibraryClient,
  ): Promise<ResourceServer> {
    const api = realm.apiOf(resource);
    const registered = await realm.findClient(client.clientId);
    if (api === undefined || registered === undefined) throw new errors.InvalidTarget();
    decideRequestedScope(ctx, realm, api, registered);
    return {
      ...resourceServerOf(realm, api, registered),
      scope: [...oidcScopes, ...stillPermitted(ctx, realm, api, registered)].join(' '),
    };
  }

  /** Of several granted resources the first is meant. Several requested at once are too many (RFC 8707 §2.2). */
  function defaultResource(
    ctx: KoaContextWithOIDC,
    _client: LibraryClient,
    oneOf?: readonly string[],
  ): string {
    if (ctx.oidc.route === 'token' && Array.isArray(ctx.oidc.params?.['resource'])) {
      throw new errors.InvalidTarget('only one resource can be asked for');
    }
    return oneOf?.[0] ?? realm.defaultApi.audience;
  }

  return {
    enabled: true,
    defaultResource,
    getResourceServerInfo,
    useGrantedResource: () => true,
  };
}

/**
 * A grant or refresh token may hold permissions that the person's roles no longer give: the library grants no scope
 * that the resource server does not have. Where no person is known yet, that is every permission of the API.
 */
function stillPermitted(
  ctx: KoaContextWithOIDC,
  realm: Pick<RealmContext, 'view'>,
  api: Api,
  client: Client,
): Iterable<string> {
  const user = ctx.oidc.route === 'token' ? userOf(ctx) : undefined;
  if (user === undefined) return api.permissions.map(({ name }) => name);
  return permittedFor(realm, api, client, user.roles);
}

function decideRequestedScope(
  ctx: KoaContextWithOIDC,
  realm: Pick<RealmContext, 'view' | 'permissionNames' | 'apiOf'>,
  api: Api,
  client: Client,
): void {
  const { params, route } = ctx.oidc;
  if (params === undefined) return;
  const requested = typeof params['scope'] === 'string' ? params['scope'] : undefined;
  if (params['grant_type'] === 'client_credentials') {
    const permitted = permittedFor(realm, api, client, client.roles);
    const granted = scopeOrError(realm, api, requested, permitted, true);
    // No person is involved, so OIDC scopes mean nothing.
    params['scope'] = granted.filter((scope) => !oidcScopeSet.has(scope)).join(' ') || undefined;
  } else if (requestRoutes.has(route)) {
    // A request may name several APIs (RFC 8707 §2): a permission of any of them may stay.
    const granted = requestedApis(realm, params['resource']).flatMap((one) =>
      scopeOrError(
        realm,
        one,
        requested,
        permittedFor(realm, one, client, undefined),
        requested === undefined,
      ),
    );
    params['scope'] = [...new Set(granted)].join(' ') || undefined;
  }
}

function requestedApis(realm: Pick<RealmContext, 'apiOf'>, resource: unknown): readonly Api[] {
  const named: readonly unknown[] = Array.isArray(resource) ? resource : [resource];
  return named.flatMap((audience) => (typeof audience === 'string' ? (realm.apiOf(audience) ?? []) : []));
}

/**
 * The permissions of an API that both these roles and the client's ceiling allow; without roles, the ceiling alone.
 */
export function permittedFor(
  realm: Pick<RealmContext, 'view'>,
  api: Api,
  client: Client,
  roles: readonly string[] | undefined,
): ReadonlySet<string> {
  const everything = () => new Set(api.permissions.map(({ name }) => `${api.id}:${name}`));
  const ofRoles = roles === undefined ? everything() : realm.view.permissionsOfRoles(roles);
  return grantable(api, ofRoles, client.permissions);
}

/** The granted part of a requested scope. Throws `invalid_scope` for a scope that does not exist (RFC 6749 §5.2). */
export function scopeOrError(
  realm: Pick<RealmContext, 'permissionNames'>,
  api: Api,
  requested: string | undefined,
  permitted: ReadonlySet<string>,
  emptyMeansAll: boolean,
): readonly string[] {
  const known = realm.permissionNames;
  const decision = decideScope({ requested, oidcScopes: oidcScopeSet, api, known, permitted, emptyMeansAll });
  if ('unknown' in decision)
    throw new errors.InvalidScope('requested scope does not exist', decision.unknown);
  return decision.granted;
}

export function resourceServerOf(
  realm: Pick<RealmContext, 'profile'>,
  api: Api,
  client: Client,
): ResourceServer {
  const ttl = client.accessTokenTtl ?? api.tokens.ttl;
  return {
    scope: [...oidcScopes, ...api.permissions.map((permission) => permission.name)].join(' '),
    audience: api.audience,
    accessTokenFormat: api.tokens.format,
    ...(ttl === undefined ? {} : { accessTokenTTL: ttl }),
    jwt: { sign: { alg: api.tokens.alg ?? realm.profile.signingAlg } },
  };
}
