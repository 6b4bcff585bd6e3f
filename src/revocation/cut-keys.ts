/**
 * Nodes of the revocation tree as a resource server sees them: keys that mean something to it alone, by which it finds
 * what it remembers below a node that was cut. They name nothing: neither a tenant nor a token of an API that is not
 * its business can be read from one, nor compared between two resource servers.
 */
import { hmac } from '../base/hash.ts';

/** Characters of a key, 72 bits: should two nodes ever share one, something is asked for once more than needed. */
const LENGTH = 12;

/** One key for each node. `secret`: the realm's; `reader`: the client that is to see them. */
export function cutKeys(secret: Buffer, reader: string, nodes: readonly string[]): readonly string[] {
  return [...new Set(nodes)].map((node) =>
    hmac(secret, `cut-key:${JSON.stringify([reader, node])}`).slice(0, LENGTH),
  );
}
