/**
 * Decides scopes. Granted = requested ∩ permissions of the roles ∩ ceiling of the client. Pure. A permission is
 * written `api:permission` where its API does not follow from the context.
 */
import type { Api, Role } from './model.ts';

export type RoleIndex = {
  has(name: string): boolean;
  /** The named roles and the roles that they include. An unknown name is ignored. */
  expand(names: readonly string[]): ReadonlySet<string>;
  /** The permissions of these roles, as `api:permission`. */
  permissionsOf(names: readonly string[]): ReadonlySet<string>;
  /** Whether one of these roles, or a role that they include, gives this permission (`api:permission`). */
  permits(names: readonly string[], permission: string): boolean;
};

/** Follows each included role at most once, so that a circle ends. */
export function indexRoles(roles: readonly Role[]): RoleIndex {
  const byName = new Map(roles.map((role) => [role.name, role]));

  function expand(names: readonly string[]): ReadonlySet<string> {
    const found = new Set<string>();
    const open = [...names];
    for (let name = open.pop(); name !== undefined; name = open.pop()) {
      const role = byName.get(name);
      if (role === undefined || found.has(name)) continue;
      found.add(name);
      open.push(...role.includes);
    }
    return found;
  }

  function permissionsOf(names: readonly string[]): ReadonlySet<string> {
    return new Set([...expand(names)].flatMap((name) => byName.get(name)?.permissions ?? []));
  }

  // One set for each role, made when it is first asked for: introspection asks with every request.
  const byRole = new Map<string, ReadonlySet<string>>();
  function permissionsOfOne(name: string): ReadonlySet<string> {
    const known = byRole.get(name);
    if (known !== undefined) return known;
    const made = permissionsOf([name]);
    if (byName.has(name)) byRole.set(name, made);
    return made;
  }

  function permits(names: readonly string[], permission: string): boolean {
    return names.some((name) => permissionsOfOne(name).has(permission));
  }

  return { has: (name) => byName.has(name), expand, permissionsOf, permits };
}

/**
 * Names of the permissions of `api` that both the roles and the ceiling allow, in the order of the API. `ofRoles` and
 * `ceiling` hold `api:permission`. Without a ceiling the client has no limit of its own.
 */
export function grantable(
  api: Api,
  ofRoles: ReadonlySet<string>,
  ceiling: readonly string[] | undefined,
): ReadonlySet<string> {
  const names = api.permissions.map(({ name }) => name);
  return new Set(
    names.filter((name) => {
      const permission = `${api.id}:${name}`;
      return ofRoles.has(permission) && (ceiling === undefined || ceiling.includes(permission));
    }),
  );
}

export type ScopeRequest = {
  /** The `scope` parameter as sent: names separated by spaces (RFC 6749 §3.3); `undefined` when it was not. */
  readonly requested: string | undefined;
  /** Scopes that are no permissions; granted when asked for. */
  readonly oidcScopes: ReadonlySet<string>;
  /** The API that the token is for. */
  readonly api: Api;
  /** Every permission name of every API of the realm: what exists, granted or not. */
  readonly known: ReadonlySet<string>;
  /** The permissions that may be granted, from `grantable`. */
  readonly permitted: ReadonlySet<string>;
  /**
   * Whether a request that names no permission gets all permitted ones: `true` for the grants `password` and
   * `client_credentials`; at the authorization, device and CIBA endpoints only when `scope` is absent.
   */
  readonly emptyMeansAll: boolean;
};

/** The scope to grant, each name once, or the first name that does not exist (`invalid_scope`, RFC 6749 §5.2). */
export type ScopeDecision = { readonly granted: readonly string[] } | { readonly unknown: string };

/**
 * A permission that exists but is not permitted is left out; the answer says which scope was given (RFC 6749 §3.3).
 */
export function decideScope(request: ScopeRequest): ScopeDecision {
  const { oidcScopes, known, permitted } = request;
  const names = [...new Set(request.requested?.split(' ').filter((name) => name !== ''))];
  const unknown = names.find((name) => !oidcScopes.has(name) && !known.has(name));
  if (unknown !== undefined) return { unknown };

  const hasNoPermission = names.every((name) => oidcScopes.has(name));
  const wanted =
    hasNoPermission && request.emptyMeansAll
      ? [...names, ...request.api.permissions.map(({ name }) => name)]
      : names;
  return { granted: wanted.filter((name) => oidcScopes.has(name) || permitted.has(name)) };
}
