/**
 * The pages that Keycloak's browser adapter loads in frames (`profile: keycloak` only): one tells whether the session
 * that a client knows is still the browser's, one tells whether cookies work in frames at all. The pages contain
 * nothing secret, so any site may frame them; `init` decides whom the first one answers.
 */
import { readFileSync } from 'node:fs';
import type { Context, Middleware } from 'koa';
import type { Provider, Session } from 'oidc-provider';
import { epochSeconds } from '../../base/clock.ts';
import { refusePlainly, type Surface } from '../../http/routes.ts';
import { coversOrigin, originsOf } from '../../registry/model/origins.ts';
import { hasOidcContext } from '../library/has-oidc-context.ts';
import { base } from '../realm/addresses.ts';
import { cookiePath, sameSiteOf } from '../realm/cookies.ts';
import type { RealmContext } from '../realm/realm-context.ts';

const INIT = `${base}/login-status-iframe.html/init`;
const COOKIE_TRIAL = `${base}/3p-cookies/step1.html`;
/**
 * Readable by the script in our frame. It holds the session's name, as in `session_state` and `sid`, and is no
 * credential.
 */
const COOKIE = '_session_state';
const MAX_AGE = 300;

const files = new Map([
  [`${base}/login-status-iframe.html`, fileOf('login-status.html')],
  [`${base}/login-status-iframe.js`, fileOf('login-status.js')],
  [`${base}/3p-cookies/step2.html`, fileOf('cookie-check.html')],
  [`${base}/3p-cookies/step2.js`, fileOf('cookie-check.js')],
]);

function fileOf(name: string) {
  const body = readFileSync(new URL(`./session-iframe/${name}`, import.meta.url), 'utf8');
  return { body, type: name.endsWith('.js') ? 'text/javascript' : 'text/html' };
}

/** Metadata of realms that have the frame (OIDC Session Management §3.3); nothing for the others. */
export function sessionIframeMetadata(realm: Pick<RealmContext, 'issuer' | 'profile'>): {
  readonly check_session_iframe?: string;
} {
  return isOn(realm) ? { check_session_iframe: `${realm.issuer}${base}/login-status-iframe.html` } : {};
}

type FrameRequest = { readonly ctx: Context; readonly provider: { readonly realm: RealmContext } };

const read = { method: 'GET', who: 'anybody' } as const;

export const sessionIframe: Surface<FrameRequest> = {
  name: 'session-iframe',
  isThere: ({ provider }) => isOn(provider.realm),
  routes: [
    { ...read, path: INIT, handler: answerInit },
    { ...read, path: COOKIE_TRIAL, handler: tryCookie },
    ...[...files].map(([path, file]) => ({
      ...read,
      path,
      handler: ({ ctx }: FrameRequest) => send(ctx, file),
    })),
  ],
  refuse: refusePlainly,
};

async function answerInit({ ctx, provider }: FrameRequest): Promise<void> {
  ctx.status = (await isRegistered(ctx, provider.realm)) ? 204 : 403;
  ctx.set('Cache-Control', 'no-store');
}

function send(ctx: Context, { type, body }: ReturnType<typeof fileOf>): void {
  ctx.set({
    'Content-Security-Policy': "default-src 'none'; script-src 'self'; connect-src 'self'; base-uri 'none'",
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    'Cache-Control': `public, max-age=${MAX_AGE}`,
  });
  ctx.type = type;
  ctx.body = body;
}

/** Sets a cookie like that of our sessions. The next page sees whether this browser keeps it in a frame. */
function tryCookie({ ctx, provider: { realm } }: FrameRequest): void {
  const secure = realm.publicUrl.startsWith('https:') ? '; Secure' : '';
  ctx.set({
    'Set-Cookie': `_third_party=yes; Max-Age=60; SameSite=${sameSiteOf(realm)}${secure}`,
    'Cache-Control': 'no-store',
  });
  ctx.status = 303;
  ctx.redirect(`${realm.issuer}${base}/3p-cookies/step2.html`);
}

async function isRegistered(ctx: Context, realm: Pick<RealmContext, 'findClient'>): Promise<boolean> {
  const { client_id: clientId, origin } = ctx.query;
  if (typeof clientId !== 'string' || typeof origin !== 'string') return false;
  const client = await realm.findClient(clientId);
  if (client?.enabled !== true) return false;
  return coversOrigin(originsOf(client), client.applicationType === 'native', origin);
}

/** Adds `session_state` to every code, and keeps the cookie in step with the session. */
export function announceSession(provider: Provider, realm: RealmContext): void {
  if (!isOn(realm)) return;
  provider.on('authorization.success', (ctx, response) => {
    if (response !== undefined) response['session_state'] = ctx.oidc.session?.uid;
  });
  provider.use(sessionCookie(realm));
}

function sessionCookie(realm: RealmContext): Middleware {
  return async function keepSessionCookie(ctx, next) {
    await next();
    const session = hasOidcContext(ctx) ? ctx.oidc.session : undefined;
    if (session !== undefined) showSession(realm, ctx, session);
  };
}

function showSession(realm: RealmContext, ctx: Context, session: Session): void {
  const wanted = isSignedIn(session) ? session.uid : undefined;
  if (ctx.cookies.get(COOKIE, { signed: false }) === wanted) return;
  const isKept = wanted !== undefined && session.transient !== true;
  ctx.cookies.set(COOKIE, wanted, {
    path: cookiePath(realm),
    httpOnly: false,
    signed: false,
    sameSite: sameSiteOf(realm),
    ...(isKept ? { expires: endOf(realm) } : {}),
  });
}

function isSignedIn(session: Session): boolean {
  return session.accountId !== undefined && !('destroyed' in session && session.destroyed === true);
}

function endOf(realm: Pick<RealmContext, 'view' | 'clock'>): Date {
  return new Date((epochSeconds(realm.clock) + realm.view.lifetimes.sessionMax) * 1000);
}

function isOn(realm: Pick<RealmContext, 'profile'>): boolean {
  return realm.profile.browsers.hasSessionIframe;
}
