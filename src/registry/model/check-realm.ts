/**
 * Checks of a realm that a schema cannot express: names that are used exist, names are unique, settings fit together.
 * Pure. Realm files and the admin API share them.
 */
import { adminApi, apisOf, permissionsOf } from './built-in-api.ts';
import type { Api, Policy, RealmSettings, Role, User } from './model.ts';
import { problemOfPublicKey } from './public-keys.ts';

/** OIDC Core §5.4 and §11. */
const oidcScopes: readonly string[] = ['openid', 'profile', 'email', 'address', 'phone', 'offline_access'];

/** One fault: where it is (path from the checked value), and the names that would be right. */
export type Problem = {
  readonly path: readonly (string | number)[];
  readonly message: string;
  /** The unknown name, of what, and the known ones, for a suggestion. */
  readonly unknown?: { readonly what: string; readonly given: string; readonly known: Iterable<string> };
};

/** Problems of a realm's own settings, paths from the settings. */
export function checkSettings(settings: RealmSettings): Problem[] {
  const permissions = permissionsOf(settings);
  return [
    ...checkApis(settings),
    ...checkRoles(settings.roles, permissions),
    ...repeated(
      settings.policies.map(({ kind, name }) => `${kind} ${name}`),
      (index) => ['policies', index, 'name'],
      'policy',
    ),
    ...settings.policies.flatMap((policy, index) => [
      ...checkPolicyApi(settings, policy, index),
      ...checkPolicy(policy, index),
    ]),
    ...unknownNames('permission', settings.registration?.permissions ?? [], permissions, [
      'registration',
      'permissions',
    ]),
    ...checkClaims(settings),
    ...checkOptions(settings),
  ];
}

/** A claim that a token or an answer has anyway would be taken for what it is not (RFC 7519 §4.1, OIDC Core §5.1). */
function checkClaims({ claims }: RealmSettings): Problem[] {
  const names = claims.map(({ name }) => name);
  const taken = names.flatMap((name, index) =>
    takenClaims.has(name)
      ? [
          {
            path: ['claims', index, 'name'],
            message: `"${name}" has a meaning of its own: choose another name`,
          },
        ]
      : [],
  );
  return [...repeated(names, (index) => ['claims', index, 'name'], 'claim'), ...taken];
}

const takenClaims: ReadonlySet<string> = new Set(
  `iss sub aud exp nbf iat jti azp nonce auth_time acr amr sid typ at_hash c_hash s_hash cnf act may_act scope client_id
  active token_type username roles realm realm_access resource_access session_state events sub_id
  authorization_details claims _claim_names _claim_sources name given_name family_name middle_name nickname
  preferred_username profile picture website email email_verified gender birthdate zoneinfo locale phone_number
  phone_number_verified address updated_at`.split(/\s+/),
);

/** The guest's own values are filled in by the server, and only rows lie in resources. */
function checkPolicy({ kind, parameters, resources }: Policy, index: number): Problem[] {
  const path = ['policies', index];
  const claimed = parameters.flatMap((name, at) =>
    name.startsWith('subject.')
      ? [{ path: [...path, 'parameters', at], message: 'is filled in by the server: leave it out' }]
      : [],
  );
  if (resources === undefined || kind === 'row') return claimed;
  return [...claimed, { path: [...path, 'resources'], message: 'is for row policies alone' }];
}

function checkPolicyApi({ apis }: RealmSettings, { kind, api }: Policy, index: number): Problem[] {
  const path = ['policies', index, 'api'];
  if (api === undefined) return [];
  if (kind === 'row') return [{ path, message: 'a row policy limits every resource, whichever API has it' }];
  const known = apis.map(({ id }) => id);
  return unknownNames('API', [api], known, path).map((problem) => ({ ...problem, path }));
}

/** Problems of one user, paths from the user. */
export function checkUser(settings: RealmSettings, user: Omit<User, 'id'>): Problem[] {
  const roles = settings.roles.map(({ name }) => name);
  const problems = unknownNames('role', user.roles, roles, ['roles']);
  if (user.password !== undefined && user.passwordHash !== undefined) {
    problems.push({ path: ['passwordHash'], message: 'either a password or its hash, not both' });
  }
  return problems;
}

/** One problem for each name that stands earlier in the list too. `undefined` entries are skipped. */
export function repeated(
  names: readonly (string | undefined)[],
  pathOf: (index: number) => readonly (string | number)[],
  what: string,
): Problem[] {
  const seen = new Set<string>();
  return names.flatMap((name, index) => {
    if (name === undefined) return [];
    const isNew = !seen.has(name);
    seen.add(name);
    return isNew ? [] : [{ path: pathOf(index), message: `${what} "${name}" is there twice` }];
  });
}

/** One problem for each name that is not among the known ones. */
export function unknownNames(
  what: string,
  names: readonly string[],
  known: Iterable<string>,
  path: readonly (string | number)[],
): Problem[] {
  if (names.length === 0) return [];
  const all = known instanceof Set ? known : new Set(known);
  return names.flatMap((given, index) =>
    all.has(given)
      ? []
      : [
          {
            path: [...path, index],
            message: `there is no ${what} "${given}"`,
            unknown: { what, given, known },
          },
        ],
  );
}

function checkApis({ apis }: RealmSettings): Problem[] {
  const problems = [
    ...repeated(
      apis.map(({ id }) => id),
      (index) => ['apis', index, 'id'],
      'API',
    ),
    ...repeated(
      apis.map(({ audience }) => audience),
      (index) => ['apis', index, 'audience'],
      'audience',
    ),
    ...checkDefaultApi(apis),
  ];
  apis.forEach((api, index) => {
    if (api.id === adminApi.id || api.audience === adminApi.audience) {
      problems.push({
        path: ['apis', index, 'id'],
        message: `API "${api.id}" is built in and cannot be defined`,
      });
    }
    if (api.audience.includes('#')) {
      // RFC 8707 §2: a resource indicator has no fragment.
      problems.push({ path: ['apis', index, 'audience'], message: 'an audience has no fragment' });
    }
    problems.push(
      ...checkKeys(api, index),
      ...checkPermissionNames(api).map(({ path, message }) => ({
        path: ['apis', index, 'permissions', ...path],
        message,
      })),
    );
  });
  return problems;
}

function checkKeys({ jwks }: Api, at: number): Problem[] {
  return (jwks?.keys ?? []).flatMap((key, index) => {
    const message = problemOfPublicKey(key);
    return message === undefined ? [] : [{ path: ['apis', at, 'jwks', 'keys', index], message }];
  });
}

/** OIDC scopes are granted to everybody who asks, so a permission with such a name would protect nothing. */
function checkPermissionNames({ permissions }: Api): Problem[] {
  const names = permissions.map(({ name }) => name);
  const reserved = names.flatMap((name, at) =>
    oidcScopes.includes(name)
      ? [{ path: [at, 'name'], message: `"${name}" is a scope of OpenID Connect` }]
      : [],
  );
  return [...repeated(names, (at) => [at, 'name'], 'permission'), ...reserved];
}

function checkDefaultApi(apis: RealmSettings['apis']): Problem[] {
  const defaults = apis.flatMap((api, index) => (api.default === true ? [index] : []));
  if (defaults.length === 0 && apis.length > 1) {
    return [{ path: ['apis'], message: 'of several APIs exactly one must be the default (default: true)' }];
  }
  return defaults
    .slice(1)
    .map((index) => ({ path: ['apis', index, 'default'], message: 'another API is the default already' }));
}

function checkRoles(roles: readonly Role[], permissions: ReadonlySet<string>): Problem[] {
  const names = roles.map(({ name }) => name);
  const byName = new Map(roles.map((role) => [role.name, role]));
  const known = new Set(names);
  return [
    ...repeated(names, (index) => ['roles', index, 'name'], 'role'),
    ...roles.flatMap((role, index) => [
      ...unknownNames('permission', role.permissions, permissions, ['roles', index, 'permissions']),
      ...unknownNames('role', role.includes, known, ['roles', index, 'includes']),
      ...checkCycle(byName, role, index),
    ]),
  ];
}

/** A role that includes itself, directly or through others: one problem for each role on the circle. */
function checkCycle(byName: ReadonlyMap<string, Role>, start: Role, index: number): Problem[] {
  const seen = new Set<string>();
  const open = [...start.includes];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (name === start.name) {
      const message = `role "${start.name}" includes itself, directly or through others`;
      return [{ path: ['roles', index, 'includes'], message }];
    }
    if (!seen.has(name)) open.push(...(byName.get(name)?.includes ?? []));
    seen.add(name);
  }
  return [];
}

function checkOptions(settings: RealmSettings): Problem[] {
  const problems: Problem[] = [];
  if (settings.badCredentialsStatus !== undefined && settings.profile !== 'keycloak') {
    problems.push({ path: ['badCredentialsStatus'], message: 'is only for profile: keycloak' });
  }
  if (settings.passwords.minLength > settings.passwords.maxLength) {
    problems.push({ path: ['passwords', 'minLength'], message: 'must not exceed maxLength' });
  }
  return problems;
}

/** Names of APIs that a client can be given, the built-in one included. */
export function apiIdsOf(settings: RealmSettings): readonly string[] {
  return apisOf(settings).map(({ id }) => id);
}
