/** Public keys of clients: in their metadata, or at their `jwks_uri` (RFC 7591 §2). */
import type { JSONWebKeySet } from 'jose';
import type { Client } from '../../registry/model/model.ts';
import type { FindRemoteKeys, RemoteKeys } from '../library/remote-keys.ts';
import { hasRemoteKeys, inlineKeysOf } from './registered.ts';

/**
 * The sets of keys to try in turn. Keys at an address are fetched again only when the cached ones do not fit and are
 * stale.
 */
export async function* keySetsOf(client: Client, findRemote: FindRemoteKeys): AsyncGenerator<JSONWebKeySet> {
  const inline = inlineKeysOf(client);
  if (inline !== undefined) yield inline;
  const remote = inline === undefined ? await remoteKeysOf(client, findRemote) : undefined;
  if (remote === undefined) return;
  yield { keys: [...remote.keys()] };
  if (!remote.isFresh() && (await refreshed(remote))) yield { keys: [...remote.keys()] };
}

/** The present keys; none when they cannot be fetched. */
export async function freshKeysOf(client: Client, findRemote: FindRemoteKeys): Promise<JSONWebKeySet> {
  const inline = inlineKeysOf(client);
  if (inline !== undefined) return inline;
  const remote = await remoteKeysOf(client, findRemote);
  const keys = remote !== undefined && (await refreshed(remote)) ? remote.keys() : [];
  return { keys: [...keys] };
}

async function remoteKeysOf(client: Client, findRemote: FindRemoteKeys): Promise<RemoteKeys | undefined> {
  return hasRemoteKeys(client) ? findRemote(client.id) : undefined;
}

async function refreshed(remote: RemoteKeys): Promise<boolean> {
  try {
    await remote.refresh();
    return true;
  } catch {
    // The keys cannot be fetched now, so nothing that the client signed can be verified.
    return false;
  }
}
