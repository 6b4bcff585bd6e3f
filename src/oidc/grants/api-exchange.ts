/**
 * Ordinary token exchange (RFC 8693): an access token of a user or a service becomes one for another API of the realm,
 * for a client whose `exchanges` names that API. The new token never gets further than its subject may go now, lives no
 * longer than the subject token, and dies with it.
 */
import { errors, type KoaContextWithOIDC } from 'oidc-provider';
import { epochSeconds } from '../../base/clock.ts';
import type { Actor } from '../../guest/record/guest-record.ts';
import type { Api, Client } from '../../registry/model/model.ts';
import type { Possession } from '../../tokens/usable.ts';
import { formOf } from '../http/form.ts';
import type { RealmContext } from '../realm/realm-context.ts';
import { oidcScopeSet } from '../tokens/claims.ts';
import { actorOf } from './actor-token.ts';
import { actingClient, heldActor } from './exchange-actor.ts';
import { given } from './exchange-form.ts';
import { issueExchanged } from './exchange-issue.ts';
import { readApiExchange } from './exchange-request.ts';
import { exchangeable, exchangedScope } from './exchange-scope.ts';
import { type ExchangeSubject, exchangeSubject, mayUse } from './exchange-subject.ts';
import { possessionOf } from './possession.ts';
import { senderBinding } from './sender-binding.ts';

/** Whether a request of this client asks for a token for an API: a guest token is asked for by its details. */
export function asksForApi({ exchanges = [] }: Client, form: URLSearchParams): boolean {
  return exchanges.length > 0 && !given(form).has('authorization_details');
}

/** Answers RFC 8693 §2.2.1, or throws the error that the token endpoint answers. */
export async function exchangeForApi(
  realm: RealmContext,
  ctx: KoaContextWithOIDC,
  client: Client,
): Promise<void> {
  const form = given(formOf(ctx));
  const request = await readApiExchange(realm, client, form);
  const proven = await possessionOf(realm, ctx);
  const binding = senderBinding(realm, ctx, proven.jkt);
  const subject = await exchangeSubject(realm, ctx, { value: request.subjectToken, client, proven });
  const scopes = scopesOf(realm, client, subject, request);
  const act = await actorFor(realm, client, { form, proven, subject });
  const times = timesOf(realm, client, request.api, subject);
  const order = { client, subject, api: request.api, scopes, act, binding, times };
  const { value, tokenType } = await issueExchanged(realm, ctx, order);
  ctx.body = {
    access_token: value,
    issued_token_type: request.issuedType,
    token_type: tokenType,
    expires_in: times.exp - times.iat,
    scope: scopes.join(' '),
  };
}

/**
 * RFC 6749 §5.2: `invalid_scope` for a scope that does not exist, and where nothing of what was named is left.
 * `invalid_target` where there is nothing at this API to ask for.
 */
function scopesOf(
  realm: Pick<RealmContext, 'view' | 'permissionNames'>,
  client: Client,
  { record, owner, agreed }: ExchangeSubject,
  { api, scope: requested }: { readonly api: Api; readonly scope: string | undefined },
): readonly string[] {
  const [roles, ceilings] =
    'user' in owner ? [owner.user.roles, []] : [owner.service.roles, [owner.service.permissions]];
  const isSameApi = record.aud === api.audience;
  const permitted = exchangeable({
    api,
    ofRoles: realm.view.permissionsOfRoles(roles),
    ceilings: [client.permissions, ...ceilings],
    within: [agreed?.(api.audience), isSameApi ? new Set(record.scope?.split(' ')) : undefined],
  });
  const known = realm.permissionNames;
  const asked = { requested, api, permitted, known, oidcScopes: oidcScopeSet, held: record.scope };
  const decision = exchangedScope(asked);
  if ('unknown' in decision)
    throw new errors.InvalidScope('requested scope does not exist', decision.unknown);
  const isWithoutPermissions = api.permissions.length === 0 && agreed === undefined;
  if (permitted.size === 0 && !isWithoutPermissions)
    throw new errors.InvalidTarget('the subject may do nothing at this API through this client');
  const isEmpty = !decision.granted.some((name) => permitted.has(name));
  if (isEmpty && !isWithoutPermissions)
    throw new errors.InvalidScope('nothing of the requested scope can be granted', requested ?? '');
  return decision.granted;
}

type Acting = {
  readonly form: URLSearchParams;
  readonly proven: Possession;
  readonly subject: ExchangeSubject;
};

/** An actor token says who acts; without one it is the client. */
async function actorFor(
  realm: RealmContext,
  client: Client,
  { form, proven, subject: { record } }: Acting,
): Promise<Actor | undefined> {
  if (!form.has('actor_token') && !form.has('actor_token_type')) return actingClient(client.id, record);
  const asking = {
    clientId: client.id,
    mayUse: (actor: typeof record) => mayUse(realm, client, actor),
    form,
    proven,
  };
  return actorOf(realm, asking, heldActor(record));
}

/** A life as long as the API's tokens have, at most the client's, and never beyond the subject token. */
function timesOf(
  realm: Pick<RealmContext, 'view' | 'clock'>,
  { accessTokenTtl }: Client,
  { tokens }: Api,
  { record }: ExchangeSubject,
): { readonly iat: number; readonly exp: number } {
  const iat = epochSeconds(realm.clock);
  const ofApi = tokens.ttl ?? realm.view.lifetimes.accessToken;
  return { iat, exp: Math.min(iat + Math.min(ofApi, accessTokenTtl ?? ofApi), record.exp) };
}
