/**
 * What the pages say, per language, and which language to say it in. Values are put in as plain text: escaping is
 * the templates' affair.
 */
import de from './locales/de.json' with { type: 'json' };
import en from './locales/en.json' with { type: 'json' };

export type Locale = 'en' | 'de';
export type TextKey = keyof typeof en;
export type TextValues = Readonly<Record<string, string | number>>;

export type Texts = {
  readonly locale: Locale;
  /** The sentence with its `{placeholders}` filled in. */
  say(key: TextKey, values?: TextValues): string;
  /** A permission's or scope's own sentence, if there is one. */
  ofScope(scope: string): string | undefined;
  /** `30 minutes`, `2 days`, `90 minutes`: in the largest unit that tells it well. */
  duration(seconds: number): string;
  /** `3 hours ago`, `in 2 minutes`; both are seconds since the epoch. */
  relative(then: number, now: number): string;
  /** `Browser, Portal and Reports`. */
  list(items: readonly string[]): string;
};

/** A language a page is also offered in. `href` asks for it by `ui_locales`. */
export type LocaleLink = { readonly locale: Locale; readonly name: string; readonly href: string };

const CATALOGUES: Record<Locale, Record<TextKey, string>> = { en, de };
const NAMES: Record<Locale, string> = { en: 'English', de: 'Deutsch' };
const LOCALES: readonly Locale[] = ['en', 'de'];

const UNITS = [
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
] as const;
const SECOND = ['second', 1] as const;

const textsByLocale = new Map(LOCALES.map((locale) => [locale, createTexts(locale)]));

export function textsOf(locale: Locale): Texts {
  return textsByLocale.get(locale) ?? createTexts(locale);
}

/**
 * The language of a page: the request's `ui_locales` (space-separated language tags by preference, OIDC Core
 * §3.1.2.1), then `Accept-Language`, then the realm's. Tags match by RFC 4647 §3.4: `de-AT` finds `de`.
 */
export function negotiateLocale(wanted: {
  readonly uiLocales?: string | undefined;
  readonly acceptLanguage?: string | undefined;
  readonly fallback: Locale;
}): Locale {
  const asked = (wanted.uiLocales ?? '').split(' ');
  const tags = [...asked, ...languagesByWeight(wanted.acceptLanguage ?? '')];
  return tags.map(findLocale).find((locale) => locale !== undefined) ?? wanted.fallback;
}

/** Links to the page at `address` (path with query) in every language. */
export function localeLinks(address: string): readonly LocaleLink[] {
  const [path = '', query = ''] = address.split('?', 2);
  const parameters = new URLSearchParams(query);
  return LOCALES.map((locale) => {
    parameters.set('ui_locales', locale);
    return { locale, name: NAMES[locale], href: `${path}?${parameters}` };
  });
}

function createTexts(locale: Locale): Texts {
  const catalogue = CATALOGUES[locale];
  const relativeTime = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' });
  const listing = new Intl.ListFormat(locale, { type: 'conjunction' });

  function duration(seconds: number): string {
    const [unit, size] = UNITS.find(([, size]) => seconds >= 2 * size || seconds === size) ?? SECOND;
    return new Intl.NumberFormat(locale, { style: 'unit', unit, unitDisplay: 'long' }).format(
      Math.round(seconds / size),
    );
  }

  function relative(then: number, now: number): string {
    const [unit, size] = UNITS.find(([, size]) => Math.abs(then - now) >= size) ?? SECOND;
    return relativeTime.format(Math.trunc((then - now) / size), unit);
  }

  return {
    locale,
    say: (key, values = {}) => fill(catalogue[key], values),
    ofScope: (scope) => {
      const key = `scope.${scope}`;
      return isTextKey(key) ? catalogue[key] : undefined;
    },
    duration,
    relative,
    list: (items) => listing.format(items.map(withoutControls)),
  };
}

function isTextKey(key: string): key is TextKey {
  return Object.hasOwn(en, key);
}

function fill(text: string, values: TextValues): string {
  return text.replace(/\{(\w+)\}/g, (placeholder, name: string) => {
    return Object.hasOwn(values, name) ? isolated(String(values[name])) : placeholder;
  });
}

const RIGHT_TO_LEFT = /[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/u;

/** A name in letters that run the other way keeps to its place in the sentence (Unicode UAX #9, FSI and PDI). */
function isolated(value: string): string {
  const plain = withoutControls(value);
  return RIGHT_TO_LEFT.test(plain) ? `\u2068${plain}\u2069` : plain;
}

/** A name must not turn the sentence around it: control characters and directional overrides go. */
function withoutControls(value: string): string {
  return value.replace(/[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, '');
}

function languagesByWeight(header: string): readonly string[] {
  return header
    .split(',')
    .map((part) => {
      const [tag = '', ...parameters] = part.trim().split(/\s*;\s*/);
      const weight = parameters.find((parameter) => parameter.startsWith('q='));
      return { tag, weight: weight === undefined ? 1 : Number(weight.slice(2)) };
    })
    .filter(({ weight }) => weight > 0)
    .sort((a, b) => b.weight - a.weight)
    .map(({ tag }) => tag);
}

function findLocale(tag: string): Locale | undefined {
  const primary = tag.toLowerCase().split('-')[0];
  return LOCALES.find((locale) => locale === primary);
}
