import { equalInConstantTime, hmac } from '../../base/hash.ts';

/**
 * A record is filed under the hash of its identifier, which nobody but its holder knows. Where the server itself
 * must reach a record by another path (a device code by its user code), a handle stands for the identifier: the
 * hash with a proof that this realm made it. Whoever reads the store cannot make one.
 */
export function createKeyedReferences(secret: Buffer) {
  const proofOf = (hash: string): string => hmac(secret, `handle:${hash}`);

  function handle(hash: string): string {
    return `~${hash}~${proofOf(hash)}`;
  }

  /** The hash that a handle stands for; `undefined` for anything else. */
  function hashOf(id: string): string | undefined {
    if (!id.startsWith('~')) return undefined;
    const [, hash, proof] = id.split('~');
    if (hash === undefined || proof === undefined) return undefined;
    return equalInConstantTime(proof, proofOf(hash)) ? hash : undefined;
  }

  /** The name of a short code: keyed, because its plain hash could be searched through. */
  function obscure(code: string): string {
    return hmac(secret, `code:${code}`);
  }

  return { handle, hashOf, obscure };
}
