/**
 * RP-initiated logout. A bare link cannot log a person out: the request carries an ID token of this very session
 * (OIDC RP-Initiated Logout §2), or the person confirms.
 */
import type { Context, Middleware } from 'koa';
import type { Client, KoaContextWithOIDC, Session } from 'oidc-provider';
import { stateOf } from '../../http/request-state.ts';
import { isTrusted } from '../clients/trust.ts';
import { protectedForm } from '../http/protected-form.ts';
import { protocolStateOf } from '../http/protocol-state.ts';
import { hasOidcContext } from '../library/has-oidc-context.ts';
import { cookiePath } from '../realm/cookies.ts';
import type { RealmContext } from '../realm/realm-context.ts';
import type { UiPort } from '../realm/ui-port.ts';
import { createSessionRecords } from '../records/session-records.ts';
import { pairwiseIdentifier } from '../tokens/pairwise.ts';
import { createSessions } from './sessions.ts';

export function logoutSource(realm: RealmContext, ui: UiPort) {
  return async function showLogout(ctx: KoaContextWithOIDC): Promise<void> {
    const { session } = ctx.oidc;
    if (session === undefined || !isProvenByHint(realm, ctx, session)) {
      ui.confirmLogout(ctx, realm, protectedForm(ctx, 'end_session_confirm'));
      return;
    }
    await createSessions(realm, ctx.oidc.provider).endCurrent(session, stateOf(ctx.req).source);
    ctx.cookies.set(ctx.oidc.provider.cookieName('session'), null, { path: cookiePath(realm) });
    goOn({ realm, ui }, ctx, session);
  };
}

/**
 * Where nobody is signed in, nothing needs to be confirmed: the browser goes on at once. The library would post a
 * form first. A client's back end sends no cookie: there the hint names the session that ends.
 */
export function logoutWithoutSession(realm: RealmContext, ui: UiPort): Middleware {
  return async function answerWithoutSession(ctx, next) {
    await next();
    if (!hasOidcContext(ctx)) return;
    if (ctx.oidc.route === 'end_session_confirm') return holdConfirmed({ realm, ui }, ctx);
    if (ctx.oidc.route !== 'end_session' || ctx.status !== 200) return;
    const { session } = ctx.oidc;
    if (session !== undefined && session.accountId === undefined)
      await goOnOrEnd({ realm, ui }, ctx, session);
  };
}

async function goOnOrEnd(
  { realm, ui }: Parts,
  ctx: Context & KoaContextWithOIDC,
  session: Session,
): Promise<void> {
  const isOver = await endNamedByHint(realm, ctx);
  if (isOver || returnAddress(session) !== undefined) return goOn({ realm, ui }, ctx, session);
  ctx.status = 400;
  ui.error(ctx, realm, { error: 'invalid_request', error_description: 'the hint names no session' });
}

/**
 * Ends the session of the hint, whose signature and audience the library has verified. True when no session is left
 * that the request could mean: without a hint, none was.
 */
async function endNamedByHint(realm: RealmContext, ctx: KoaContextWithOIDC): Promise<boolean> {
  const claims = ctx.oidc.entities.IdTokenHint?.payload;
  const { client } = ctx.oidc;
  // It may have named a session, which nobody can tell any more.
  if (protocolStateOf(ctx).hasWithdrawnHint === true) return false;
  if (claims === undefined || client === undefined) return true;
  const sid = claims['sid'];
  if (typeof sid !== 'string' || sid.length > MAX_SID) return false;
  const uid = realm.profile.sessionIds.uidOf(sid, client.clientId, realm.keys.secret);
  if (uid === undefined) return false;
  const record = await createSessionRecords(realm.store, realm.name).read(uid);
  if (record?.accountId === undefined) return true;
  const isOfClient = record.authorizations?.[client.clientId]?.sid === sid;
  if (!isOfClient || claims['sub'] !== subjectFor(realm, client, record.accountId)) return false;
  await createSessions(realm, ctx.oidc.provider).end(uid, stateOf(ctx.req).source);
  return true;
}

/** Longer names of sessions are none of ours. */
const MAX_SID = 128;

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
  emitConfirmed(realm, ctx);
  const target = ctx.response.get('Location');
  if (ctx.status !== 303 || isOurs(realm, target) || isTrusted(ctx.oidc.client)) return;
  ctx.remove('Location');
  ui.loggedOut(ctx, realm, target);
}

/** `logout` is the button of the form; without it only the client's part of the session ends. */
function emitConfirmed(
  { events, name }: RealmContext,
  { status, req, oidc }: Context & KoaContextWithOIDC,
): void {
  const { session, params } = oidc;
  if (status !== 303 || session?.accountId === undefined || params?.['logout'] === undefined) return;
  const { source } = stateOf(req);
  const { uid, accountId: user } = session;
  events.emit({ type: 'session.ended', realm: name, user, session: uid, source });
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
  const sid = claims['sid'];
  const isSubject = claims['sub'] === subjectFor(realm, client, session.accountId);
  return isSubject && (sid === undefined || sid === session.sidFor(client.clientId));
}

/** OIDC Core §8: the subject by which this client knows the person. */
function subjectFor(realm: Pick<RealmContext, 'keys'>, client: Client, accountId: string): string {
  return client.subjectType === 'pairwise' ? pairwiseIdentifier(realm, accountId, client) : accountId;
}

function returnAddress(session: Session): string | undefined {
  const uri: unknown = session.state?.['postLogoutRedirectUri'];
  if (typeof uri !== 'string') return undefined;
  const state: unknown = session.state?.['state'];
  const address = new URL(uri);
  if (typeof state === 'string') address.searchParams.set('state', state);
  return address.href;
}
