/**
 * `GET /`: in development what runs here and where to go; in production a page that says as little as possible, and no
 * version. Below the public address, outside of realms.
 */
import type { Context } from 'koa';
import { type Route, type Routed, refusePlainly, type Surface } from '../../../http/routes.ts';
import { pageHeaders } from '../../../http/security-headers.ts';
import { sendAsset } from '../ui/assets.ts';
import type { PageContext } from '../ui/draw.ts';
import { type HomeRealm, homePage } from '../ui/render.ts';
import { localeLinks, negotiateLocale, textsOf } from '../ui/texts.ts';

/** What the page shows in development. */
export type Overview = {
  readonly version: string;
  readonly hasDemo: boolean;
  /** Some of the realms; rejects with `Failure('unavailable')` without a store. */
  realms(): Promise<readonly HomeRealm[]>;
};

export type HomeRequest = {
  readonly ctx: Context;
  readonly publicUrl: string;
  /** Absent in production. */
  readonly overview?: Overview | undefined;
};

type Call = Routed<HomeRequest>;

function asset(file: string): Route<Call> {
  return {
    method: 'GET',
    path: `/assets/${file}`,
    who: 'anybody',
    handler: ({ ctx }) => sendAsset(ctx, { file }),
  };
}

export const home: Surface<HomeRequest> = {
  name: 'home',
  routes: [
    { method: 'GET', path: '/', who: 'anybody', handler: show },
    asset('style.css'),
    asset('favicon.svg'),
  ],
  refuse: refusePlainly,
};

async function show({ ctx, publicUrl, overview }: Call): Promise<void> {
  const shown = overview && { ...overview, realms: await overview.realms() };
  const html = homePage(contextOf(ctx, publicUrl), shown);
  ctx.set({ ...pageHeaders({ isHttps: publicUrl.startsWith('https:') }) });
  ctx.vary('Accept-Language');
  ctx.type = 'html';
  ctx.body = html;
}

/** The page belongs to no realm: it has Daypass's own name and colours. */
function contextOf(ctx: Context, publicUrl: string): PageContext {
  const basePath = new URL(publicUrl).pathname.replace(/\/$/, '');
  const wish = ctx.query['ui_locales'];
  const locale = negotiateLocale({
    uiLocales: typeof wish === 'string' ? wish : undefined,
    acceptLanguage: ctx.get('Accept-Language'),
    fallback: 'en',
  });
  return {
    realm: { name: '', displayName: 'Daypass', hasTheme: false },
    basePath,
    locale,
    locales: localeLinks(`${basePath}/`),
    texts: textsOf(locale),
  };
}
