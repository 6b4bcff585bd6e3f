/** From a login to a grant: what this person can give to this client, and whether they are asked. */
import type { Grant, KoaContextWithOIDC } from 'oidc-provider';
import type { Client, User } from '../../registry/model/model.ts';
import type { RealmContext } from '../realm/realm-context.ts';
import { type Consent, type Consents, consentModeOf } from '../records/consents.ts';
import type { DaypassAccount } from '../tokens/claims.ts';
import { oidcScopes } from '../tokens/claims.ts';
import { permittedFor } from '../tokens/resources.ts';

/** What a request wants from a person for a client. `resources` are audiences. */
export type Wanted = {
  readonly user: User;
  readonly client: Client;
  readonly scopes: Iterable<string>;
  readonly resources: Iterable<string>;
  readonly claims: Iterable<string>;
};

/**
 * The part of it that this person can give: permissions that both the user's roles and the client's ceiling allow.
 */
export type Grantable = {
  readonly oidcScopes: readonly string[];
  readonly claims: readonly string[];
  /** Permissions by audience. */
  readonly permissions: Readonly<Record<string, readonly string[]>>;
  /** Permissions that were asked for and cannot be given, by audience. */
  readonly refused: Readonly<Record<string, readonly string[]>>;
};

const isOidc = (scope: string): boolean => oidcScopes.includes(scope);

export function grantableOf(realm: Pick<RealmContext, 'view' | 'apiOf'>, wanted: Wanted): Grantable {
  const scopes = [...wanted.scopes];
  const permissions: Record<string, readonly string[]> = {};
  const refused: Record<string, readonly string[]> = {};
  for (const resource of wanted.resources) {
    const api = realm.apiOf(resource);
    if (api === undefined) continue;
    const permitted = permittedFor(realm, api, wanted.client, wanted.user.roles);
    permissions[resource] = scopes.filter((scope) => !isOidc(scope) && permitted.has(scope));
    refused[resource] = scopes.filter((scope) => !isOidc(scope) && !permitted.has(scope));
  }
  return { oidcScopes: scopes.filter(isOidc), claims: [...wanted.claims], permissions, refused };
}

/** Adds to a grant everything that can be given, and notes the rest as refused. */
export function fillGrant(grant: Grant, grantable: Grantable): void {
  const { oidcScopes: oidc, claims, permissions } = grantable;
  if (oidc.length > 0) grant.addOIDCScope(oidc.join(' '));
  if (claims.length > 0) grant.addOIDCClaims([...claims]);
  for (const [resource, names] of Object.entries(permissions)) {
    const granted = [...oidc, ...names];
    if (granted.length > 0) grant.addResourceScope(resource, granted.join(' '));
  }
  noteRefused(grant, grantable);
}

/**
 * What cannot be granted is noted as rejected, because the library would ask for it again and again. It is decided
 * anew each time, so a role that was added since the last login counts.
 */
function noteRefused(grant: Grant, { refused }: Grantable): void {
  for (const [resource, names] of Object.entries(refused)) {
    Reflect.deleteProperty(grant.rejected?.resources ?? {}, resource);
    if (names.length > 0) grant.rejectResourceScope(resource, names.join(' '));
  }
}

/** The library's hook: the session's grant, extended without a question where nobody needs to be asked. */
export function existingGrantLoader(
  realm: Pick<RealmContext, 'view' | 'apiOf' | 'findClient'>,
  consents: Consents,
) {
  return async function loadExistingGrant(ctx: KoaContextWithOIDC): Promise<Grant | undefined> {
    const wanted = await wantedBy(realm, ctx);
    if (wanted === undefined) return undefined;
    const { client, user } = wanted;
    const existing = await sessionsGrant(ctx, client.id);
    const grantable = grantableOf(realm, wanted);
    const isAsked = !(await mayAnswerAlone(consents, ctx, { ...wanted, grantable }));
    if (isAsked && existing === undefined) return undefined;
    const grant = existing ?? new ctx.oidc.provider.Grant({ accountId: user.id, clientId: client.id });
    const before = JSON.stringify(grant);
    if (isAsked) noteRefused(grant, grantable);
    else fillGrant(grant, grantable);
    if (JSON.stringify(grant) !== before) await grant.save();
    return grant;
  };
}

async function wantedBy(
  realm: Pick<RealmContext, 'findClient'>,
  ctx: KoaContextWithOIDC,
): Promise<Wanted | undefined> {
  const client = await realm.findClient(ctx.oidc.client?.clientId ?? '');
  const account = ctx.oidc.account as DaypassAccount | undefined;
  if (client === undefined || account === undefined) return undefined;
  return {
    user: account.user,
    client,
    scopes: ctx.oidc.requestParamScopes,
    resources: Object.keys(ctx.oidc.resourceServers ?? {}),
    claims: ctx.oidc.requestParamClaims,
  };
}

async function sessionsGrant(ctx: KoaContextWithOIDC, clientId: string): Promise<Grant | undefined> {
  const { provider, result, session } = ctx.oidc;
  const id = result?.consent?.grantId ?? session?.grantIdFor(clientId);
  return id === undefined ? undefined : provider.Grant.find(id);
}

type Asked = Pick<Wanted, 'user' | 'client'> & { readonly grantable: Grantable };

/** True when the person need not be asked: for a first-party client, or one that was allowed all of this before. */
async function mayAnswerAlone(
  consents: Consents,
  ctx: KoaContextWithOIDC,
  { user, client, grantable }: Asked,
): Promise<boolean> {
  const { prompts, params } = ctx.oidc;
  if (prompts.has('consent') || params?.['authorization_details'] !== undefined) return false;
  switch (consentModeOf(client)) {
    case 'none':
      return true;
    case 'always':
      return false;
    case 'once':
      return covers(await consents.find(user.id, client.id), grantable);
  }
}

/** A person has not agreed to what they never saw because they could not have given it then. */
function covers(consent: Consent | undefined, { oidcScopes: oidc, claims, permissions }: Grantable): boolean {
  if (consent === undefined) return false;
  const scopes = new Set(consent.scope.split(' '));
  const allowed = (resource: string) => new Set(consent.resources[resource]?.split(' '));
  return (
    oidc.every((scope) => scopes.has(scope)) &&
    claims.every((claim) => consent.claims.includes(claim)) &&
    Object.entries(permissions).every(
      ([resource, names]) =>
        resource in consent.resources && names.every((name) => allowed(resource).has(name)),
    )
  );
}

/** The consent that is remembered when a person allowed `grantable`, on top of what they allowed before. */
export function consentOf(
  before: Consent | undefined,
  clientId: string,
  { oidcScopes: oidc, claims, permissions }: Grantable,
): Pick<Consent, 'clientId' | 'scope' | 'resources' | 'claims'> {
  const resources: Record<string, string> = { ...before?.resources };
  for (const [resource, names] of Object.entries(permissions)) {
    resources[resource] = joined(resources[resource], names);
  }
  const scope = joined(before?.scope, [...oidc, ...Object.values(permissions).flat()]);
  return { clientId, scope, resources, claims: [...new Set([...(before?.claims ?? []), ...claims])] };
}

function joined(before: string | undefined, added: readonly string[]): string {
  return [...new Set([...(before?.split(' ') ?? []), ...added])].filter((word) => word !== '').join(' ');
}
