/** From a request to what its page is drawn with. */
import type { Context } from 'koa';
import { hmac } from '../../../base/hash.ts';
import { type Csrf, createCsrf } from '../../../http/csrf.ts';
import { type PageSecurity, pageHeaders } from '../../../http/security-headers.ts';
import type { RealmContext } from '../../../oidc/realm/realm-context.ts';
import type { PageContext } from './draw.ts';
import { localeLinks, negotiateLocale, textsOf } from './texts.ts';

/** What the person chose by a link of ours; it holds for the pages that follow, until the browser is closed. */
const LANGUAGE_COOKIE = '_language';

type PageOptions = {
  /** This page's own address, when it can be asked for again in another language. */
  readonly address?: string;
  /** The wish of the client's request. */
  readonly uiLocales?: unknown;
};

export function pageContext(
  realm: Pick<RealmContext, 'issuer' | 'view' | 'publicUrl'>,
  ctx: Context,
  options: PageOptions = {},
): PageContext {
  const { view } = realm;
  const locale = negotiateLocale({
    uiLocales: askedLocales(ctx, options),
    acceptLanguage: ctx.get('Accept-Language'),
    fallback: view.login.locale,
  });
  if (isChosen(ctx, options)) keepLanguage(realm, ctx, locale);
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

function askedLocales(ctx: Context, options: PageOptions): string | undefined {
  const inAddress = ctx.query['ui_locales'];
  const kept = ctx.cookies.get(LANGUAGE_COOKIE, { signed: false });
  const wishes = isChosen(ctx, options) ? [inAddress] : [kept, inAddress, options.uiLocales];
  return wishes.find((wish) => typeof wish === 'string');
}

/** At an address of ours `ui_locales` is from our own link; elsewhere it is the client's. */
function isChosen(ctx: Context, { address }: PageOptions): boolean {
  return address !== undefined && typeof ctx.query['ui_locales'] === 'string';
}

function keepLanguage(realm: Pick<RealmContext, 'issuer' | 'publicUrl'>, ctx: Context, locale: string): void {
  const secure = realm.publicUrl.startsWith('https:') ? '; Secure' : '';
  const path = new URL(realm.issuer).pathname;
  ctx.append('Set-Cookie', `${LANGUAGE_COOKIE}=${locale}; Path=${path}; HttpOnly; SameSite=Lax${secure}`);
}

/** Answers with a page of ours. */
export function sendPage(
  realm: Pick<RealmContext, 'view' | 'publicUrl'>,
  ctx: Context,
  html: string,
  options: Omit<PageSecurity, 'isHttps'> & { readonly status?: number } = {},
): void {
  const images = [realm.view.login.logo, ...(options.images ?? [])];
  // Every answer has it until somebody may frame this one.
  if (options.framedBy !== undefined) ctx.remove('X-Frame-Options');
  ctx.set({ ...pageHeaders({ ...options, images, isHttps: realm.publicUrl.startsWith('https:') }) });
  ctx.status = options.status ?? 200;
  ctx.type = 'html';
  ctx.body = html;
}

export function csrfOf(realm: Pick<RealmContext, 'keys'>): Csrf {
  return createCsrf(Buffer.from(hmac(realm.keys.secret, 'csrf')));
}

export function publicOrigin(realm: Pick<RealmContext, 'publicUrl'>): string {
  return new URL(realm.publicUrl).origin;
}
