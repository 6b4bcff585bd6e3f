/**
 * Refreshing a guest without a reload: the refresh token rotates, a repeated refresh within the grace gets the same
 * successor, and reuse after it kills the family. Ceilings and policies count anew at each refresh.
 */
import { type Clock, epochSeconds } from '../base/clock.ts';
import { hmac, sha256 } from '../base/hash.ts';
import { randomValue } from '../base/random.ts';
import type { Write } from '../storage/store.ts';
import { tokenKey } from '../tokens/nodes.ts';
import { familyNode } from './guest-nodes.ts';
import type { GuestRealm } from './guest-realm.ts';
import type { GuestRecord, GuestRefreshRecord } from './guest-record.ts';
import { refreshReachOf } from './lifetime.ts';

export const REFRESH_PREFIX = 'dpgr_';
export const GUEST_REFRESH_GRACE_MS = 10_000;

export type RefreshIssue = {
  readonly value: string;
  readonly expiresIn: number;
  readonly writes: readonly Write[];
};

/** The refresh token of a newly minted guest, if it may be refreshed. */
export function refreshWrites(
  { clock }: { readonly clock: Clock },
  realm: GuestRealm,
  guest: GuestRecord,
): RefreshIssue | undefined {
  const reach = refreshReachOf(guest.granted.lifetime);
  if (reach === undefined) return undefined;
  const value = REFRESH_PREFIX + randomValue();
  return issue(
    realm.name,
    { k: 'GuestRefresh', v: 1, guest, until: guest.iat + reach },
    value,
    epochSeconds(clock),
  );
}

/** The one successor of a spent refresh token, the same for everybody who repeats the refresh. */
export function refreshSuccessor(
  { clock }: { readonly clock: Clock },
  realm: GuestRealm,
  refresh: GuestRefreshRecord,
  spent: string,
): RefreshIssue {
  const value = REFRESH_PREFIX + hmac(realm.secret, `guest-refresh-successor:${spent}`);
  const { writes, ...rest } = issue(realm.name, refresh, value, epochSeconds(clock));
  return {
    ...rest,
    writes: writes.map((write) => ('put' in write ? { ...write, onlyIf: 'keep' as const } : write)),
  };
}

function issue(realm: string, refresh: GuestRefreshRecord, value: string, now: number): RefreshIssue {
  const { guest, until } = refresh;
  const ttl = Math.max(1, until - now);
  const under = [familyNode(guest.id), `c:${guest.clientId}`, ...guest.inherited];
  const put: Write = { put: tokenKey(realm, sha256(value)), value: JSON.stringify(refresh), ttl, under };
  return { value, expiresIn: ttl, writes: [put] };
}
