/** Compares what the sender of an exchange proves to hold with what the tokens in it are bound to. */
import type { KoaContextWithOIDC } from 'oidc-provider';
import type { Minter } from '../../guest/limits/guest-realm.ts';
import { isHeld, type Possession } from '../../tokens/usable.ts';
import { readCertificate, thumbprintOf } from '../client-auth/certificates.ts';
import { provenKey } from '../client-auth/dpop.ts';
import type { RealmContext } from '../realm/realm-context.ts';

/** Throws `invalid_dpop_proof` or `use_dpop_nonce` for a proof that does not hold. */
export async function possessionOf(
  realm: Pick<RealmContext, 'name' | 'store' | 'clock' | 'keys' | 'clientCertHeader'>,
  ctx: KoaContextWithOIDC,
): Promise<Possession> {
  const certificate = readCertificate(ctx.get(realm.clientCertHeader));
  return { jkt: await provenKey(realm, ctx), 'x5t#S256': certificate && thumbprintOf(certificate.raw) };
}

type Bound = Possession & { readonly clientId: string };

/**
 * Whether this sender may use a token: a bound token is refused without its key or certificate, and from any other
 * client than the one it was issued to.
 */
export function holds(minter: Minter, proven: Possession, token: Bound): boolean {
  const isBound = token.jkt !== undefined || token['x5t#S256'] !== undefined;
  if (!isBound) return true;
  return token.clientId === minter.clientId && isHeld(token, proven);
}
