/** Refresh tokens of guests: their records at rest, and how the successor of one is derived. */

import { type Clock, epochSeconds } from '../../base/clock.ts';
import { hmac, sha256 } from '../../base/hash.ts';
import { randomValue } from '../../base/random.ts';
import { countBeside, hang, tokenKey } from '../../revocation/nodes.ts';
import type { Stamp, Write } from '../../storage/port/port.ts';
import { refreshReachOf } from '../grant/lifetime.ts';
import type { GuestRealm } from '../limits/guest-realm.ts';
import { nodesOfGuest } from '../record/guest-nodes.ts';
import type { GuestRecord, GuestRefreshRecord } from '../record/guest-record.ts';
import type { Issued } from './mint-order.ts';

export const REFRESH_PREFIX = 'dpgr_';
export const GUEST_REFRESH_GRACE_MS = 10_000;

type RefreshIssue = {
  readonly issued: NonNullable<Issued['refresh']>;
  readonly writes: readonly Extract<Write, { put: unknown }>[];
};

/** The refresh token of a newly minted guest, if it may be refreshed. Its life begins when the guest's does. */
export function refreshWrites(realm: string, guest: GuestRecord): RefreshIssue | undefined {
  const reach = refreshReachOf(guest.granted.lifetime);
  if (reach === undefined) return undefined;
  const record: GuestRefreshRecord = { k: 'GuestRefresh', v: 1, guest, until: guest.iat + reach };
  return issue(realm, record, REFRESH_PREFIX + randomValue(), guest.iat);
}

/**
 * The one successor of a spent refresh token, the same for everybody who repeats the refresh. `since`: when the spent
 * one was read.
 */
export function refreshSuccessor(
  { clock }: { readonly clock: Clock },
  realm: GuestRealm,
  spent: { readonly record: GuestRefreshRecord; readonly value: string; readonly since: Stamp },
): RefreshIssue {
  const value = REFRESH_PREFIX + hmac(realm.secret, `guest-refresh-successor:${spent.value}`);
  const { issued, writes } = issue(realm.name, spent.record, value, epochSeconds(clock));
  return { issued, writes: writes.map((write) => ({ ...write, onlyIf: 'keep', since: spent.since })) };
}

function issue(realm: string, record: GuestRefreshRecord, value: string, now: number): RefreshIssue {
  const { guest, until } = record;
  const ttl = Math.max(1, until - now);
  const nodes = nodesOfGuest(guest);
  const stored = { ...record, beside: countBeside(nodes) };
  const put = { put: tokenKey(realm, sha256(value)), value: JSON.stringify(stored), ttl };
  return { issued: { value, expiresIn: ttl }, writes: hang(put, nodes) };
}
