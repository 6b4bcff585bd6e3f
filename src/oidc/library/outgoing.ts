import type { Configuration } from 'oidc-provider';

/**
 * Outgoing fetches (`jwks_uri`, sector documents, back-channel logout). The library's own guard refuses private,
 * link-local and loopback addresses after the name was resolved; redirects are not followed. Development and tests
 * may open it, by leaving the guard's dispatcher out.
 */
export function guardedFetch(allowPrivate: boolean): Pick<Configuration, 'fetch'> {
  if (!allowPrivate) return {};
  return {
    fetch: (url, options) => {
      const { dispatcher, ...open } = { dispatcher: undefined, ...options };
      return globalThis.fetch(url, open);
    },
  };
}
