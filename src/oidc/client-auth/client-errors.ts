/** Which of the library's errors mean that the client did not prove who it is (RFC 6749 §5.2 `invalid_client`). */
import type { KoaContextWithOIDC } from 'oidc-provider';
import { clientAuthentication } from '../library/messages.ts';

type Thrown = {
  readonly error: string;
  readonly statusCode: number;
  readonly error_description?: string | undefined;
};

/** Credentials that are absent or unreadable, which the library reports as bad requests. */
const unreadable: ReadonlySet<string> = new Set([
  clientAuthentication.noCredentials,
  clientAuthentication.malformedHeader,
  clientAuthentication.badlyEncodedHeader,
  clientAuthentication.noSecretInHeader,
  clientAuthentication.malformedAssertion,
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
      // A client with unusable metadata counts as unknown; without its keys nothing that it sends can be verified.
      return ctx.oidc.client === undefined || description === clientAuthentication.unreachableKeys;
    default:
      return false;
  }
}
