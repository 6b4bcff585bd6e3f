/** The pages that the protocol shows in the middle of a request (oidc/realm/ui-port.ts). */
import type { Context } from 'koa';
import type { RealmContext } from '../../oidc/realm/realm-context.ts';
import type { UiContext, UiPort } from '../../oidc/realm/ui-port.ts';
import { pageContext, sendPage } from './ui/context.ts';
import {
  deviceConfirmPage,
  deviceDonePage,
  devicePage,
  type ErrorKind,
  errorPage,
  leavingPage,
  loggedOutPage,
  logoutPage,
  POST_ON,
  postOnPage,
} from './ui/render.ts';

export const ui: UiPort = {
  confirmLogout(ctx, realm, form) {
    const target = ctx.oidc.session?.state?.['postLogoutRedirectUri'];
    const data = {
      ...form,
      clientName: clientName(ctx),
      stayHref: `${new URL(realm.issuer).pathname}/account`,
    };
    sendPage(realm, ctx, logoutPage(pageContext(realm, ctx), data), {
      isClientFlow: true,
      formTargets: typeof target === 'string' ? [target] : [],
    });
  },
  loggedOut(ctx, realm, target) {
    const data = target === undefined ? clientToReturnTo(ctx) : { target };
    sendPage(realm, ctx, loggedOutPage(pageContext(realm, ctx), data), { isClientFlow: true });
  },
  confirmLeaving(ctx, realm, target) {
    const html = leavingPage(pageContext(realm, ctx), { target, clientName: clientName(ctx) ?? '' });
    sendPage(realm, ctx, html, { isClientFlow: true, status: 400 });
  },
  postOn(ctx, realm, form) {
    const uiLocales = ctx.oidc.params?.['ui_locales'];
    const html = postOnPage(pageContext(realm, ctx, { uiLocales }), form);
    sendPage(realm, ctx, html, { isClientFlow: true, script: POST_ON, status: ctx.status });
  },
  enterUserCode(ctx, realm, form) {
    sendPage(realm, ctx, devicePage(pageContext(realm, ctx), form), {
      status: form.problem === undefined ? 200 : 400,
    });
  },
  confirmUserCode(ctx, realm, { userCode, device, ...form }) {
    const { client } = ctx.oidc;
    const data = {
      ...form,
      userCode,
      agent: device,
      clientName: clientName(ctx) ?? '',
      clientLogo: client?.logoUri,
    };
    sendPage(realm, ctx, deviceConfirmPage(pageContext(realm, ctx), data), { images: [client?.logoUri] });
  },
  deviceDone(ctx, realm) {
    const name = clientName(ctx);
    sendPage(
      realm,
      ctx,
      deviceDonePage(pageContext(realm, ctx), name === undefined ? {} : { clientName: name }),
    );
  },
  error: showError,
  refused: showError,
};

function showError(
  ctx: Context | UiContext,
  realm: Pick<RealmContext, 'issuer' | 'view' | 'publicUrl'>,
  out: Parameters<UiPort['refused']>[2],
): void {
  sendError(realm, ctx, {
    kind: kindOf(out.error, ctx.status),
    code: out.error,
    detail: out.error_description,
  });
}

/** An error page. The status is set already. */
export function sendError(
  realm: Pick<RealmContext, 'issuer' | 'view' | 'publicUrl'>,
  ctx: Context | UiContext,
  error: {
    readonly kind: ErrorKind;
    readonly code?: string | undefined;
    readonly detail?: string | undefined;
  },
  framedBy?: readonly string[],
): void {
  const requestId = String(ctx.res.getHeader('X-Request-Id') ?? '') || undefined;
  const html = errorPage(pageContext(realm, ctx), { ...error, requestId });
  const frame = framedBy === undefined ? {} : { framedBy };
  sendPage(realm, ctx, html, { isClientFlow: true, status: ctx.status, ...frame });
}

function clientName(ctx: UiContext): string | undefined {
  const { client } = ctx.oidc;
  return client?.clientName ?? client?.clientId;
}

function clientToReturnTo(ctx: UiContext) {
  const name = clientName(ctx);
  const website = ctx.oidc.client?.clientUri;
  return name === undefined || website === undefined ? {} : { client: { name, website } };
}

function kindOf(error: string, status: number): ErrorKind {
  if (error === 'access_denied') return 'denied';
  if (error === 'temporarily_unavailable') return 'unavailable';
  // The session ended meanwhile, or the page was used before.
  if (error === 'login_required' || error === 'session_not_found') return 'expired';
  if (error === 'too_many_requests') return 'limited';
  return status >= 500 ? 'failure' : 'request';
}
