/**
 * From a login to a grant: what of a request this person can have with this client, and whether they are asked.
 */
import type { Grant, KoaContextWithOIDC } from 'oidc-provider';
import type { User } from '../registry/model.ts';
import type { DaypassAccount } from './claims.ts';
import { oidcScopes } from './claims.ts';
import { type Consent, type Consents, consentModeOf } from './consents.ts';
import type { RealmContext } from './realm-context.ts';
import { permittedFor } from './resources.ts';

const isOidc = (scope: string): boolean => oidcScopes.includes(scope);

/**
 * Adds to a grant what was requested: OIDC scopes and claims as they are, permissions as far as the user's roles and
 * the client's ceiling go. What cannot be granted is noted as rejected, or the question would be put for ever.
 */
export async function fillGrant(
  realm: RealmContext,
  grant: Grant,
  request: {
    user: User;
    clientId: string;
    scopes: Iterable<string>;
    resources: Iterable<string>;
    claims: Iterable<string>;
  },
): Promise<void> {
  const client = await realm.findClient(request.clientId);
  if (client === undefined) return;
  const scopes = [...request.scopes];
  const oidc = scopes.filter(isOidc);
  if (oidc.length > 0) grant.addOIDCScope(oidc.join(' '));
  const claims = [...request.claims];
  if (claims.length > 0) grant.addOIDCClaims(claims);
  for (const resource of request.resources) {
    const api = realm.apiOf(resource);
    if (api === undefined) continue;
    const permitted = permittedFor(realm, api, client, request.user.roles);
    const granted = scopes.filter((scope) => isOidc(scope) || permitted.has(scope));
    const refused = scopes.filter((scope) => !isOidc(scope) && !permitted.has(scope));
    if (granted.length > 0) grant.addResourceScope(resource, granted.join(' '));
    if (refused.length > 0) grant.rejectResourceScope(resource, refused.join(' '));
  }
}

/** The library's hook: the session's grant, extended without a question where none needs to be put. */
export function existingGrantLoader(realm: RealmContext, consents: Consents) {
  return async function loadExistingGrant(ctx: KoaContextWithOIDC): Promise<Grant | undefined> {
    const { client, account } = ctx.oidc;
    if (client === undefined || account === undefined) return undefined;
    const existing = await sessionsGrant(ctx, client.clientId);
    if (!(await mayAnswerAlone(realm, consents, ctx))) return existing;
    const owner = { accountId: account.accountId, clientId: client.clientId };
    const grant = existing ?? new ctx.oidc.provider.Grant(owner);
    const before = JSON.stringify(grant);
    await fillGrant(realm, grant, requestOf(ctx, (account as DaypassAccount).user, client.clientId));
    if (JSON.stringify(grant) !== before) await grant.save();
    return grant;
  };
}

async function sessionsGrant(ctx: KoaContextWithOIDC, clientId: string): Promise<Grant | undefined> {
  const { provider, result, session } = ctx.oidc;
  const id = result?.consent?.grantId ?? session?.grantIdFor(clientId);
  return id === undefined ? undefined : provider.Grant.find(id);
}

/** True when nobody need be asked: a first-party client, or one that was allowed all of this before. */
async function mayAnswerAlone(
  realm: RealmContext,
  consents: Consents,
  ctx: KoaContextWithOIDC,
): Promise<boolean> {
  const { client, account, prompts, params } = ctx.oidc;
  if (prompts.has('consent') || params?.['authorization_details'] !== undefined) return false;
  const registered = await realm.findClient(client?.clientId ?? '');
  if (registered === undefined || account === undefined) return false;
  switch (consentModeOf(registered)) {
    case 'none':
      return true;
    case 'always':
      return false;
    case 'once':
      return covers(await consents.find(account.accountId, registered.id), ctx);
  }
}

function requestOf(ctx: KoaContextWithOIDC, user: User, clientId: string) {
  return {
    user,
    clientId,
    scopes: ctx.oidc.requestParamScopes,
    resources: Object.keys(ctx.oidc.resourceServers ?? {}),
    claims: ctx.oidc.requestParamClaims,
  };
}

function covers(consent: Consent | undefined, ctx: KoaContextWithOIDC): boolean {
  if (consent === undefined) return false;
  const scopes = new Set(consent.scope.split(' '));
  const claims = new Set(consent.claims);
  const resources = Object.keys(ctx.oidc.resourceServers ?? {});
  return (
    [...ctx.oidc.requestParamScopes].every((scope) => scopes.has(scope)) &&
    [...ctx.oidc.requestParamClaims].every((claim) => claims.has(claim)) &&
    resources.every((resource) => resource in consent.resources)
  );
}
