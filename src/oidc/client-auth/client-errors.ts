/** Which of the library's errors mean that the client did not prove who it is (RFC 6749 §5.2 `invalid_client`). */
import type { KoaContextWithOIDC } from 'oidc-provider';

type Thrown = {
  readonly error: string;
  readonly statusCode: number;
  readonly error_description?: string | undefined;
};

/** What the library says of a request that names no client in any way. */
const ANONYMOUS = 'no client authentication mechanism provided';

/** Credentials that are absent or unreadable; the library takes them for bad requests. */
const unreadable: ReadonlySet<string> = new Set([
  ANONYMOUS,
  'invalid authorization header value format',
  'client_id and client_secret in the authorization header are not properly encoded',
  'client_secret must be provided in the Authorization header',
  'invalid client_assertion format',
]);

/** Keys of the client's own that cannot be had: nothing it sends can be checked. */
const unusableKeys: ReadonlySet<string> = new Set([
  'client JSON Web Key Set failed to be refreshed',
  'client JSON Web Key Set is invalid',
]);

export function isAnonymous({ error_description }: Pick<Thrown, 'error_description'>): boolean {
  return error_description === ANONYMOUS;
}

export function isUnauthenticated(ctx: KoaContextWithOIDC, thrown: Thrown): boolean {
  const description = thrown.error_description ?? '';
  switch (thrown.error) {
    case 'invalid_client':
      return thrown.statusCode === 401;
    case 'invalid_request':
      return unreadable.has(description);
    case 'invalid_client_metadata':
      return ctx.oidc.client === undefined || unusableKeys.has(description);
    default:
      return false;
  }
}
