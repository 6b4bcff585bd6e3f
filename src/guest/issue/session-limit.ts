/**
 * Limits how many tokens of one `session.key` live at once. The places are one document, written only if it is
 * unchanged since it was read, so that many mints at once never exceed the limit. A chain of refreshes has one place;
 * a dead token frees its place.
 */

import { type Clock, epochSeconds } from '../../base/clock.ts';
import { TooMany } from '../../limits/too-many.ts';
import { GUEST_CUT_TTL } from '../../revocation/guest-nodes.ts';
import { tokenKey } from '../../revocation/nodes.ts';
import type { Document, Store, Write } from '../../storage/port/port.ts';
import {
  decodeGuest,
  familyOf,
  type GuestRecord,
  idleKey,
  slotsKey,
  usesKey,
} from '../record/guest-record.ts';

/** `Retry-After` in seconds when all places are held by tokens that never expire. */
const UNKNOWN_WAIT = 60;

/** Hash of the token value, id of the family, expiry. */
type Slot = { readonly h: string; readonly f: string; readonly e: number | null };

type Deps = { readonly store: Store; readonly clock: Clock };

/**
 * The write that takes a place, for a commit that is tried again when it was refused with `exists`, `changed` or
 * `missing`. No write without a limit. Rejects with `TooMany`.
 */
export async function takeSessionPlace(
  deps: Deps,
  realm: string,
  record: GuestRecord,
  hash: string,
): Promise<readonly Write[]> {
  const { session } = record.granted;
  if (session?.max_concurrent === undefined) return [];
  const key = slotsKey(realm, record.clientId, session.key);
  const [document] = await deps.store.read([key]);
  const now = epochSeconds(deps.clock);
  const others = slotsOf(document).filter(({ f, e }) => f !== familyOf(record) && (e === null || e > now));
  const held = others.length < session.max_concurrent ? others : await living(deps, realm, others);
  if (held.length >= session.max_concurrent) throw tooMany(session.max_concurrent, held, now);
  const slots = [...held, { h: hash, f: familyOf(record), e: record.exp }];
  const ttl = slots.some(({ e }) => e === null)
    ? GUEST_CUT_TTL
    : Math.max(1, ...slots.map(({ e }) => (e ?? 0) - now));
  return [{ put: key, value: JSON.stringify(slots), ttl, onlyIf: document?.stamp ?? 'absent' }];
}

function slotsOf(document: Document | undefined): readonly Slot[] {
  const slots: Slot[] = document === undefined ? [] : JSON.parse(document.value);
  return slots;
}

/**
 * The places of living tokens, with their present ends: a revoked, expired, idle or used-up token frees its place.
 */
async function living(deps: Deps, realm: string, slots: readonly Slot[]): Promise<readonly Slot[]> {
  const documents = await deps.store.read(slots.map(({ h }) => tokenKey(realm, h)));
  const found = slots.map(async (slot, index): Promise<readonly Slot[]> => {
    const document = documents[index];
    const record = document?.cut === false ? decodeGuest(document.value) : undefined;
    if (record === undefined || (await isOver(deps, realm, record, slot.h))) return [];
    return [{ ...slot, e: record.exp }];
  });
  return (await Promise.all(found)).flat();
}

async function isOver(
  { store, clock }: Deps,
  realm: string,
  { exp, granted, budgets }: GuestRecord,
  hash: string,
): Promise<boolean> {
  if (exp !== null && exp <= epochSeconds(clock)) return true;
  if (granted.lifetime.idle !== undefined) {
    const [awake] = await store.read([idleKey(realm, hash)]);
    if (awake === undefined) return true;
  }
  const counts = await Promise.all(
    budgets.map(async ({ id, most }) => {
      const { count } = await store.count(usesKey(realm, id), { windowMs: 1000, by: 0 });
      return count >= most;
    }),
  );
  return counts.includes(true);
}

function tooMany(limit: number, held: readonly Slot[], now: number): TooMany {
  const ends = held.flatMap(({ e }) => (e === null ? [] : [e - now]));
  const resetsIn = ends.length === 0 ? UNKNOWN_WAIT : Math.max(1, Math.min(...ends));
  return new TooMany('the session has as many tokens as it may have', {
    retryAfter: resetsIn,
    limit: { name: 'session', quota: limit, remaining: 0, resetsIn },
  });
}
