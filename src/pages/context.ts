/** From a request to what its page is drawn with. */
import type { Context } from 'koa';
import { hmac } from '../base/hash.ts';
import { type Csrf, createCsrf } from '../http/csrf.ts';
import { type PageSecurity, pageHeaders } from '../http/security-headers.ts';
import type { RealmContext } from '../oidc/realm-context.ts';
import type { PageContext } from './draw.ts';
import { localeLinks, negotiateLocale, textsOf } from './texts.ts';

/** `address` is this page's own, when it can be asked for again in another language; `uiLocales` the request's wish. */
export function pageContext(
  realm: RealmContext,
  ctx: Context,
  options: { readonly address?: string; readonly uiLocales?: unknown } = {},
): PageContext {
  const { view } = realm;
  const asked = typeof ctx.query['ui_locales'] === 'string' ? ctx.query['ui_locales'] : options.uiLocales;
  const locale = negotiateLocale({
    uiLocales: typeof asked === 'string' ? asked : undefined,
    acceptLanguage: ctx.get('Accept-Language'),
    fallback: view.login.locale,
  });
  return {
    realm: {
      name: view.name,
      displayName: view.displayName ?? view.name,
      logo: view.login.logo,
      hasTheme: view.login.color !== undefined,
    },
    basePath: new URL(realm.issuer).pathname,
    locale,
    locales: options.address === undefined ? [] : localeLinks(options.address),
    texts: textsOf(locale),
  };
}

/** Answers with a page of ours. */
export function sendPage(
  realm: RealmContext,
  ctx: Context,
  html: string,
  options: Omit<PageSecurity, 'isHttps'> & { readonly status?: number } = {},
): void {
  const images = [realm.view.login.logo, ...(options.images ?? [])];
  ctx.set({ ...pageHeaders({ ...options, images, isHttps: realm.publicUrl.startsWith('https:') }) });
  ctx.status = options.status ?? 200;
  ctx.type = 'html';
  ctx.body = html;
}

export function csrfOf(realm: RealmContext): Csrf {
  return createCsrf(Buffer.from(hmac(realm.keys.secret, 'csrf')));
}

export function publicOrigin(realm: RealmContext): string {
  return new URL(realm.publicUrl).origin;
}
