/** Which of the library's errors mean that the client did not prove who it is (RFC 6749 §5.2 `invalid_client`). */
import type { KoaContextWithOIDC } from 'oidc-provider';
import { clientAuthentication } from '../library/messages.ts';

type Thrown = {
  readonly error: string;
  readonly statusCode: number;
  readonly error_description?: string | undefined;
};

/** Credentials that are absent or unreadable; the library takes them for bad requests. */
const unreadable: ReadonlySet<string> = new Set([
  clientAuthentication.noCredentials,
  clientAuthentication.malformedHeader,
  clientAuthentication.badlyEncodedHeader,
  clientAuthentication.noSecretInHeader,
  clientAuthentication.malformedAssertion,
]);

/** Keys of the client's own that cannot be had: nothing it sends can be checked. */
const unusableKeys: ReadonlySet<string> = new Set([
  clientAuthentication.unreachableKeys,
  clientAuthentication.unusableKeys,
]);

/** True when the client is unknown or did not prove who it is. */
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
