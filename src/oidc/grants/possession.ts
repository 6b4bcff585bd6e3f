/** What the sender of an exchange proves to hold. */
import type { Context } from 'koa';
import type { KoaContextWithOIDC } from 'oidc-provider';
import type { Possession } from '../../tokens/usable.ts';
import { readCertificate, thumbprintOf } from '../client-auth/certificates.ts';
import { provenKey } from '../proofs/dpop.ts';
import type { RealmContext } from '../realm/realm-context.ts';

/** Throws `invalid_dpop_proof` or `use_dpop_nonce` for a proof that does not hold. */
export async function possessionOf(
  realm: Pick<RealmContext, 'name' | 'store' | 'clock' | 'keys' | 'clientCertHeader'>,
  ctx: KoaContextWithOIDC,
): Promise<Possession> {
  return { jkt: await provenKey(realm, ctx), 'x5t#S256': certificateThumbprint(realm, ctx) };
}

/** RFC 8705 §3.1, of the certificate that a trusted proxy passed on. */
export function certificateThumbprint(
  { clientCertHeader }: Pick<RealmContext, 'clientCertHeader'>,
  ctx: Pick<Context, 'get'>,
): string | undefined {
  const certificate = readCertificate(ctx.get(clientCertHeader));
  return certificate && thumbprintOf(certificate.raw);
}
