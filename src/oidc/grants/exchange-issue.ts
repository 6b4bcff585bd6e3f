/** The token that an exchange for another API gives, and the answer with it. */
import type { AccessToken, ClientCredentials, KoaContextWithOIDC } from 'oidc-provider';
import type { Actor } from '../../guest/record/guest-record.ts';
import type { Api, Client } from '../../registry/model/model.ts';
import { BY_EXCHANGE } from '../../tokens/record.ts';
import { setExchangeMembers } from '../library/internals.ts';
import type { RealmContext } from '../realm/realm-context.ts';
import { accountOf } from '../tokens/account.ts';
import { resourceServerOf } from '../tokens/resources.ts';
import { type ExchangeSubject, sessionOf } from './exchange-subject.ts';
import { type Binding, bind } from './sender-binding.ts';

export type ExchangeOrder = {
  /** The exchanging client, to which the token is issued. */
  readonly client: Client;
  readonly subject: ExchangeSubject;
  readonly api: Api;
  readonly scopes: readonly string[];
  readonly act: Actor | undefined;
  readonly binding: Binding;
  /** Seconds since the epoch. */
  readonly times: { readonly iat: number; readonly exp: number };
};

/** Saves the token and returns its value and how it is to be shown (RFC 6749 §5.1 `token_type`). */
export async function issueExchanged(
  realm: RealmContext,
  ctx: KoaContextWithOIDC,
  order: ExchangeOrder,
): Promise<{ readonly value: string; readonly tokenType: string }> {
  const { api, client, binding, subject } = order;
  const token = tokenOf(realm, ctx, order);
  token.resourceServer = new ctx.oidc.provider.ResourceServer(
    api.audience,
    resourceServerOf(realm, api, client),
  );
  bind(token, binding);
  setExchangeMembers(token, membersOf(subject));
  const value = await token.save();
  return { value, tokenType: token.tokenType };
}

function membersOf({ under, owner }: ExchangeSubject) {
  return { under, ...('service' in owner ? { subject: owner.service.id } : {}) };
}

/** A token about a person is of the person's session and grant, as far as the subject token is. */
function tokenOf(
  realm: RealmContext,
  ctx: KoaContextWithOIDC,
  { subject: { record, owner }, scopes, act, times }: ExchangeOrder,
): AccessToken | ClientCredentials {
  const { provider, client } = ctx.oidc;
  if (client === undefined) throw new Error('the token endpoint has no client');
  const actor = act === undefined ? {} : { act };
  const common = { client, scope: scopes.join(' '), ...times };
  if ('service' in owner) {
    const { roles } = owner.service;
    return new provider.ClientCredentials({ ...common, extra: { realm: realm.name, roles, ...actor } });
  }
  const { id: accountId, username, roles } = owner.user;
  ctx.oidc.entity('Account', accountOf(realm, ctx, owner.user));
  const token = new provider.AccessToken({
    ...common,
    accountId,
    grantId: record.grantId ?? '',
    gty: BY_EXCHANGE,
    sessionUid: sessionOf(record),
    extra: { realm: realm.name, username, roles, ...actor },
  });
  ctx.oidc.entity('AccessToken', token);
  return token;
}
