import { describe, expect, it } from 'vitest';
import de from '../../src/surfaces/pages/ui/locales/de.json' with { type: 'json' };
import en from '../../src/surfaces/pages/ui/locales/en.json' with { type: 'json' };
import { localeLinks, negotiateLocale, textsOf } from '../../src/surfaces/pages/ui/texts.ts';

const placeholders = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(String).sort();

describe('the languages', () => {
  it('say the same things', () => {
    expect(Object.keys(de)).toEqual(Object.keys(en));
  });

  it('put the same values into them', () => {
    const inEnglish = Object.values(en).map(placeholders);

    expect(Object.values(de).map(placeholders)).toEqual(inEnglish);
  });
});

describe('negotiation', () => {
  it.each([
    [{ uiLocales: 'fr de-AT en', acceptLanguage: 'en' }, 'de'],
    [{ uiLocales: 'DE', acceptLanguage: 'en' }, 'de'],
    [{ uiLocales: 'fr', acceptLanguage: 'de-CH, en;q=0.5' }, 'de'],
    [{ uiLocales: '', acceptLanguage: 'en;q=0.5, de;q=0.8' }, 'de'],
    [{ acceptLanguage: 'de;q=0, fr' }, 'en'],
    [{ acceptLanguage: '*' }, 'en'],
    [{ acceptLanguage: 'de;q=nonsense' }, 'en'],
    [{}, 'en'],
  ] as const)('of %j chooses %s', (wanted, locale) => {
    expect(negotiateLocale({ ...wanted, fallback: 'en' })).toBe(locale);
  });

  it('links to the same page in each language', () => {
    const links = localeLinks('/realms/acme/login?a=1%262&ui_locales=fr');

    expect(links.map(({ href }) => href)).toEqual([
      '/realms/acme/login?a=1%262&ui_locales=en',
      '/realms/acme/login?a=1%262&ui_locales=de',
    ]);
  });
});

describe('sentences', () => {
  it.each(['شركة البيانات', 'חברה'])('keep %s, which runs the other way, to its place', (client) => {
    const text = textsOf('en').say('login.client', { client });

    expect(text).toBe(`to continue to \u2068${client}\u2069`);
  });

  it('take their values as they are, but for what would turn the text around', () => {
    const text = textsOf('en').say('login.client', { client: '{client} \u202eevil\u2069 \u0000$&' });

    expect(text).toBe('to continue to {client} evil $&');
  });

  it.each([
    [1800, '30 minutes', '30 Minuten'],
    [5400, '90 minutes', '90 Minuten'],
    [3600, '1 hour', '1 Stunde'],
    [86_400, '1 day', '1 Tag'],
    [2_592_000, '30 days', '30 Tage'],
    [45, '45 seconds', '45 Sekunden'],
  ])('tell %d seconds as %s', (seconds, english, german) => {
    expect(textsOf('en').duration(seconds)).toBe(english);
    expect(textsOf('de').duration(seconds)).toBe(german);
  });

  it.each([
    [-5399, 'vor 1 Stunde'],
    [-90_000, 'gestern'],
    [100, 'in 1 Minute'],
    [0, 'jetzt'],
  ])('tell %d seconds from now as %s', (offset, german) => {
    expect(textsOf('de').relative(1_000_000 + offset, 1_000_000)).toBe(german);
  });

  it('know the scopes of OpenID Connect and no other key', () => {
    expect(textsOf('en').ofScope('email')).toBe('See your email address');
    expect(textsOf('en').ofScope('dashboards:read')).toBeUndefined();
  });
});
