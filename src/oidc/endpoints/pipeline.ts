/**
 * What surrounds the library's routes: before them the request's unit of work, after them the answers that are ours.
 * Only public parts of the library are used: middleware, the authenticated client, events.
 */
import type { Context, Middleware } from 'koa';
import { errors, type KoaContextWithOIDC, type Provider } from 'oidc-provider';
import { isTemporary } from '../../base/errors.ts';
import { BrokenOff } from '../../http/body.ts';
import { HUNG_UP } from '../../http/failures.ts';
import { stateOf } from '../../http/request-state.ts';
import { createUnitOfWork } from '../../storage/port/unit-of-work.ts';
import { limitAttempts } from '../client-auth/brute-force.ts';
import { internalMetadata } from '../clients/client-metadata.ts';
import { keepUsedClient } from '../clients/registration.ts';
import { crossOrigin } from '../http/cors.ts';
import { readBodies } from '../http/form.ts';
import { checkForms } from '../http/form-rules.ts';
import { protocolStateOf } from '../http/protocol-state.ts';
import { TooManyRequests } from '../library/errors.ts';
import { hasOidcContext } from '../library/has-oidc-context.ts';
import type { Refused } from '../profiles/profile.ts';
import { addressOf, paths } from '../realm/addresses.ts';
import type { RealmContext } from '../realm/realm-context.ts';
import type { UiPort } from '../realm/ui-port.ts';
import { redrawAutoPosts } from './auto-posts.ts';
import { guestHolder } from './guest-holder.ts';
import { answerIntrospection } from './introspect.ts';
import { noteAnswer } from './log-line.ts';
import { isLogoutByToken, routeLogoutByToken } from './logout-by-token.ts';
import { narrowRefreshScope } from './narrow-refresh.ts';
import { readdressPostedRequests } from './posted-requests.ts';
import { clientRoutes, rephrase } from './protocol-errors.ts';
import { answerPublicDocuments } from './public-documents.ts';
import { answerRefreshTokenLogout, answerRevocation } from './revoke.ts';
import { finishTokenRequest } from './token.ts';
import { answerUnmatched } from './unmatched.ts';

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
  'registration_create.error',
  'registration_read.error',
  'registration_update.error',
  'registration_delete.error',
  'end_session.error',
  'end_session_confirm.error',
  'code_verification.error',
  'device_resume.error',
];

export function mountPipeline(provider: Provider, realm: RealmContext, ui: UiPort): void {
  for (const event of errorEvents) {
    provider.on(event as 'server_error', (ctx: Context, error: unknown) => {
      protocolStateOf(ctx).thrown = error;
    });
  }
  // Errors of requests are answered below; what remains are callers that hang up.
  provider.on('error' as 'server_error', (error: unknown) =>
    realm.logger.debug({ realm: realm.name, err: error }, 'connection error'),
  );
  provider.use(answerFailures(realm));
  provider.use(crossOrigin(realm));
  provider.use(noteAnswers(realm));
  provider.use(forbidCaching);
  provider.use(answerUnmatched(realm));
  provider.use(answerPublicDocuments(realm));
  provider.use(withUnit(realm));
  provider.use(readBodies());
  provider.use(checkForms(realm));
  provider.use(limitAttempts({ realm, ui }));
  provider.use(guestHolder(realm));
  provider.use(routeLogoutByToken());
  provider.use(readdressPostedRequests(realm));
  provider.use(narrowRefreshScope(realm));
  provider.use(finishAnswers(realm, ui));
  provider.use(redrawAutoPosts(realm, ui));
}

/** An unexpected error is logged here, once; an unreachable store is a 503. */
function answerFailures(realm: Pick<RealmContext, 'name' | 'logger'>): Middleware {
  return async function answerFailure(ctx, next) {
    try {
      await next();
    } catch (error) {
      if (isTemporary(error)) return answerTemporary(ctx);
      if (error instanceof BrokenOff) return answerBrokenOff(realm, ctx);
      realm.logger.error({ realm: realm.name, err: error }, 'unexpected error');
      ctx.status = 500;
      ctx.body = { error: 'server_error' };
    }
  };
}

function answerBrokenOff({ name, logger }: Pick<RealmContext, 'name' | 'logger'>, ctx: Context): void {
  logger.debug({ realm: name }, 'the caller hung up');
  ctx.body = null;
  ctx.status = HUNG_UP;
}

function noteAnswers(realm: Pick<RealmContext, 'name' | 'events' | 'registry' | 'findClient'>): Middleware {
  return async function noteAnswerOfRequest(ctx, next) {
    stateOf(ctx.req).answeredBy = 'library';
    await next();
    noteAnswer(realm, ctx, protocolStateOf(ctx).thrown);
    const isIssued = hasOidcContext(ctx) && ctx.oidc.route === 'token' && ctx.status === 200;
    if (isIssued) await keepUsedClient(realm, ctx.oidc.client?.clientId ?? '');
  };
}

/** Token requests commit once, at the end; all others commit as they go. */
function withUnit(realm: Pick<RealmContext, 'store'>): Middleware {
  return function assignUnitOfWork(ctx, next) {
    protocolStateOf(ctx).unit = createUnitOfWork(realm.store, { deferred: ctx.path === paths.token });
    return next();
  };
}

/** RFC 6749 §5.1: both headers on answers with tokens, and on refusals too. */
const forbidCaching: Middleware = async function forbidCachingOfAnswers(ctx, next) {
  ctx.set('Cache-Control', 'no-store');
  if (addressOf(ctx.path)?.path === paths.token) ctx.set('Pragma', 'no-cache');
  await next();
};

function finishAnswers(realm: RealmContext, ui: UiPort): Middleware {
  return async function finishAnswer(ctx, next) {
    const state = protocolStateOf(ctx);
    await next().catch((error: unknown) => noteUnsaved(ctx, error));
    if (!hasOidcContext(ctx)) return;
    try {
      if (await finish(realm, ctx, state.thrown)) state.thrown = undefined;
    } catch (error) {
      answerRefused(ctx, error);
      state.thrown = error;
    }
    await explainError({ realm, ui }, ctx, state.thrown);
  };
}

/**
 * The library saves the session within its error handling and, if that fails, once more outside of it. A second
 * refusal was answered already; only an outage may be new.
 */
function noteUnsaved(ctx: Context, error: unknown): void {
  const state = protocolStateOf(ctx);
  const isAnswered = state.thrown !== undefined && error instanceof errors.OIDCProviderError;
  if (!hasOidcContext(ctx) || !(isAnswered || isTemporary(error))) throw error;
  state.thrown = error;
}

/** True when our answer replaced the library's, a refusal (of a JWT) included. */
async function finish(
  realm: RealmContext,
  ctx: Context & KoaContextWithOIDC,
  error: unknown,
): Promise<boolean> {
  const { route } = ctx.oidc;
  if (route === 'token') await finishTokenRequest(realm, ctx);
  if (route === 'client') hideInternals(ctx);
  if ((route !== 'introspection' && route !== 'revocation') || !isAuthenticated(ctx, error)) return false;
  if (route === 'introspection') await answerIntrospection(realm, ctx);
  else if (isLogoutByToken(ctx)) await answerRefreshTokenLogout(realm, ctx);
  else await answerRevocation(realm, ctx);
  return true;
}

/** What an operator decided about a registered client is not part of the client's metadata (RFC 7592 §3). */
function hideInternals(ctx: Context): void {
  const { body } = ctx;
  if (typeof body !== 'object' || body === null) return;
  for (const name of internalMetadata) Reflect.deleteProperty(body, name);
}

/** The library refuses JWTs only after it has authenticated the client. */
function isAuthenticated(ctx: Context & KoaContextWithOIDC, error: unknown): boolean {
  if (ctx.oidc.client === undefined) return false;
  const isRefusedJwt = error instanceof errors.OIDCProviderError && error.error === 'unsupported_token_type';
  return ctx.status === 200 || isRefusedJwt;
}

/**
 * RFC 6749 §5.2 for a commit that the store refused: another request was faster, or something was revoked meanwhile.
 */
function answerRefused(ctx: Context, error: unknown): void {
  if (!(error instanceof errors.OIDCProviderError)) throw error;
  ctx.status = error.statusCode;
  ctx.body = { error: error.error, error_description: error.error_description };
}

type Parts = { readonly realm: RealmContext; readonly ui: UiPort };

async function explainError(
  { realm, ui }: Parts,
  ctx: Context & KoaContextWithOIDC,
  error: unknown,
): Promise<void> {
  if (isTemporary(error)) {
    const isPage = ctx.body === undefined ? ctx.accepts('json', 'html') === 'html' : ctx.response.is('html');
    answerTemporary(ctx);
    if (isPage) ui.error(ctx, realm, { error: 'temporarily_unavailable' });
  } else if (error instanceof errors.OIDCProviderError) {
    await phrase(realm, ctx, error);
  } else if (error instanceof Error) {
    realm.logger.error({ realm: realm.name, route: ctx.oidc.route, err: error }, 'unexpected error');
    const isPage = ctx.response.is('html') === 'html' && !clientRoutes.has(ctx.oidc.route);
    if (!isPage) ctx.body = { error: 'server_error' };
  }
}

/** The library looks at `Accept`, and would answer a program with a page. */
async function phrase(
  realm: Pick<RealmContext, 'name' | 'issuer' | 'profile' | 'keys'>,
  ctx: Context & KoaContextWithOIDC,
  error: errors.OIDCProviderError,
): Promise<void> {
  if (ctx.oidc.route === 'userinfo') realm.profile.errors.shapeUserinfo(ctx, realm.name, error);
  if (error instanceof TooManyRequests) ctx.set({ ...error.fields });
  if (!clientRoutes.has(ctx.oidc.route)) return;
  const words = await rephrase(realm, ctx, error);
  if (words !== undefined) refuse(realm, ctx, words);
  else if (ctx.response.is('html')) {
    ctx.body = { error: error.error, error_description: error.error_description };
  }
}

function refuse(realm: Pick<RealmContext, 'issuer'>, ctx: Context, words: Refused): void {
  ctx.status = words.status;
  ctx.body = { error: words.error, error_description: words.description };
  if (words.status === 401 && ctx.get('Authorization') !== '') {
    ctx.set('WWW-Authenticate', `Basic realm="${realm.issuer}", error="${words.error}"`);
  }
}

/** RFC 6749 §5.2 leaves 503 to HTTP. */
function answerTemporary(ctx: Context): void {
  const isHtml = ctx.response.is('html');
  ctx.status = 503;
  ctx.set('Retry-After', String(UNAVAILABLE_RETRY_SECONDS));
  if (isHtml === false || isHtml === null) {
    ctx.body = { error: 'temporarily_unavailable', error_description: 'the service is busy, try again' };
  }
}
