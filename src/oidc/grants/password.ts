/**
 * The password grant (RFC 6749 §4.3), for clients that have it in `grants`. RFC 9700 §2.4 advises against it: it is
 * off by default and no FAPI client can have it. One login is one session, so that it can be seen and ended.
 */
import { errors, type Grant, type KoaContextWithOIDC, type Provider } from 'oidc-provider';
import type { Client, User } from '../../registry/model.ts';
import { accountOf } from '../account.ts';
import type { DaypassAccount } from '../claims.ts';
import { provenKey } from '../dpop.ts';
import { badCredentials, disabledAccount, incompleteAccount } from '../errors.ts';
import { fillGrant } from '../grants-of-login.ts';
import type { RealmContext } from '../realm-context.ts';
import { permittedFor, resourceServerOf, scopeOrError } from '../resources.ts';
import { unitOf } from '../unit-of-request.ts';

export const passwordGrant = {
  name: 'password',
  parameters: ['username', 'password', 'scope', 'resource'],
  mayRepeat: ['resource'],
  handler: (realm: RealmContext) => (ctx: KoaContextWithOIDC) => handlePassword(realm, ctx),
};

async function handlePassword(realm: RealmContext, ctx: KoaContextWithOIDC): Promise<void> {
  const client = await registeredClient(realm, ctx);
  const jkt = await provenKey(ctx);
  if (jkt === undefined && client.dpopBoundAccessTokens === true) {
    throw new errors.InvalidGrant('DPoP proof JWT not provided');
  }
  const user = await authenticate(realm, ctx);
  const account = accountOf(realm, ctx, user);
  ctx.oidc.entity('Account', account);
  await issue(realm, ctx, { client, account, jkt });
}

async function registeredClient(realm: RealmContext, ctx: KoaContextWithOIDC): Promise<Client> {
  const client = await realm.findClient(ctx.oidc.client?.clientId ?? '');
  if (client === undefined || client.fapi === true) throw new errors.UnauthorizedClient('not allowed');
  return client;
}

async function authenticate(realm: RealmContext, ctx: KoaContextWithOIDC): Promise<User> {
  const { username, password } = ctx.oidc.params ?? {};
  if (typeof username !== 'string' || typeof password !== 'string') {
    throw new errors.InvalidRequest("missing required parameter(s) 'username', 'password'");
  }
  const outcome = await realm.login.authenticate(realm.view, username, password);
  if (outcome.ok) {
    unitOf(ctx).noteRead(outcome.readAt);
    return outcome.user;
  }
  switch (outcome.reason) {
    case 'credentials':
      throw badCredentials(realm.view);
    case 'disabled':
      throw disabledAccount(realm.view);
    case 'incomplete':
      throw incompleteAccount();
  }
}

type RefreshTokenFields = ConstructorParameters<Provider['RefreshToken']>[0];

type Login = { readonly client: Client; readonly account: DaypassAccount; readonly jkt: string | undefined };

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
    client: ctx.oidc.client,
    grantId: grant.id,
    sessionUid: session.uid,
    sid: session.sidFor(clientId),
    gty: 'password',
    scope: scopes.join(' '),
  };
  const accessToken = new provider.AccessToken(common as ConstructorParameters<Provider['AccessToken']>[0]);
  accessToken.resourceServer = new provider.ResourceServer(api.audience, resourceServerOf(api, login.client));
  if (login.jkt !== undefined) accessToken.setThumbprint('jkt', login.jkt);
  ctx.oidc.entity('AccessToken', accessToken);
  const value = await accessToken.save();
  ctx.body = {
    access_token: value,
    expires_in: accessToken.expiration,
    token_type: accessToken.tokenType,
    scope: scopes.join(' '),
    ...(await refreshToken(ctx, login, { ...common, resource: api.audience, authTime: session.loginTs })),
    ...(await idToken(ctx, login.account, grant.grant, scopes, common.sid)),
  };
}

function requestedApi(realm: RealmContext, ctx: KoaContextWithOIDC) {
  const resource = ctx.oidc.params?.['resource'];
  if (resource === undefined) return realm.defaultApi;
  // RFC 8707 §2.2: one audience a token.
  const api = typeof resource === 'string' ? realm.apiOf(resource) : undefined;
  if (api === undefined) throw new errors.InvalidTarget();
  return api;
}

async function startSession(
  realm: RealmContext,
  ctx: KoaContextWithOIDC,
  login: Login,
  request: { readonly scopes: readonly string[]; readonly resource: string },
) {
  const { provider } = ctx.oidc;
  const session = new provider.Session();
  session.loginAccount({
    accountId: login.account.accountId,
    amr: ['pwd'],
    acr: realm.view.acrValues[0] ?? '1',
  });
  session.ensureClientContainer(login.client.id);
  const grant: Grant = new provider.Grant({ accountId: login.account.accountId, clientId: login.client.id });
  await fillGrant(realm, grant, {
    user: login.account.user,
    clientId: login.client.id,
    scopes: request.scopes,
    resources: [request.resource],
    claims: [],
  });
  const id = await grant.save();
  session.grantIdFor(login.client.id, id);
  await session.save(realm.view.lifetimes.sessionIdle);
  ctx.oidc.entity('Session', session);
  ctx.oidc.entity('Grant', grant);
  return { session, grant, id };
}

async function refreshToken(ctx: KoaContextWithOIDC, login: Login, fields: Record<string, unknown>) {
  if (!login.client.grants.includes('refresh_token')) return {};
  const { provider } = ctx.oidc;
  const token = new provider.RefreshToken({ ...fields, rotations: 0 } as unknown as RefreshTokenFields);
  if (login.jkt !== undefined && login.client.public === true) Object.assign(token, { jkt: login.jkt });
  ctx.oidc.entity('RefreshToken', token);
  return { refresh_token: await token.save() };
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
  if (ctx.oidc.client?.includeSid() === true) token.set('sid', sid);
  return { id_token: await token.issue({ use: 'idtoken' }) };
}
