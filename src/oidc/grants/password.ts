/**
 * The password grant (RFC 6749 §4.3), for clients that have it in `grants`. RFC 9700 §2.4 advises against it: it is
 * off by default and no FAPI client can have it. One login is one session, so that it can be seen and ended.
 */
import {
  type AccessToken,
  errors,
  type Grant,
  type KoaContextWithOIDC,
  type Client as LibraryClient,
  type Provider,
} from 'oidc-provider';
import { authenticationContext } from '../../authn/authentication-context.ts';
import type { Proven, StepOutcome, Typed } from '../../authn/password-step.ts';
import { callerOf } from '../../http/caller.ts';
import { annotate } from '../../http/request-state.ts';
import { TooMany } from '../../limits/too-many.ts';
import type { Client } from '../../registry/model/model.ts';
import { unitOf } from '../http/protocol-state.ts';
import { fillGrant, grantableOf } from '../interaction/grant-builder.ts';
import { incompleteAccount, TooManyRequests } from '../library/errors.ts';
import { provenKey } from '../proofs/dpop.ts';
import type { RealmContext } from '../realm/realm-context.ts';
import { accountOf } from '../tokens/account.ts';
import type { DaypassAccount } from '../tokens/claims.ts';
import { permittedFor, resourceServerOf, scopeOrError } from '../tokens/resources.ts';
import { type Binding, bind, senderBinding } from './sender-binding.ts';

export const passwordGrant = {
  name: 'password',
  parameters: ['username', 'password', 'scope', 'resource'],
  mayRepeat: ['resource'],
  handler: (realm: RealmContext) => (ctx: KoaContextWithOIDC) => handlePassword(realm, ctx),
};

async function handlePassword(realm: RealmContext, ctx: KoaContextWithOIDC): Promise<void> {
  const caller = ctx.oidc.client;
  const client = await realm.findClient(caller?.clientId ?? '');
  if (caller === undefined || client === undefined || client.fapi === true) {
    throw new errors.UnauthorizedClient('not allowed');
  }
  const binding = senderBinding(realm, ctx, await provenKey(realm, ctx));
  const proven = await authenticate(realm, ctx);
  const account = accountOf(realm, ctx, proven.user);
  ctx.oidc.entity('Account', account);
  await issue(realm, ctx, { caller, client, account, binding, steps: proven.steps });
}

async function authenticate(
  realm: Pick<RealmContext, 'view' | 'profile' | 'authenticator'>,
  ctx: KoaContextWithOIDC,
): Promise<Proven> {
  const { username, password } = ctx.oidc.params ?? {};
  if (typeof username !== 'string') throw missing('username');
  if (typeof password !== 'string') throw missing('password');
  const outcome = await tryPassword(realm, ctx, { login: username, password });
  if (outcome.ok) {
    unitOf(ctx).noteRead(outcome.readAt);
    return outcome;
  }
  switch (outcome.reason) {
    case 'credentials':
      annotate(ctx.req, { wrong: 'password' });
      throw realm.profile.errors.badCredentials(realm.view.badCredentialsStatus);
    case 'disabled':
      throw realm.profile.errors.disabledAccount();
    case 'incomplete':
      throw incompleteAccount();
  }
}

/** A client with a credential of its own answers for its people: its network is nobody's in particular. */
async function tryPassword(
  { view, authenticator }: Pick<RealmContext, 'view' | 'authenticator'>,
  ctx: KoaContextWithOIDC,
  typed: Typed,
): Promise<StepOutcome> {
  const { client } = ctx.oidc;
  const origin = {
    ...callerOf(ctx.req, ctx.res),
    isStranger: client?.clientAuthMethod === 'none',
    client: client?.clientId,
  };
  try {
    return await authenticator.password(view, typed, origin);
  } catch (error) {
    if (!(error instanceof TooMany)) throw error;
    annotate(ctx.req, { wrong: 'password' });
    throw new TooManyRequests(error);
  }
}

function missing(parameter: string): Error {
  return new errors.InvalidRequest(`missing required parameter(s) '${parameter}'`);
}

type RefreshTokenFields = ConstructorParameters<Provider['RefreshToken']>[0];

type Login = {
  /** The client as the library has authenticated it, and as it is registered. */
  readonly caller: LibraryClient;
  readonly client: Client;
  readonly account: DaypassAccount;
  readonly binding: Binding;
  readonly steps: Proven['steps'];
};

async function issue(realm: RealmContext, ctx: KoaContextWithOIDC, login: Login): Promise<void> {
  const { provider } = ctx.oidc;
  const api = requestedApi(realm, ctx);
  const permitted = permittedFor(realm, api, login.client, login.account.user.roles);
  const requested = ctx.oidc.params?.['scope'];
  const granted = scopeOrError(
    realm,
    api,
    typeof requested === 'string' ? requested : undefined,
    permitted,
    true,
  );
  const scopes = granted.filter(
    (scope) => scope !== 'offline_access' || login.client.grants.includes('refresh_token'),
  );
  const grant = await startSession(realm, ctx, login, { scopes, resource: api.audience });

  const { session } = grant;
  const clientId = login.client.id;
  const common = {
    accountId: login.account.accountId,
    client: login.caller,
    grantId: grant.id,
    sessionUid: session.uid,
    sid: login.caller.includeSid() ? session.sidFor(clientId) : undefined,
    gty: 'password',
    scope: scopes.join(' '),
  };
  const accessToken = new provider.AccessToken(common);
  accessToken.resourceServer = new provider.ResourceServer(
    api.audience,
    resourceServerOf(realm, api, login.client),
  );
  bind(accessToken, login.binding);
  ctx.oidc.entity('AccessToken', accessToken);
  const value = await accessToken.save();
  ctx.body = {
    access_token: value,
    expires_in: accessToken.expiration,
    token_type: accessToken.tokenType,
    scope: scopes.join(' '),
    ...(await refreshToken(ctx, login, {
      ...common,
      ...boundTo(accessToken, login.client),
      resource: api.audience,
      authTime: session.loginTs,
    })),
    ...(await idToken(ctx, login.account, grant.grant, scopes, common.sid)),
  };
}

function requestedApi(realm: Pick<RealmContext, 'defaultApi' | 'apiOf'>, ctx: KoaContextWithOIDC) {
  const resource = ctx.oidc.params?.['resource'];
  if (resource === undefined) return realm.defaultApi;
  // RFC 8707 §2.2: one audience a token.
  const api = typeof resource === 'string' ? realm.apiOf(resource) : undefined;
  if (api === undefined) throw new errors.InvalidTarget();
  return api;
}

async function startSession(
  realm: Pick<RealmContext, 'view' | 'apiOf'>,
  ctx: KoaContextWithOIDC,
  login: Login,
  request: { readonly scopes: readonly string[]; readonly resource: string },
) {
  const { provider } = ctx.oidc;
  const session = new provider.Session();
  session.loginAccount({
    accountId: login.account.accountId,
    ...contextOf(realm, login),
  });
  session.ensureClientContainer(login.client.id);
  const grant: Grant = new provider.Grant({ accountId: login.account.accountId, clientId: login.client.id });
  const { scopes, resource } = request;
  const wanted = {
    user: login.account.user,
    client: login.client,
    scopes,
    resources: [resource],
    claims: [],
  };
  fillGrant(grant, grantableOf(realm, wanted));
  const id = await grant.save();
  session.grantIdFor(login.client.id, id);
  await session.save(realm.view.lifetimes.sessionIdle);
  ctx.oidc.entity('Session', session);
  ctx.oidc.entity('Grant', grant);
  return { session, grant, id };
}

/** The library's types want arrays that can change. */
function contextOf(realm: Pick<RealmContext, 'view'>, { steps }: Login) {
  const { acr, amr } = authenticationContext(realm.view.acrValues, steps);
  return { acr, amr: [...amr] };
}

async function refreshToken(ctx: KoaContextWithOIDC, login: Login, fields: RefreshTokenFields) {
  if (!login.client.grants.includes('refresh_token')) return {};
  const { provider } = ctx.oidc;
  const token = new provider.RefreshToken({ ...fields, rotations: 0 });
  ctx.oidc.entity('RefreshToken', token);
  return { refresh_token: await token.save() };
}

/** RFC 9449 §5, RFC 8705 §4: a public client has nothing else to prove that a refresh token is its own. */
function boundTo(accessToken: AccessToken, client: Client) {
  if (client.public !== true) return {};
  const { jkt, 'x5t#S256': thumbprint } = accessToken;
  return { jkt, 'x5t#S256': thumbprint };
}

async function idToken(
  ctx: KoaContextWithOIDC,
  account: DaypassAccount,
  grant: Grant,
  scopes: readonly string[],
  sid: string | undefined,
) {
  if (!scopes.includes('openid')) return {};
  const { provider } = ctx.oidc;
  const scope = grant.getOIDCScopeFiltered(new Set(scopes));
  const token = new provider.IdToken(await account.claims('id_token', scope, {}, []), { ctx });
  Object.assign(token, { scope });
  if (sid !== undefined) token.set('sid', sid);
  return { id_token: await token.issue({ use: 'idtoken' }) };
}
