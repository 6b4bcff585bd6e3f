/**
 * RP-initiated logout. Nobody can log a person out by a bare link: either the request carries an ID token of this
 * very session (OIDC RP-Initiated Logout §2), or the person confirms.
 */
import type { KoaContextWithOIDC, Session } from 'oidc-provider';
import { protectedForm } from './forms.ts';
import type { RealmContext } from './realm-context.ts';
import type { Screens } from './screens.ts';
import { createSessions } from './sessions.ts';

export function logoutSource(realm: RealmContext, screens: Screens) {
  return async function showLogout(ctx: KoaContextWithOIDC): Promise<void> {
    const { session } = ctx.oidc;
    if (session === undefined || !isProvenByHint(ctx, session)) {
      screens.confirmLogout(ctx, realm, protectedForm(ctx, 'end_session_confirm'));
      return;
    }
    const target = returnAddress(session);
    await createSessions(realm, ctx.oidc.provider).endCurrent(session);
    ctx.cookies.set(ctx.oidc.provider.cookieName('session'), null, { path: cookiePath(realm) });
    if (target === undefined) return screens.loggedOut(ctx, realm);
    ctx.status = 303;
    ctx.redirect(target);
  };
}

export function cookiePath(realm: RealmContext): string {
  return new URL(realm.issuer).pathname;
}

/** The library has verified the hint's signature and issuer; what is left is whether it is of this session. */
function isProvenByHint(ctx: KoaContextWithOIDC, session: Session): boolean {
  const claims = ctx.oidc.entities.IdTokenHint?.payload;
  const clientId = ctx.oidc.client?.clientId;
  if (claims === undefined || clientId === undefined) return false;
  const isSamePerson = claims['sub'] === session.accountId;
  const sid = claims['sid'];
  return isSamePerson && (sid === undefined || sid === session.sidFor(clientId));
}

function returnAddress(session: Session): string | undefined {
  const uri: unknown = session.state?.['postLogoutRedirectUri'];
  if (typeof uri !== 'string') return undefined;
  const state: unknown = session.state?.['state'];
  const address = new URL(uri);
  if (typeof state === 'string') address.searchParams.set('state', state);
  return address.href;
}
