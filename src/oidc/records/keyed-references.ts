import { equalInConstantTime, hmac } from '../../base/hash.ts';

/**
 * A record is stored under the hash of its identifier, which only its holder knows. Where the server must reach a
 * record in another way (a device code by its user code), a reference stands for the identifier: the hash, with a
 * proof that this realm made it. Somebody who can read the store cannot make one.
 */
export function createKeyedReferences(secret: Buffer) {
  const proofOf = (hash: string): string => hmac(secret, `handle:${hash}`);

  function handle(hash: string): string {
    return `~${hash}~${proofOf(hash)}`;
  }

  /** The hash inside a reference; `undefined` for any other text. */
  function hashOf(id: string): string | undefined {
    if (!id.startsWith('~')) return undefined;
    const [, hash, proof] = id.split('~');
    if (hash === undefined || proof === undefined) return undefined;
    return equalInConstantTime(proof, proofOf(hash)) ? hash : undefined;
  }

  /** The stored name of a short code. It is keyed, because a plain hash of a short code can be found by search. */
  function obscure(code: string): string {
    return hmac(secret, `code:${code}`);
  }

  return { handle, hashOf, obscure };
}
