/**
 * Names of keys. Everything of a realm carries the hash tag `{realm}` and so lies on one slot of a Cluster, as
 * scripts that touch several keys ask for. The prefix tells the kinds of things apart: an `id` is any text.
 *
 *     dp:{acme}:token:Xq…    a document       dpi:{acme}:sessions:u1   an index
 *     dpn:{acme}:<hash>      a node           dpc:{acme}:login:ada     a counter
 *     dps:{acme}             the last stamp   dp:revocations           a channel (dp3:revocations in database 3)
 */
import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Key } from '../port/port.ts';

export const documentKey = (key: Key): string => `dp:${named(key)}`;

export const indexKey = (key: Key): string => `dpi:${named(key)}`;

export const counterKey = (key: Key): string => `dpc:${named(key)}`;

/** The key of the realm's own node. The key of any other node is this one followed by the node's hash. */
export const realmNodeKey = (realm: string): string => `dpn:{${realm}}:`;

export const stampKey = (realm: string): string => `dps:{${realm}}`;

/** Redis keeps keys apart by database, but not channels. */
export const channelOf = (db: number, topic: string): string => `dp${db === 0 ? '' : db}:${topic}`;

/** The length of a node's hash in a record and in a key, in bytes. */
export const nodeHashBytes = 10;

/** Hashes of recent nodes: the same clients, users and tenants come again. */
const nodeHashes = new LRUCache<string, Buffer>({ max: 10_000 });

/**
 * The hash of a node: every document carries some, and names are long. 80 bits distinguish all nodes that a realm may
 * have. If two nodes ever shared a hash, a cut of one would kill what hangs under the other, and nothing would live
 * that should not. The realm itself, `''`, has no hash.
 */
export function nodeHash(name: string): Buffer {
  const known = nodeHashes.get(name);
  if (known !== undefined) return known;
  const made =
    name === '' ? Buffer.alloc(0) : Buffer.from(hash('sha256', name, 'buffer').subarray(0, nodeHashBytes));
  nodeHashes.set(name, made);
  return made;
}

function named({ realm, kind, id }: Key): string {
  return `{${realm}}:${kind}:${id}`;
}
