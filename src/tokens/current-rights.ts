/**
 * What a token may do now. Its scope was decided when it was issued; since then its roles may have lost permissions, or
 * the APIs. (A user or client that loses a role is cut, so the roles in the record are still held.) Pure: the view of
 * the realm is in memory, and costs no round trip.
 */
import type { Api } from '../registry/model/model.ts';
import type { RealmView } from '../registry/model/realm-view.ts';
import type { TokenRecord } from './record.ts';

export type Rights = Pick<RealmView, 'apisByAudience' | 'rolesPermit' | 'hasRole'>;

/**
 * The record with the scopes and roles that are left: as a rule all are, and it is the record itself. `oidcScopes`: the
 * scopes that are no permissions.
 */
export function withCurrentRights(
  record: TokenRecord,
  view: Rights,
  oidcScopes: ReadonlySet<string>,
): TokenRecord {
  const { scope, extra } = record;
  const roles = rolesOf(record);
  const apis = apisOf(record, view);
  const names = scope?.split(' ') ?? [];
  const isGiven = (name: string) => oidcScopes.has(name) || apis.some((api) => gives(view, roles, api, name));
  if (names.every(isGiven) && roles.every(view.hasRole)) return record;
  return {
    ...record,
    ...(scope === undefined ? {} : { scope: names.filter(isGiven).join(' ') }),
    ...(extra === undefined ? {} : { extra: { ...extra, roles: roles.filter(view.hasRole) } }),
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
  const roles: unknown = extra?.['roles'];
  return areTexts(roles) ? roles : [];
}

function areTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}

/** An access token is for one API; a refresh token may be for several (RFC 8707 §2). */
function apisOf({ aud, resource = [] }: TokenRecord, view: Rights): readonly Api[] {
  const audiences = resource.length === 0 && typeof aud === 'string' ? [aud] : [aud ?? [], resource].flat();
  return audiences.flatMap((audience) => view.apisByAudience.get(audience) ?? []);
}

function gives(view: Rights, roles: readonly string[], api: Api, name: string): boolean {
  return (
    api.permissions.some((permission) => permission.name === name) &&
    view.rolesPermit(roles, `${api.id}:${name}`)
  );
}
