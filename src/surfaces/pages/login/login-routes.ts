/** Login and consent: `GET` and `POST /login/{uid}`, within the flow that the library started. */
import type { Context } from 'koa';
import type { Typed } from '../../../authn/password-step.ts';
import { Failure, isFailure } from '../../../base/errors.ts';
import { callerOf } from '../../../http/caller.ts';
import { sameOrigin } from '../../../http/csrf.ts';
import { annotate } from '../../../http/request-state.ts';
import type { Route, Routed } from '../../../http/routes.ts';
import { TooMany } from '../../../limits/too-many.ts';
import type { Exchange, Question } from '../../../oidc/interaction/interactions.ts';
import type { RealmProvider } from '../../../oidc/provider/provider.ts';
import type { RealmRequest } from '../../../oidc/provider/realm-router.ts';
import { ACCOUNT_CLIENT } from '../../../oidc/realm/internal-clients.ts';
import { csrfOf, pageContext, publicOrigin, sendPage } from '../ui/context.ts';
import { readForm } from '../ui/form.ts';
import {
  consentPage,
  type Form,
  type LoginError,
  loginPage,
  type PasswordProblem,
  passwordPage,
} from '../ui/render.ts';
import { consentData } from './consent-data.ts';

type Fields = ReadonlyMap<string, string>;

/** One page of one flow: the parts that the functions below share. */
type LoginPage = {
  readonly ctx: Context;
  readonly provider: RealmProvider;
  readonly question: Question;
  readonly exchange: Exchange;
  readonly address: string;
};

type LoginRequest = Routed<RealmRequest>;

const one = { path: '/login/:uid', who: 'person', params: { uid: /^[\w-]{10,64}$/ } } as const;
const cancel = `${one.path}/cancel`;

export const loginRoutes: readonly Route<LoginRequest>[] = [
  { method: 'GET', ...one, handler: async (request) => show(await pageOf(request)) },
  { method: 'POST', ...one, handler: async (request) => answer(await pageOf(request), false) },
  // Where a cancellation was refused, the page is shown at its address, and may be loaded again.
  { method: 'GET', ...one, path: cancel, handler: async (request) => show(await pageOf(request)) },
  { method: 'POST', ...one, path: cancel, handler: async (request) => answer(await pageOf(request), true) },
];

async function pageOf({ ctx, provider, params }: LoginRequest): Promise<LoginPage> {
  const exchange = { request: ctx.req, response: ctx.res };
  const question = await provider.interactions.question(exchange);
  if (question.uid !== params['uid']) throw new Failure('not_found', 'this sign-in has expired');
  annotate(ctx.req, { client: question.client.id });
  const address = `${new URL(provider.realm.issuer).pathname}/login/${question.uid}`;
  return { ctx, provider, question, exchange, address };
}

function show(page: LoginPage): Promise<void> {
  return page.question.prompt === 'consent' ? showConsent(page) : showLogin(page, {});
}

type LoginState = { readonly error?: LoginError; readonly username?: string; readonly remembered?: boolean };

async function showLogin(page: LoginPage, state: LoginState): Promise<void> {
  const { question, provider, address } = page;
  const hint = state.username ?? question.params['login_hint'];
  const html = loginPage(contextOf(page), {
    ...formOf(page),
    loginHint: typeof hint === 'string' ? hint : undefined,
    error: state.error,
    rememberMe: provider.realm.view.login.rememberMe,
    remembered: state.remembered ?? false,
    ...clientOf(question),
    cancelAction: `${address}/cancel`,
  });
  if (state.error === 'busy') page.ctx.set('Retry-After', '1');
  send(page, html, statusOf(state.error));
}

/** The account page signs people in by an internal client, whose name is not shown. */
function clientOf({ client }: Question) {
  return client.id === ACCOUNT_CLIENT
    ? {}
    : {
        clientName: client.clientName ?? client.id,
        clientLogo: client.logoUri,
        clientPolicy: client.policyUri,
        clientTos: client.tosUri,
      };
}

async function showConsent(page: LoginPage, status = 200): Promise<void> {
  const { provider, question } = page;
  const { realm } = provider;
  const user = await realm.registry.findUser(realm.name, question.accountId ?? '');
  if (user === undefined) throw new Failure('not_found', 'this sign-in has expired');
  send(
    page,
    consentPage(contextOf(page), { ...formOf(page), ...consentData(realm, question, user) }),
    status,
  );
}

function showPassword(page: LoginPage, username: string, problems: readonly PasswordProblem[]): void {
  const { minLength } = page.provider.realm.view.passwords;
  const html = passwordPage(contextOf(page), { ...formOf(page), username, minLength, problems });
  send(page, html, problems.length > 0 ? 400 : 200);
}

function formOf({ provider, question, address }: LoginPage): Form {
  return { action: address, csrf: csrfOf(provider.realm).token(question.uid, 'login') };
}

function contextOf({ provider, ctx, question, address }: LoginPage) {
  return pageContext(provider.realm, ctx, { address, uiLocales: question.params['ui_locales'] });
}

function send({ provider, ctx, question }: LoginPage, html: string, status: number): void {
  const redirectUri = question.params['redirect_uri'];
  sendPage(provider.realm, ctx, html, {
    status,
    isClientFlow: question.client.id !== ACCOUNT_CLIENT,
    images: [question.client.logoUri],
    formTargets: typeof redirectUri === 'string' ? [redirectUri] : [],
  });
}

async function answer(page: LoginPage, isCancelled: boolean): Promise<void> {
  const { ctx, provider, question, exchange } = page;
  const fields = await readForm(ctx);
  const isOurs = csrfOf(provider.realm).matches(fields.get('csrf'), question.uid, 'login');
  if (!isOurs || !sameOrigin(ctx, publicOrigin(provider.realm))) return showAgain(page);
  if (isCancelled) return goOn(ctx, await provider.interactions.deny(exchange));
  if (question.prompt === 'consent') return decide(page, fields);
  if (fields.has('new_password')) return choosePassword(page, fields);
  return login(page, fields);
}

/** The form is not from our page, or from an old one: nothing is done. */
function showAgain(page: LoginPage): Promise<void> {
  return page.question.prompt === 'consent' ? showConsent(page, 400) : showLogin(page, { error: 'expired' });
}

async function decide({ ctx, provider, exchange }: LoginPage, fields: Fields): Promise<void> {
  const isAllowed = fields.get('decision') === 'allow';
  const { interactions } = provider;
  goOn(ctx, await (isAllowed ? interactions.allow(exchange) : interactions.deny(exchange)));
}

async function login(page: LoginPage, fields: Fields): Promise<void> {
  const { ctx, provider, exchange } = page;
  const username = fields.get('username') ?? '';
  const remember = provider.realm.view.login.rememberMe && fields.get('remember') === 'yes';
  const outcome = await authenticate(page, { login: username, password: fields.get('password') ?? '' });
  if (outcome === 'busy') return showLogin(page, { error: 'busy', username, remembered: remember });
  if (outcome.ok) {
    return goOn(ctx, await provider.interactions.finishLogin(exchange, { ...outcome, remember }));
  }
  if (outcome.reason === 'incomplete') {
    await provider.interactions.noteVerified(exchange, { ...outcome, remember });
    return showPassword(page, outcome.user.username, []);
  }
  annotate(ctx.req, { outcome: 'bad_credentials', wrong: 'password' });
  return showLogin(page, { error: 'credentials', username, remembered: remember });
}

async function authenticate({ ctx, provider: { realm } }: LoginPage, typed: Typed) {
  const origin = { ...callerOf(ctx.req, ctx.res), isStranger: true };
  try {
    return await realm.authenticator.password(realm.view, typed, origin);
  } catch (error) {
    if (isFailure(error, 'busy')) return 'busy';
    if (error instanceof TooMany) annotate(ctx.req, { wrong: 'password' });
    throw error;
  }
}

/** Only for somebody who passed the password step in this very flow. */
async function choosePassword(page: LoginPage, fields: Fields): Promise<void> {
  const { ctx, provider, exchange } = page;
  const { interactions, selfService } = provider;
  const login = await interactions.verified(exchange);
  if (login === undefined) return showLogin(page, { error: 'expired' });
  const { user } = login;
  const wanted = fields.get('new_password') ?? '';
  if (wanted !== fields.get('repeat_password')) return showPassword(page, user.username, ['mismatch']);
  const outcome = await selfService.setPassword(exchange, user, wanted);
  if (outcome !== 'changed' && outcome !== 'wrong') return showPassword(page, user.username, [outcome]);
  return goOn(ctx, await interactions.finishLogin(exchange, login));
}

/** RFC 9700 §4.12: a redirect after a posted password is a 303, so that no browser posts it again. */
function goOn(ctx: Context, address: string): void {
  ctx.redirect(address);
  ctx.status = 303;
  ctx.set('Cache-Control', 'no-store');
}

function statusOf(error: LoginError | undefined): number {
  switch (error) {
    case undefined:
      return 200;
    case 'busy':
      return 503;
    case 'credentials':
    case 'locked':
    case 'disabled':
    case 'expired':
      return 400;
  }
}
