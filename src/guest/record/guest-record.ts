/** What is at rest of a guest token: everything it says, nothing of its value. */
import { sha256 } from '../../base/hash.ts';
import type { Key } from '../../storage/port/port.ts';
import type { Granted } from '../grant/grant.ts';
import type { Rows } from '../grant/predicate.ts';
import type { ResolvedPolicy } from '../limits/policies.ts';

/** RFC 8693 §4.1: who acts, and for whom they act in turn. */
export type Actor = { readonly sub: string; readonly client_id?: string; readonly act?: Actor };

/** A counter that each use counts in, how far it may go, and when nothing counts in it any more (seconds). */
export type Budget = { readonly id: string; readonly most: number; readonly until: number | null };

/**
 * A condition on the rows of a resource as the call that made the token told it apart from others. It says where a
 * part of the limit came from, and limits nothing itself.
 */
export type RowOrigin = {
  readonly type: string;
  readonly id: string;
  readonly origin: 'app_filter' | 'rls';
  readonly rows: Rows;
};

/** A guest token by id, and how many documents stand beside its pointer. */
export type Ancestor = { readonly id: string; readonly beside: number };

/** Times are seconds since the epoch. Secrets of policies are in `sealedPolicies` only. */
export type GuestRecord = {
  readonly k: 'GuestToken';
  readonly v: 1;
  /** `gt_…`: its public name, apart from the value. */
  readonly id: string;
  readonly clientId: string;
  readonly sub: string;
  readonly audiences: readonly string[];
  readonly scope: string;
  readonly iat: number;
  readonly exp: number | null;
  readonly notBefore: number;
  readonly granted: Granted;
  readonly policies: readonly ResolvedPolicy[];
  readonly narrowed: readonly string[];
  /** `policyHashOf` at the minting. */
  readonly policyHash: string;
  readonly act?: Actor;
  readonly jkt?: string;
  /** The guest tokens above it: whatever kills one of them kills it, also by a cut that names no node of its own. */
  readonly ancestors?: readonly Ancestor[];
  /** The id of the guest token it was made from, or of whom it refreshes. */
  readonly parentId?: string;
  /** The user whose own rights limit it. */
  readonly userId?: string;
  /** The first token of its chain of refreshes; absent: it is the first itself. */
  readonly family?: string;
  /** Nodes that were inherited from the token it was exchanged for. */
  readonly inherited: readonly string[];
  /** Its own limit of uses and those of the tokens above it. */
  readonly budgets: readonly Budget[];
  /** The rows of each resource before the row policies came on top, in order; absent without row policies. */
  readonly ownRows?: readonly Rows[];
  /** Absent where the call tells no conditions apart. */
  readonly rowOrigins?: readonly RowOrigin[];
  /** Documents beside its own that it hangs on (guest-nodes.ts). */
  readonly beside?: number;
  /** When it was narrowed last. Its own document is younger than it since then; its pointer is not. */
  readonly narrowedAt?: number;
  /** Documents beside its pointer; said when it was narrowed. */
  readonly besidePointer?: number;
  /** Sealed JSON of the policies' parameters, secrets included; absent when there are no secrets. */
  readonly sealedPolicies?: string;
  /** The sealed value, where the product whose call made it shows it again. */
  readonly sealedValue?: string;
  /** Of a token whose value is a JWT: its bit (status-places.ts). */
  readonly status?: StatusPlace;
};

/** Times are seconds since the epoch. */
export type StatusPlace = {
  readonly list: string;
  readonly idx: number;
  /** When the list forgets the token. */
  readonly until: number;
  /** From when on the value says more than the token may do, since it was narrowed. */
  readonly from?: number;
};

/** The refresh token of a guest: what the next token is minted from. */
export type GuestRefreshRecord = {
  readonly k: 'GuestRefresh';
  readonly v: 1;
  readonly guest: GuestRecord;
  /** Where the chain of refreshes ends at the latest, seconds since the epoch. */
  readonly until: number;
  /** As of a guest record. */
  readonly beside?: number;
};

/** The first token of the chain of refreshes that this one is in. */
export function familyOf({ family, id }: Pick<GuestRecord, 'family' | 'id'>): string {
  return family ?? id;
}

/** The record of a guest token; `undefined` for anything else that is filed under token values. */
export function decodeGuest(value: string): GuestRecord | undefined {
  const stored = decode(value);
  return stored?.k === 'GuestToken' ? stored : undefined;
}

export function decodeGuestRefresh(value: string): GuestRefreshRecord | undefined {
  const stored = decode(value);
  return stored?.k === 'GuestRefresh' ? stored : undefined;
}

function decode(value: string): GuestRecord | GuestRefreshRecord | undefined {
  // The kind comes first in what is written; every other token is known by its first bytes.
  if (!value.startsWith('{"k":"Guest')) return undefined;
  // Only this module's types are written under these kinds.
  const stored = JSON.parse(value) as GuestRecord | GuestRefreshRecord;
  return stored.v === 1 ? stored : undefined;
}

/**
 * `guest:` and 22 characters of SHA-256 over the JSON of tenant and id: two of them never meet by concatenation, and
 * none looks like a user or a client (RFC 9700 §4.15).
 */
export function guestSubject(tenant: string, id: string | undefined): string {
  return `guest:${sha256(JSON.stringify([tenant, id ?? null])).slice(0, 22)}`;
}

/** Where a guest token's hash is found by its public id. */
export function guestPointer(realm: string, id: string): Key {
  return { realm, kind: 'guest', id };
}

/** The hash of the newest token of a family, once it was refreshed or narrowed. */
export function newestKey(realm: string, family: string): Key {
  return { realm, kind: 'guest-newest', id: family };
}

/** Ids of the guests that a client minted, and of those of a tenant. */
export function guestsOfClient(realm: string, clientId: string): Key {
  return { realm, kind: 'guests-by', id: clientId };
}

export function guestsOfTenant(realm: string, tenant: string): Key {
  return { realm, kind: 'guests-in', id: tenant };
}

/** Custom resource types that guests of the realm were made for: a cut of an id must know them. */
export function customTypes(realm: string): Key {
  return { realm, kind: 'guest-types', id: 'custom' };
}

/** There while an idle token is in use. */
export function idleKey(realm: string, hash: string): Key {
  return { realm, kind: 'guest-idle', id: hash };
}

export function usesKey(realm: string, budget: string): Key {
  return { realm, kind: 'guest-uses', id: budget };
}

/** Who has the places of one `session.key` of a client. */
export function slotsKey(realm: string, clientId: string, session: string): Key {
  return { realm, kind: 'guest-session', id: JSON.stringify([clientId, session]) };
}

/** Where events were before trails were chains (trail.ts). */
export function eventsKey(realm: string, id: string): Key {
  return { realm, kind: 'guest-events', id };
}
