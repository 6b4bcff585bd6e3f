/**
 * What a token may do now. Its scope was decided when it was issued; since then its roles may have lost permissions, or
 * the APIs. (A user or client that loses a role is cut, so the roles in the record are still held.) Pure: the view of
 * the realm is in memory, and costs no round trip.
 */
import type { Api } from '../registry/model/model.ts';
import type { RealmView } from '../registry/model/realm-view.ts';
import type { TokenRecord } from './record.ts';

export type Rights = Pick<RealmView, 'apisByAudience' | 'rolesPermit' | 'expandRoles'>;

/** The record with the scopes and roles that are left. `oidcScopes`: the scopes that are no permissions. */
export function withCurrentRights(
  record: TokenRecord,
  view: Rights,
  oidcScopes: ReadonlySet<string>,
): TokenRecord {
  const { scope, extra } = record;
  const roles = rolesOf(record);
  const apis = apisOf(record, view);
  const kept = scope
    ?.split(' ')
    .filter((name) => oidcScopes.has(name) || apis.some((api) => gives(view, roles, api, name)));
  const existing = view.expandRoles(roles);
  return {
    ...record,
    ...(kept === undefined ? {} : { scope: kept.join(' ') }),
    ...(extra === undefined
      ? {}
      : { extra: { ...extra, roles: roles.filter((role) => existing.has(role)) } }),
  };
}

/** Whether a token has this permission of the API that it is for, and its roles still give it. */
export function permits(record: TokenRecord, view: Rights, audience: string, permission: string): boolean {
  const api = view.apisByAudience.get(audience);
  return (
    api !== undefined &&
    record.aud === audience &&
    record.scope?.split(' ').includes(permission) === true &&
    gives(view, rolesOf(record), api, permission)
  );
}

/** The roles of the user, or of the client without a user, when the token was issued. */
function rolesOf({ extra }: TokenRecord): readonly string[] {
  const roles = extra?.['roles'];
  return Array.isArray(roles) ? roles.filter((role) => typeof role === 'string') : [];
}

/** An access token is for one API; a refresh token may be for several (RFC 8707 §2). */
function apisOf({ aud, resource = [] }: TokenRecord, view: Rights): readonly Api[] {
  const audiences = [aud ?? [], resource].flat();
  return audiences.flatMap((audience) => view.apisByAudience.get(audience) ?? []);
}

function gives(view: Rights, roles: readonly string[], api: Api, name: string): boolean {
  return (
    api.permissions.some((permission) => permission.name === name) &&
    view.rolesPermit(roles, `${api.id}:${name}`)
  );
}
