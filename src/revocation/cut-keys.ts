/**
 * Names of revocation nodes as a resource server sees them: keys that only this resource server can use, to find what
 * it cached below a node that was cut. A key reveals nothing: no tenant and no token of an API can be read from it,
 * and two resource servers cannot compare their keys.
 */
import { hmac } from '../base/hash.ts';

/**
 * The length of a key: 12 characters, 72 bits. If two nodes ever shared one, a resource server would introspect once
 * more than needed.
 */
const LENGTH = 12;

/** One key for each node. `secret`: the realm's secret. `reader`: the client that is to see the keys. */
export function cutKeys(secret: Buffer, reader: string, nodes: readonly string[]): readonly string[] {
  return [...new Set(nodes)].map((node) =>
    hmac(secret, `cut-key:${JSON.stringify([reader, node])}`).slice(0, LENGTH),
  );
}
