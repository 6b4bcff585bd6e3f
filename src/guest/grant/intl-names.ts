/** Time zones, languages and currencies, as the platform knows them (IANA, BCP 47, ISO 4217). */

const timeZones: ReadonlySet<string> = new Set(Intl.supportedValuesOf('timeZone'));
const currencies: ReadonlySet<string> = new Set(Intl.supportedValuesOf('currency'));

/** Older names and offsets are none of the first list, but are understood. */
export function isTimeZone(name: string): boolean {
  return timeZones.has(name) || isUnderstood(() => new Intl.DateTimeFormat('en', { timeZone: name }));
}

/** Well-formed; whether anybody speaks it nobody can tell for good. */
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
