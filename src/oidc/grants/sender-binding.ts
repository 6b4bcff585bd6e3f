/** What the tokens of a grant of ours are bound to. */
import { errors, type KoaContextWithOIDC } from 'oidc-provider';
import { certificateReader } from '../client-auth/certificates.ts';
import type { RealmContext } from '../realm/realm-context.ts';

/** The key of a DPoP proof (RFC 9449 §5) or a certificate (RFC 8705 §3). */
export type Binding = { readonly jkt?: string | undefined; readonly certificate?: string | undefined };

/**
 * `jkt`: the key of the request's proof, which was verified. Throws `invalid_grant` where the client must prove
 * something and does not.
 */
export function senderBinding(
  realm: Pick<RealmContext, 'clientCertHeader'>,
  ctx: KoaContextWithOIDC,
  jkt: string | undefined,
): Binding {
  const { client } = ctx.oidc;
  if (jkt === undefined && client?.['dpopBoundAccessTokens'] === true) {
    throw new errors.InvalidGrant('DPoP proof JWT not provided');
  }
  if (client?.['tlsClientCertificateBoundAccessTokens'] !== true) return { jkt };
  const certificate = certificateReader(realm.clientCertHeader)(ctx);
  if (certificate === undefined) throw new errors.InvalidGrant('mutual TLS client certificate not provided');
  return { jkt, certificate };
}

type Bindable = { setThumbprint(name: 'x5t' | 'jkt', input: string): void };

export function bind(token: Bindable, { jkt, certificate }: Binding): void {
  if (certificate !== undefined) token.setThumbprint('x5t', certificate);
  if (jkt !== undefined) token.setThumbprint('jkt', jkt);
}
