/**
 * RP-initiated logout. A bare link cannot log a person out: the request carries an ID token of this very session
 * (OIDC RP-Initiated Logout §2), or the person confirms.
 */
import type { Context, Middleware } from 'koa';
import type { KoaContextWithOIDC, Session } from 'oidc-provider';
import { isTrusted } from '../clients/trust.ts';
import { protectedForm } from '../http/protected-form.ts';
import { hasOidcContext } from '../library/has-oidc-context.ts';
import { cookiePath } from '../realm/cookies.ts';
import type { RealmContext } from '../realm/realm-context.ts';
import type { UiPort } from '../realm/ui-port.ts';
import { pairwiseIdentifier } from '../tokens/pairwise.ts';
import { createSessions } from './sessions.ts';

export function logoutSource(realm: RealmContext, ui: UiPort) {
  return async function showLogout(ctx: KoaContextWithOIDC): Promise<void> {
    const { session } = ctx.oidc;
    if (session === undefined || !isProvenByHint(realm, ctx, session)) {
      ui.confirmLogout(ctx, realm, protectedForm(ctx, 'end_session_confirm'));
      return;
    }
    await createSessions(realm, ctx.oidc.provider).endCurrent(session);
    ctx.cookies.set(ctx.oidc.provider.cookieName('session'), null, { path: cookiePath(realm) });
    goOn({ realm, ui }, ctx, session);
  };
}

/**
 * Where nobody is signed in, nothing needs to be confirmed: the browser goes on at once. The library would post a
 * form first.
 */
export function logoutWithoutSession(realm: RealmContext, ui: UiPort): Middleware {
  return async function answerWithoutSession(ctx, next) {
    await next();
    if (!hasOidcContext(ctx)) return;
    if (ctx.oidc.route === 'end_session_confirm') return holdConfirmed({ realm, ui }, ctx);
    if (ctx.oidc.route !== 'end_session' || ctx.status !== 200) return;
    const { session } = ctx.oidc;
    if (session !== undefined && session.accountId === undefined) goOn({ realm, ui }, ctx, session);
  };
}

type Parts = { readonly realm: RealmContext; readonly ui: UiPort };

function goOn({ realm, ui }: Parts, ctx: Context & KoaContextWithOIDC, session: Session): void {
  const target = returnAddress(session);
  if (target === undefined || !isTrusted(ctx.oidc.client)) {
    ui.loggedOut(ctx, realm, target);
  } else {
    ctx.status = 303;
    ctx.redirect(target);
  }
}

/** The library has ended the session, and sends the browser to the address of the request. */
function holdConfirmed({ realm, ui }: Parts, ctx: Context & KoaContextWithOIDC): void {
  const target = ctx.response.get('Location');
  if (ctx.status !== 303 || isOurs(realm, target) || isTrusted(ctx.oidc.client)) return;
  ctx.remove('Location');
  ui.loggedOut(ctx, realm, target);
}

function isOurs({ issuer }: Pick<RealmContext, 'issuer'>, target: string): boolean {
  return target === '' || new URL(target, issuer).origin === new URL(issuer).origin;
}

/** The library has verified the signature and the issuer of the hint; this checks that it belongs to this session. */
function isProvenByHint(
  realm: Pick<RealmContext, 'keys'>,
  ctx: KoaContextWithOIDC,
  session: Session,
): boolean {
  const claims = ctx.oidc.entities.IdTokenHint?.payload;
  const { client } = ctx.oidc;
  if (claims === undefined || client === undefined || session.accountId === undefined) return false;
  const isPairwise = client.subjectType === 'pairwise';
  const subject = isPairwise ? pairwiseIdentifier(realm, session.accountId, client) : session.accountId;
  const sid = claims['sid'];
  return claims['sub'] === subject && (sid === undefined || sid === session.sidFor(client.clientId));
}

function returnAddress(session: Session): string | undefined {
  const uri: unknown = session.state?.['postLogoutRedirectUri'];
  if (typeof uri !== 'string') return undefined;
  const state: unknown = session.state?.['state'];
  const address = new URL(uri);
  if (typeof state === 'string') address.searchParams.set('state', state);
  return address.href;
}
