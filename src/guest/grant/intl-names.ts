/** Time zones, languages and currencies, as the platform knows them (IANA, BCP 47, ISO 4217). */

const timeZones: ReadonlySet<string> = new Set(Intl.supportedValuesOf('timeZone'));
const currencies: ReadonlySet<string> = new Set(Intl.supportedValuesOf('currency'));

/** Older names and offsets are missing in the platform's list, but the platform understands them. */
export function isTimeZone(name: string): boolean {
  return timeZones.has(name) || isUnderstood(() => new Intl.DateTimeFormat('en', { timeZone: name }));
}

/** Checks the form only: no list of all languages in use exists. */
export function isLanguageTag(tag: string): boolean {
  return isUnderstood(() => Intl.getCanonicalLocales(tag));
}

export function isCurrency(code: string): boolean {
  return currencies.has(code);
}

/** `Intl` throws a RangeError at what it does not know. */
function isUnderstood(read: () => unknown): boolean {
  try {
    read();
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}
