/** Where the library's records are stored: their indexes, their life, and their revocation nodes. */

import type { AdapterPayload } from 'oidc-provider';
import { type Lineage, nodesOf } from '../../revocation/nodes.ts';
import type { Key, Stamp, Write } from '../../storage/port/port.ts';
import type { RecordType } from './record-types.ts';

/** Member of a finished login: the stamp at which the user was read. */
export const READ_AT = 'daypass_read_at';

/** Uids of a user's sessions. */
export function sessionsOf(realm: string, userId: string): Key {
  return { realm, kind: 'sessions-of', id: userId };
}

/** A user's grants, as `grantId clientId`. */
export function grantsOf(realm: string, userId: string): Key {
  return { realm, kind: 'grants-of', id: userId };
}

/** The key by which a session's record is found by its uid. */
export function sessionPointer(realm: string, uid: string): Key {
  return { realm, kind: 'session-uid', id: uid };
}

export function ttlOf(expiresIn: number | undefined, recordType: RecordType): number {
  return Math.max(1, Math.ceil(expiresIn ?? 0)) + recordType.linger;
}

/** More writes for a record, so that it can be found in other ways. */
export function indexWrites(
  name: string,
  key: Key,
  id: string,
  payload: AdapterPayload,
  ttl: number,
): Write[] {
  if (name === 'Session') return sessionWrites(key, payload, ttl);
  return name === 'Grant' ? grantWrites(key.realm, id, payload, ttl) : [];
}

function sessionWrites(key: Key, { uid, accountId }: AdapterPayload, ttl: number): Write[] {
  if (uid === undefined) return [];
  const writes: Write[] = [{ put: sessionPointer(key.realm, uid), value: key.id, ttl }];
  if (accountId !== undefined) writes.push({ index: sessionsOf(key.realm, accountId), member: uid, ttl });
  return writes;
}

function grantWrites(
  realm: string,
  id: string,
  { accountId, clientId }: AdapterPayload,
  ttl: number,
): Write[] {
  if (accountId === undefined || clientId === undefined) return [];
  return [{ index: grantsOf(realm, accountId), member: `${id} ${clientId}`, ttl }];
}

/** The nodes that a record hangs under, and whether it may replace an existing one. */
export function placementOf(name: string, recordType: RecordType, id: string, payload: AdapterPayload) {
  const nodes = [...nodesOf(lineageOf(name, id, payload)), ...nodesAbove(payload)];
  const under = recordType.inTree ? [...new Set(nodes)] : [];
  const isSuccessor = name === 'RefreshToken' && (payload.rotations ?? 0) > 0;
  return {
    ...(under.length > 0 ? { under } : {}),
    ...(name === 'Interaction' ? sinceLogin(payload) : {}),
    // Of several refreshes within the grace the first one wrote the successor; all of them answer with it.
    ...(isSuccessor ? { onlyIf: 'keep' as const } : {}),
  };
}

/** The nodes of the tokens that this one was exchanged from. */
function nodesAbove(payload: AdapterPayload): readonly string[] {
  const under: unknown = Reflect.get(payload, 'under');
  return Array.isArray(under) ? under.filter((node) => typeof node === 'string') : [];
}

/** A password that was changed while it was being checked signs nobody in: then the write is refused. */
function sinceLogin(payload: AdapterPayload): { readonly since?: Stamp } {
  const readAt: unknown = payload.result?.login?.[READ_AT];
  return typeof readAt === 'number' ? { since: readAt } : {};
}

function lineageOf(name: string, id: string, payload: AdapterPayload): Lineage {
  // A login that the browser has not continued yet dies with the password that was used for it.
  if (name === 'Interaction') return { accountId: payload.result?.login?.accountId };
  return {
    clientId: payload.clientId,
    accountId: payload.accountId,
    sessionUid: sessionUidOf(name, payload),
    grantId: name === 'Grant' ? id : payload.grantId,
  };
}

/** Offline access outlives its session (OIDC Core §11): it does not hang under it. */
function sessionUidOf(name: string, payload: AdapterPayload): string | undefined {
  if (name === 'Session') return payload.uid;
  const isOffline = payload.scope?.split(' ').includes('offline_access') ?? false;
  return isOffline ? undefined : payload.sessionUid;
}
