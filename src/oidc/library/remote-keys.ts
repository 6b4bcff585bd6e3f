/**
 * The keys that a client has at its `jwks_uri`, through the library's own store of them: it refuses private addresses,
 * and keeps what it fetched as long as the answer's headers allow.
 */
import type { JWK } from 'jose';
import { type Client, errors, type Provider } from 'oidc-provider';
import { methodOf } from './internals.ts';

export type RemoteKeys = {
  /** As they are cached; none before the first `refresh`. */
  keys(): readonly JWK[];
  isFresh(): boolean;
  /** Fetches the keys if they are stale. Rejects when they cannot be had. */
  refresh(): Promise<void>;
};

/** `undefined` for a client that does not exist, or whose metadata the library refuses. */
export type FindRemoteKeys = (clientId: string) => Promise<RemoteKeys | undefined>;

export function remoteKeyFinder(provider: () => Provider): FindRemoteKeys {
  return async function findRemoteKeys(clientId) {
    try {
      const client = await provider().Client.find(clientId);
      return client && remoteKeysOf(client);
    } catch (error) {
      if (error instanceof errors.InvalidClientMetadata) return undefined;
      throw error;
    }
  };
}

function remoteKeysOf(client: Client): RemoteKeys {
  const store: unknown = Reflect.get(client, 'asymmetricKeyStore');
  if (!isIterable(store)) throw new Error('the library has no asymmetricKeyStore');
  return {
    keys: () => [...store],
    isFresh: () => methodOf<object, [], boolean>(store, 'fresh').call(store),
    refresh: () => methodOf<object, [], Promise<void>>(store, 'refresh').call(store),
  };
}

function isIterable(store: unknown): store is Iterable<JWK> {
  return typeof store === 'object' && store !== null && Symbol.iterator in store;
}
