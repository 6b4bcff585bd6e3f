/** What every page is drawn with: the realm it belongs to, its language, the templates. */
import { fileURLToPath } from 'node:url';
import { Eta } from 'eta';
import { assetHref, MARK } from './assets.ts';
import { webAddress } from './consent-facts.ts';
import type { Locale, LocaleLink, Texts } from './texts.ts';

export type PageContext = {
  readonly realm: {
    readonly name: string;
    readonly displayName: string;
    /** Address of an image; its origin must be among the allowed image sources. */
    readonly logo?: string | undefined;
    /** Whether the realm has a colour, and so a `theme.css`. */
    readonly hasTheme: boolean;
  };
  /** Where the realm's addresses begin, for example `/realms/acme`. */
  readonly basePath: string;
  readonly locale: Locale;
  /** The languages this very page is offered in; empty when it cannot be asked for again by a link. */
  readonly locales: readonly LocaleLink[];
  readonly texts: Texts;
};

export type View =
  | 'login'
  | 'consent'
  | 'logout'
  | 'outcome'
  | 'post-on'
  | 'device'
  | 'device-confirm'
  | 'password'
  | 'account'
  | 'home';

/** Every template gets these besides its own data. */
type ViewData = {
  readonly heading: string;
  readonly problem?: string | undefined;
  readonly [name: string]: unknown;
};

/** Compiled at first use and kept. Every `<%= %>` is escaped for HTML text and for quoted attributes. */
const eta = new Eta({
  views: fileURLToPath(new URL('./views', import.meta.url)),
  cache: true,
  autoEscape: true,
});

const ICONS = {
  tick: 'M5 12.5l4.5 4.5L19 7.5',
  alert: 'M12 8v5M12 16.5v.01M12 3.5l9.5 16.5h-19z',
  phone:
    'M8 3h8a1.5 1.5 0 0 1 1.5 1.5v15A1.5 1.5 0 0 1 16 21H8a1.5 1.5 0 0 1-1.5-1.5v-15A1.5 1.5 0 0 1 8 3zM11 18h2',
  computer: 'M5 5h14a1 1 0 0 1 1 1v9H4V6a1 1 0 0 1 1-1zM2.5 18.5h19',
};

/** The whole document. `problem` is the sentence of the error summary; the title then says so first. */
export function draw(view: View, page: PageContext, data: ViewData): string {
  const { say } = page.texts;
  const title = data.problem === undefined ? data.heading : say('layout.problem', { title: data.heading });
  return eta.render(`./${view}`, {
    ...data,
    page: { ...page, realm: { ...page.realm, logo: webAddress(page.realm.logo) } },
    say,
    title,
    icons: ICONS,
    mark: MARK,
    initialOf,
    styleHref: assetHref(page.basePath, 'style.css'),
    iconHref: assetHref(page.basePath, 'favicon.svg'),
  });
}

function initialOf(name: string): string {
  return (name.match(/[\p{L}\p{N}]/u)?.[0] ?? '').toUpperCase();
}
