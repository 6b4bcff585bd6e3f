/** The writes for a guest token. */

import { GUEST_CUT_TTL } from '../../revocation/guest-nodes.ts';
import { countBeside, hang, tokenKey } from '../../revocation/nodes.ts';
import type { Stamp, Write } from '../../storage/port/port.ts';
import { resourceTypes } from '../grant/actions.ts';
import { refreshReachOf } from '../grant/lifetime.ts';
import { nodesOfGuest, nodesOfPointer } from '../record/guest-nodes.ts';
import {
  customTypes,
  type GuestRecord,
  guestPointer,
  guestsOfClient,
  guestsOfTenant,
  idleKey,
} from '../record/guest-record.ts';
import { statusWrites } from '../status/status-places.ts';

/** Seconds that a dead token is kept, so that its API can be told why it is dead. */
export const LINGER = 600;

/** How long the store keeps a record: a token that never expires is kept as long as cuts are. */
export function keepFor(record: Pick<GuestRecord, 'exp' | 'iat'>): number {
  return record.exp === null ? GUEST_CUT_TTL : record.exp - record.iat + LINGER;
}

/**
 * All writes for a new token, under the hash of its value. The pointer is never written again: it keeps the time of
 * issue, also after the token was narrowed. The first token of a chain of refreshes is kept as long as the chain,
 * which is found by that token's id.
 */
export function recordWrites(realm: string, record: GuestRecord, hash: string, since?: Stamp): Write[] {
  const { id, clientId, granted } = record;
  const ttl = keepFor(record);
  const nodes = nodesOfGuest(record);
  const beside = countBeside(nodes);
  const stored = beside === 0 ? record : { ...record, beside };
  const condition = since === undefined ? {} : { since };
  const pointer = guestPointer(realm, id);
  const kept = Math.max(ttl, refreshReachOf(granted.lifetime) ?? 0);
  const isFirst = record.family === undefined;
  return [
    ...hang(
      { put: tokenKey(realm, hash), value: JSON.stringify(stored), ttl: isFirst ? kept : ttl, ...condition },
      nodes,
    ),
    ...hang({ put: pointer, value: hash, ttl: kept }, nodesOfPointer(record)),
    { index: guestsOfClient(realm, clientId), member: id, ttl },
    { index: guestsOfTenant(realm, granted.subject.tenant), member: id, ttl },
    ...statusWrites(realm, record, ttl),
    ...customTypeWrites(realm, record, ttl),
    ...idleWrites(realm, record, hash),
  ];
}

/** The idle time starts when the token becomes valid. */
export function idleWrites(realm: string, record: GuestRecord, hash: string): Write[] {
  const { idle } = record.granted.lifetime;
  if (idle === undefined) return [];
  return [
    { put: idleKey(realm, hash), value: '1', ttl: Math.max(0, (record.notBefore ?? 0) - record.iat) + idle },
  ];
}

function customTypeWrites(realm: string, { granted }: GuestRecord, ttl: number): Write[] {
  const custom = new Set(
    granted.resources.map(({ type }) => type).filter((type) => !resourceTypes.includes(type)),
  );
  return [...custom].map((member) => ({ index: customTypes(realm), member, ttl }));
}
