/**
 * What stands around the library's routes: the request's unit of work before it, and after it the answers that are
 * ours. Only public places of the library are used: middleware, the authenticated client, events.
 */
import type { Context, Middleware, Next } from 'koa';
import { errors, type KoaContextWithOIDC, type Provider } from 'oidc-provider';
import { Failure } from '../../base/errors.ts';
import type { RealmContext } from '../realm-context.ts';
import type { Screens } from '../screens.ts';
import { createUnit } from '../unit.ts';
import { assignUnit } from '../unit-of-request.ts';
import { formOf, readForm, replaceForm } from './body.ts';
import { answerIntrospection } from './introspect.ts';
import { rephrase } from './protocol-errors.ts';
import { answerRefreshTokenLogout, answerRevocation } from './revoke.ts';
import { finishTokenRequest } from './token.ts';

const TOKEN_PATH = '/protocol/openid-connect/token';
const LOGOUT_PATH = '/protocol/openid-connect/logout';
const REVOKE_PATH = '/protocol/openid-connect/revoke';
const UNAVAILABLE_RETRY_SECONDS = 1;

const errorEvents = [
  'server_error',
  'grant.error',
  'authorization.error',
  'introspection.error',
  'revocation.error',
  'userinfo.error',
  'pushed_authorization_request.error',
  'device_authorization.error',
  'backchannel_authentication.error',
];

export function mountSeam(provider: Provider, realm: RealmContext, screens: Screens): void {
  const thrown = new WeakMap<object, unknown>();
  for (const event of errorEvents) {
    provider.on(event as 'server_error', (ctx: object, error: unknown) => thrown.set(ctx, error));
  }
  provider.use(withUnit(realm));
  provider.use(readForm());
  provider.use(checkGrantType());
  provider.use(refreshTokenLogout());
  provider.use(async function finishAnswer(ctx, next) {
    await next();
    if (!hasOidc(ctx)) return;
    await finish(realm, ctx).catch((error: unknown) => answerRefused(ctx, error));
    explainError(realm, ctx, screens, thrown.get(ctx));
  });
}

/** Token requests commit at the end, in one step; everything else as it goes. */
function withUnit(realm: RealmContext): Middleware {
  return function assignUnitOfWork(ctx, next) {
    assignUnit(ctx, createUnit(realm.store, { deferred: ctx.path === TOKEN_PATH }));
    return next();
  };
}

/** Before the client is even asked who it is, as Keycloak does and no RFC forbids. */
function checkGrantType(): Middleware {
  return function checkGrantTypePresence(ctx, next) {
    if (ctx.path !== TOKEN_PATH || ctx.method !== 'POST' || !ctx.is('application/x-www-form-urlencoded'))
      return next();
    if (formOf(ctx).has('grant_type')) return next();
    ctx.status = 400;
    ctx.set('Cache-Control', 'no-store');
    ctx.body = { error: 'invalid_request', error_description: 'Missing form parameter: grant_type' };
    return undefined;
  };
}

const loggedOutByToken = new WeakSet<object>();

/** `POST /logout` with a refresh token goes to the revocation route, which authenticates the client. */
function refreshTokenLogout(): Middleware {
  return function routeRefreshTokenLogout(ctx: Context, next: Next) {
    const form = formOf(ctx);
    const token = form.get('refresh_token');
    if (ctx.path !== LOGOUT_PATH || ctx.method !== 'POST' || token === null) return next();
    form.delete('refresh_token');
    form.set('token', token);
    replaceForm(ctx, form);
    ctx.path = REVOKE_PATH;
    loggedOutByToken.add(ctx);
    return next();
  };
}

function hasOidc(ctx: Context): ctx is Context & KoaContextWithOIDC {
  return 'oidc' in ctx && ctx['oidc'] !== undefined;
}

async function finish(realm: RealmContext, ctx: Context & KoaContextWithOIDC): Promise<void> {
  switch (ctx.oidc.route) {
    case 'token':
      return finishTokenRequest(realm, ctx);
    case 'introspection':
      return isAuthenticated(ctx) ? answerIntrospection(realm, ctx) : undefined;
    case 'revocation':
      if (!isAuthenticated(ctx)) return undefined;
      return loggedOutByToken.has(ctx) ? answerRefreshTokenLogout(realm, ctx) : answerRevocation(realm, ctx);
    default:
      return undefined;
  }
}

/** The library refuses JWTs only after it has authenticated the client. */
function isAuthenticated(ctx: Context & KoaContextWithOIDC): boolean {
  if (ctx.oidc.client === undefined) return false;
  const { body } = ctx;
  const isRefusedJwt =
    typeof body === 'object' && body !== null && 'error' in body && body.error === 'unsupported_token_type';
  return ctx.status === 200 || isRefusedJwt;
}

/** RFC 6749 §5.2 for what the store refused at the last moment: somebody else was faster, or it was just revoked. */
function answerRefused(ctx: Context, error: unknown): void {
  if (error instanceof errors.OIDCProviderError) {
    ctx.status = error.statusCode;
    ctx.body = { error: error.error, error_description: error.error_description };
  } else if (error instanceof Failure) {
    answerFailure(ctx, error);
  } else {
    throw error;
  }
}

function explainError(
  realm: RealmContext,
  ctx: Context & KoaContextWithOIDC,
  screens: Screens,
  error: unknown,
): void {
  if (error instanceof Failure) {
    answerFailure(ctx, error);
    if (ctx.response.is('html')) screens.error(ctx, realm, { error: 'temporarily_unavailable' });
  } else if (error instanceof errors.OIDCProviderError && ctx.oidc.route === 'token') {
    const words = rephrase(realm, ctx, error);
    if (words === undefined) return;
    ctx.status = words.status;
    ctx.body = { error: words.error, error_description: words.description };
  } else if (error instanceof Error && !(error instanceof errors.OIDCProviderError)) {
    realm.logger.error({ realm: realm.name, route: ctx.oidc.route, err: error }, 'unexpected error');
  }
}

/** Too many logins waiting, or no store: try again (RFC 6749 §5.2 leaves 503 to HTTP). */
function answerFailure(ctx: Context, failure: Failure): void {
  if (failure.code !== 'unavailable' && failure.code !== 'busy') throw failure;
  const isHtml = ctx.response.is('html');
  ctx.status = 503;
  ctx.set('Retry-After', String(UNAVAILABLE_RETRY_SECONDS));
  if (isHtml === false || isHtml === null) {
    ctx.body = { error: 'temporarily_unavailable', error_description: 'the service is busy, try again' };
  }
}
