/** The record of a guest token: everything it grants, and nothing of its value. */
import type { Clock } from '../../base/clock.ts';
import { sha256 } from '../../base/hash.ts';
import { GUEST_CUT_TTL } from '../../revocation/guest-nodes.ts';
import type { Document, Key } from '../../storage/port/port.ts';
import type { Granted } from '../grant/grant.ts';
import { refreshReachOf } from '../grant/lifetime.ts';
import type { Rows } from '../grant/predicate.ts';
import type { ResolvedPolicy } from '../limits/policies.ts';

/** RFC 8693 §4.1: the actor, and the actors before it. */
export type Actor = { readonly sub: string; readonly client_id?: string; readonly act?: Actor };

/** A counter of uses, its limit, and the time after which nothing counts in it any more (seconds). */
export type Budget = { readonly id: string; readonly most: number; readonly until: number | null };

/**
 * A condition on the rows of a resource, as the embed product's call named it. It says where a part of the limit came
 * from, and limits nothing itself.
 */
export type RowOrigin = {
  readonly type: string;
  readonly id: string;
  readonly origin: 'app_filter' | 'rls';
  readonly rows: Rows;
};

/** The id of a guest token, and the number of documents beside its pointer. */
export type Ancestor = { readonly id: string; readonly beside: number };

/** The clocks by which it is judged whether a token is valid yet. */
export type Clocks = { readonly clock: Clock; readonly storeAheadMs: () => number };

/** Whether a token was asked to become valid later, and that time has not come by the store's clock. */
export function isEarly({ notBefore = 0 }: Pick<GuestRecord, 'notBefore'>, clocks: Clocks): boolean {
  return notBefore * 1000 > clocks.clock() + clocks.storeAheadMs();
}

/** Times are seconds since the epoch. Secrets of policies are in `sealedPolicies` only. */
export type GuestRecord = {
  readonly k: 'GuestToken';
  readonly v: 1;
  /** `gt_…`: its public id, which is independent of the value. */
  readonly id: string;
  readonly clientId: string;
  readonly sub: string;
  readonly audiences: readonly string[];
  readonly scope: string;
  readonly iat: number;
  readonly exp: number | null;
  /** By the store's clock, which all nodes share. Absent where none was asked for: no clock can then be in the way. */
  readonly notBefore?: number;
  readonly granted: Granted;
  readonly policies: readonly ResolvedPolicy[];
  readonly narrowed: readonly string[];
  /** The result of `policyHashOf` at the minting. */
  readonly policyHash: string;
  readonly act?: Actor;
  readonly jkt?: string;
  /** Thumbprint of the certificate that it is bound to. */
  readonly 'x5t#S256'?: string;
  /**
   * Its ancestors among guest tokens: what kills one of them kills this token too, also a cut of a node that this
   * token does not hang under.
   */
  readonly ancestors?: readonly Ancestor[];
  /** The id of the guest token that it was made from, or that it refreshes. */
  readonly parentId?: string;
  /** The user whose permissions limit it. */
  readonly userId?: string;
  /** That user's roles at the minting. A user that loses one is cut, and this token with it. */
  readonly userRoles?: readonly string[];
  /** The first token of its chain of refreshes. Absent: this is the first one. */
  readonly family?: string;
  /** Nodes inherited from the token that it was exchanged for. */
  readonly inherited: readonly string[];
  /** Its own limit of uses and those of the tokens above it. */
  readonly budgets: readonly Budget[];
  /** The rows of each resource before the row policies were applied, in order. Absent without row policies. */
  readonly ownRows?: readonly Rows[];
  /** Absent where the call does not name its conditions. */
  readonly rowOrigins?: readonly RowOrigin[];
  /** The documents beside its own that it also hangs on (guest-nodes.ts). */
  readonly beside?: number;
  /** The time of the last PATCH. Since then its own document is younger than the token; its pointer is not. */
  readonly narrowedAt?: number;
  /** The number of documents beside its pointer. Written when the token is narrowed. */
  readonly besidePointer?: number;
  /** Sealed JSON of the policies' parameters, secrets included; absent when there are no secrets. */
  readonly sealedPolicies?: string;
  /** The sealed value, for products that show it again. */
  readonly sealedValue?: string;
  /** Days that events of its trail are kept; 0: it has none. Absent: 90. */
  readonly trailDays?: number;
  /** For a token whose value is a JWT: its place in a status list (status-places.ts). */
  readonly status?: StatusPlace;
};

/** Times are seconds since the epoch. */
export type StatusPlace = {
  readonly list: string;
  readonly idx: number;
  /** When the status list drops the token. */
  readonly until: number;
  /** Since when the JWT says more than the token grants, because the token was narrowed. */
  readonly from?: number;
};

/** The refresh token of a guest: what the next token is minted from. */
export type GuestRefreshRecord = {
  readonly k: 'GuestRefresh';
  readonly v: 1;
  readonly guest: GuestRecord;
  /** The latest end of the chain of refreshes, in seconds since the epoch. */
  readonly until: number;
  /** As in a guest record. */
  readonly beside?: number;
};

/** RFC 7800 §3.1, with RFC 9449 §6.1 and RFC 8705 §3.1: what the sender must prove to hold. Both, where both are there. */
export function confirmationOf({ jkt, 'x5t#S256': x5t }: Pick<GuestRecord, 'jkt' | 'x5t#S256'>): {
  readonly cnf?: object;
} {
  if (jkt === undefined && x5t === undefined) return {};
  return {
    cnf: { ...(jkt === undefined ? {} : { jkt }), ...(x5t === undefined ? {} : { 'x5t#S256': x5t }) },
  };
}

/** The first token of the chain that this refresh token belongs to. */
export function familyOf({ family, id }: Pick<GuestRecord, 'family' | 'id'>): string {
  return family ?? id;
}

/** The record of a guest token; `undefined` for any other record that is stored under a token's hash. */
export function decodeGuest(value: string): GuestRecord | undefined {
  const stored = decode(value);
  return stored?.k === 'GuestToken' ? stored : undefined;
}

export type StoredGuest = {
  readonly record: GuestRecord;
  readonly document: Document;
  /** SHA-256 of the token's value. */
  readonly hash: string;
};

/** The guest token in a document that was stored under a token's hash; `undefined` for every other kind of token. */
export function storedGuest(document: Document, hash: string): StoredGuest | undefined {
  const record = decodeGuest(document.value);
  return record && { record, document, hash };
}

export function decodeGuestRefresh(value: string): GuestRefreshRecord | undefined {
  const stored = decode(value);
  return stored?.k === 'GuestRefresh' ? stored : undefined;
}

function decode(value: string): GuestRecord | GuestRefreshRecord | undefined {
  // The kind is the first member of the JSON, so the first bytes tell guest tokens from all others.
  if (!value.startsWith('{"k":"Guest')) return undefined;
  // Only this module writes records of these kinds.
  const stored = JSON.parse(value) as GuestRecord | GuestRefreshRecord;
  return stored.v === 1 ? stored : undefined;
}

/**
 * `guest:` and 22 characters of the SHA-256 of the JSON of tenant and id. No two pairs give the same text, and none
 * looks like the id of a user or a client (RFC 9700 §4.15).
 */
export function guestSubject(tenant: string, id: string | undefined): string {
  return `guest:${sha256(JSON.stringify([tenant, id ?? null])).slice(0, 22)}`;
}

/** The key of a guest token's pointer: finds the hash by the public id. */
export function guestPointer(realm: string, id: string): Key {
  return { realm, kind: 'guest', id };
}

/** The key of the hash of a family's newest token, once one was refreshed or narrowed. */
export function newestKey(realm: string, family: string): Key {
  return { realm, kind: 'guest-newest', id: family };
}

/** The index of the guest tokens that a client minted, and the index of those of a tenant. */
export function guestsOfClient(realm: string, clientId: string): Key {
  return { realm, kind: 'guests-by', id: clientId };
}

export function guestsOfTenant(realm: string, tenant: string): Key {
  return { realm, kind: 'guests-in', id: tenant };
}

/** The index of custom resource types in use: a cut of a resource by its bare id must know them. */
export function customTypes(realm: string): Key {
  return { realm, kind: 'guest-types', id: 'custom' };
}

/** The key of a document that exists while a token with an idle time is in use. */
export function idleKey(realm: string, hash: string): Key {
  return { realm, kind: 'guest-idle', id: hash };
}

export function usesKey(realm: string, budget: string): Key {
  return { realm, kind: 'guest-uses', id: budget };
}

/** The key of the places of one `session.key` of a client. */
export function slotsKey(realm: string, clientId: string, session: string): Key {
  return { realm, kind: 'guest-session', id: JSON.stringify([clientId, session]) };
}

/** The index of events from before trails were chains (trail.ts). */
export function eventsKey(realm: string, id: string): Key {
  return { realm, kind: 'guest-events', id };
}

/** A day more than anything can live, until expired records are deleted and clocks agree. */
const MARGIN = 86_400;

/**
 * Seconds for which a cut of this token must be remembered: the rest of its life, or of its chain of refreshes. What is
 * made of a guest token ends no later than it.
 */
export function cutLifeOf({ exp, iat, granted }: GuestRecord, now: number): number {
  if (exp === null) return GUEST_CUT_TTL;
  const chainEnd = iat + (refreshReachOf(granted.lifetime) ?? 0);
  return Math.max(0, exp - now, chainEnd - now) + MARGIN;
}

/** The same for an id without a token: it has expired, with all of its chain. */
export const UNKNOWN_CUT_LIFE = MARGIN;
