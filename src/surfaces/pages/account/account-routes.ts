/** A person's own page, `GET /account`, and the forms on it. */
import type { Context } from 'koa';
import { epochSeconds } from '../../../base/clock.ts';
import { Failure } from '../../../base/errors.ts';
import { sameOrigin } from '../../../http/csrf.ts';
import { annotate, stateOf } from '../../../http/request-state.ts';
import type { Route, Routed } from '../../../http/routes.ts';
import type { RealmProvider } from '../../../oidc/provider/provider.ts';
import type { RealmRequest } from '../../../oidc/provider/realm-router.ts';
import { paths } from '../../../oidc/realm/addresses.ts';
import { ACCOUNT_CLIENT } from '../../../oidc/realm/internal-clients.ts';
import type { RealmContext } from '../../../oidc/realm/realm-context.ts';
import type { SignedIn } from '../../../oidc/sessions/self-service.ts';
import { csrfOf, pageContext, publicOrigin, sendPage } from '../ui/context.ts';
import { readForm } from '../ui/form.ts';
import type { PasswordProblem } from '../ui/render.ts';
import { type AccountData, type AccountNotice, accountPage } from './account-page.ts';
import { consentRows, pendingRows, sessionRows } from './account-rows.ts';

type Fields = ReadonlyMap<string, string>;

/** One person's page: the parts that the functions below share. */
type Account = { readonly ctx: Context; readonly provider: RealmProvider; readonly who: SignedIn };

const actions = ['end-session', 'end-other-sessions', 'withdraw', 'change-password', 'decide'] as const;
type Action = (typeof actions)[number];

const notices: ReadonlySet<string> = new Set<AccountNotice>([
  'session_ended',
  'sessions_ended',
  'consent_withdrawn',
  'password_changed',
  'request_approved',
  'request_denied',
]);

type AccountRequest = Routed<RealmRequest>;

const page = { path: '/account{/}', who: 'person' } as const;
const form = { path: '/account/:action{/}', who: 'person', params: { action: /^[a-z-]+$/ } } as const;

/** An address for forms only is no page: a reader gets an error page, or has to sign in. */
export const accountRoutes: readonly Route<AccountRequest>[] = [
  { method: 'GET', ...page, handler: answerAccount },
  { method: 'POST', ...page, handler: answerAccount },
  { method: 'GET', ...form, handler: answerAccount },
  { method: 'POST', ...form, handler: answerAccount },
];

async function answerAccount({ ctx, provider, params }: AccountRequest): Promise<void> {
  const action = params['action'];
  const who = await provider.selfService.signedIn({ request: ctx.req, response: ctx.res });
  if (who === undefined) signIn(ctx, provider.realm);
  else if (ctx.query['iss'] !== undefined) redirect(ctx, addressOf(provider.realm));
  else if (action === undefined) await show({ ctx, provider, who }, { notice: noticeOf(ctx) });
  else await act({ ctx, provider, who }, actionOf(ctx, action));
}

function actionOf(ctx: Context, name: string): Action {
  const action = actions.find((one) => one === name);
  if (action === undefined || ctx.method !== 'POST') throw new Failure('not_found', 'there is no such page');
  return action;
}

function noticeOf(ctx: Context): AccountNotice | undefined {
  const { done } = ctx.query;
  return typeof done === 'string' && notices.has(done) ? (done as AccountNotice) : undefined;
}

/**
 * Signs in through the authorization endpoint, as for any client. `iss` in the address means that somebody has just
 * come from there; a signed-in person continues to the address without it.
 */
function signIn(ctx: Context, realm: Pick<RealmContext, 'issuer'>): void {
  if (ctx.query['iss'] !== undefined) throw new Failure('forbidden', 'this browser keeps no cookies');
  const url = new URL(`${realm.issuer}${paths.authorization}`);
  url.search = new URLSearchParams({
    client_id: ACCOUNT_CLIENT,
    response_type: 'none',
    redirect_uri: `${realm.issuer}/account`,
    scope: 'openid',
  }).toString();
  redirect(ctx, url.href);
}

type Shown = { readonly notice?: AccountNotice | undefined; readonly problems?: readonly PasswordProblem[] };

async function show(account: Account, state: Shown): Promise<void> {
  const { ctx, provider, who } = account;
  const { realm } = provider;
  const [sessions, consents, pending] = await Promise.all([
    sessionRows(provider, who),
    consentRows(provider, who),
    pendingRows(provider, who),
  ]);
  const data: AccountData = {
    now: epochSeconds(realm.clock),
    user: who.user,
    sessions,
    consents,
    pending,
    password: { minLength: realm.view.passwords.minLength, problems: state.problems },
    notice: state.notice,
    forms: formsOf(account),
  };
  const html = accountPage(pageContext(realm, ctx, { address: addressOf(realm) }), data);
  const status = state.problems === undefined ? 200 : 400;
  sendPage(realm, ctx, html, {
    status,
    images: [...consents, ...pending].map(({ clientLogo }) => clientLogo),
  });
}

function formsOf({ provider, who }: Account): AccountData['forms'] {
  const csrf = csrfOf(provider.realm);
  const address = addressOf(provider.realm);
  const form = (action: Action) => ({ action: `${address}/${action}`, csrf: csrf.token(who.uid, action) });
  return {
    endSession: form('end-session'),
    endOtherSessions: form('end-other-sessions'),
    withdraw: form('withdraw'),
    changePassword: form('change-password'),
    decide: form('decide'),
  };
}

async function act(account: Account, action: Action): Promise<void> {
  const { ctx, provider, who } = account;
  const fields = await readForm(ctx);
  const isOurs = csrfOf(provider.realm).matches(fields.get('csrf'), who.uid, action);
  if (!isOurs || !sameOrigin(ctx, publicOrigin(provider.realm))) {
    throw new Failure('forbidden', 'this page has expired');
  }
  annotate(ctx.req, { outcome: action });
  await perform(account, action, fields);
}

async function perform(account: Account, action: Action, fields: Fields): Promise<void> {
  const { ctx, provider, who } = account;
  const exchange = { request: ctx.req, response: ctx.res };
  const id = fields.get('id') ?? '';
  switch (action) {
    case 'end-session':
      await provider.selfService.endOwnSession(exchange, who.user.id, id);
      return done(account, 'session_ended');
    case 'end-other-sessions':
      await provider.selfService.endOtherSessions(exchange, who);
      return done(account, 'sessions_ended');
    case 'withdraw':
      await provider.selfService.withdrawConsent(exchange, who.user.id, id);
      return done(account, 'consent_withdrawn');
    case 'change-password':
      return changePassword(account, fields);
    case 'decide':
      return decide(account, id, fields.get('decision') === 'approve');
  }
}

async function changePassword(account: Account, fields: Fields): Promise<void> {
  const { ctx, provider, who } = account;
  const [current, wanted] = [fields.get('current_password') ?? '', fields.get('new_password') ?? ''];
  if (wanted !== fields.get('repeat_password')) return show(account, { problems: ['mismatch'] });
  const exchange = { request: ctx.req, response: ctx.res };
  const outcome = await provider.selfService.changePassword(exchange, who.user, { current, wanted });
  if (outcome === 'changed') return done(account, 'password_changed');
  return show(account, { problems: [outcome === 'wrong' ? 'wrong_current' : outcome] });
}

async function decide(account: Account, id: string, isApproved: boolean): Promise<void> {
  const { user } = account.who;
  const { approvals } = account.provider;
  const session = { ...account.who, source: stateOf(account.ctx.req).source };
  if (isApproved) await approvals.approve(user.id, id, session);
  else await approvals.deny(user.id, id, session);
  done(account, isApproved ? 'request_approved' : 'request_denied');
}

function done({ ctx, provider }: Account, notice: AccountNotice): void {
  redirect(ctx, `${addressOf(provider.realm)}?done=${notice}`);
}

function addressOf(realm: Pick<RealmContext, 'issuer'>): string {
  return `${new URL(realm.issuer).pathname}/account`;
}

function redirect(ctx: Context, to: string): void {
  ctx.redirect(to);
  ctx.status = 303;
  ctx.set('Cache-Control', 'no-store');
}
