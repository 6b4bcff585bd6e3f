/**
 * Refreshes a guest token without a reload of the page. The refresh token rotates; a repeated refresh within the
 * grace gets the same answer; reuse after the grace revokes the family. In a session with a limited number of tokens
 * the successor takes the place of its predecessor, which dies. Elsewhere the predecessor lives to its end, because
 * other tabs may hold it. Ceilings, policies and the user's permissions are applied anew; limits of uses and the end
 * of the chain stay as they were.
 */

import { epochSeconds } from '../../base/clock.ts';
import { Failure } from '../../base/errors.ts';
import { sha256 } from '../../base/hash.ts';
import { publishRevocation } from '../../revocation/cuts.ts';
import { endGuest, familyNode } from '../../revocation/guest-nodes.ts';
import { besideOf, countBeside, tokenKey } from '../../revocation/nodes.ts';
import { commitWithRetry } from '../../storage/port/optimistic-retry.ts';
import type { Document, Write } from '../../storage/port/port.ts';
import { isHeld } from '../../tokens/usable.ts';
import type { GuestGrant } from '../grant/grant.ts';
import { isRefused, type Refused } from '../grant/refusal.ts';
import type { GuestRealm, Minter } from '../limits/guest-realm.ts';
import { findGuestByHash, payloadOf } from '../lookup/lookup.ts';
import { nodesOfPointer } from '../record/guest-nodes.ts';
import {
  type Clocks,
  cutLifeOf,
  decodeGuestRefresh,
  type GuestRecord,
  type GuestRefreshRecord,
  guestPointer,
  isEarly,
  newestKey,
} from '../record/guest-record.ts';
import { guestValue } from '../record/guest-values.ts';
import { ownGrant } from '../record/policy-effect.ts';
import { appendIfPossible, nextEntry, type Source, type TrailDeps, tell } from '../trail/trail.ts';
import { authorizeMint } from './authorize-mint.ts';
import { type MintDeps, type Minted, mintedEntry } from './mint.ts';
import type { SubjectUser } from './mint-order.ts';
import { type Answered, answerKey, answerWrite, readAnswer } from './refresh-answer.ts';
import { GUEST_REFRESH_GRACE_MS, refreshSuccessor } from './refresh-value.ts';
import { takeSessionPlace } from './session-limit.ts';
import { keepFor, LINGER, recordWrites } from './writes.ts';

export type RefreshOrder = {
  readonly realm: GuestRealm;
  readonly value: string;
  /** The client that authenticated, if one did. */
  readonly clientId?: string | undefined;
  /** The key whose proof came with the request, if one did. */
  readonly jkt?: string | undefined;
  /** Thumbprint of the certificate of the connection, if it has one. */
  readonly 'x5t#S256'?: string | undefined;
  /** Who asks, for the trail. */
  readonly source: Source;
  /** Coarse scopes, for a token that may do less. Absent: all that was granted. */
  readonly scope?: string | undefined;
  /** The minter as it is now. */
  minterOf(clientId: string): Promise<Minter | undefined>;
  /** A user as they are now; `undefined` when the user is gone or disabled. */
  userOf(id: string): Promise<SubjectUser | undefined>;
};

/**
 * Makes a new token for a refresh token, under the ceilings and policies of this moment. The caller is the minting
 * client, or proves the key that the token is bound to. Rejects with `Failure('forbidden')` for every token that
 * cannot be refreshed (RFC 6749 §5.2 `invalid_grant`). Reuse after the grace revokes the family.
 */
export async function refreshGuest(deps: MintDeps, order: RefreshOrder): Promise<Minted | Refused> {
  const { realm } = order;
  const found = await findRefresh(deps, order);
  if (found === undefined || !mayRefresh(found.record, order)) throw dead();
  const { guest } = found.record;
  if (isReused(found.document)) {
    await endFamily(deps, realm.name, guest, order.source);
    throw dead();
  }
  if (found.answer !== undefined) return repeat(deps, order, found.answer);
  if (found.document.cut) throw dead();
  const decided = await decideAnew(deps, order, found.record);
  if (isRefused(decided)) return decided;
  const renewed = renewedOf(decided, guest);
  return renew(deps, order, found, deps.place(realm, renewed, renewed.iat + keepFor(renewed)));
}

/** What may be granted now. Rejects when the minter may not mint any more, or the user is gone. */
async function decideAnew(
  deps: TrailDeps,
  order: RefreshOrder,
  record: GuestRefreshRecord,
): Promise<GuestRecord | Refused> {
  const { realm, scope, source } = order;
  const { guest } = record;
  const minter = await order.minterOf(guest.clientId);
  const user = guest.userId === undefined ? undefined : await order.userOf(guest.userId);
  if (minter === undefined || (guest.userId !== undefined && user === undefined)) throw dead();
  if (!isWithin(scope, guest.scope)) return TOO_WIDE;
  const parent = user === undefined ? {} : { parent: { nodes: [], user } };
  const asked = orderOf(realm, record, deps);
  return authorizeMint(deps, { realm, minter, source, ...asked, scope, ...parent });
}

/** RFC 6749 §6: no scope that was not granted before. The next refresh may ask for all of it again. */
function isWithin(scope: string | undefined, granted: string): boolean {
  const held = new Set(granted.split(' '));
  return scope === undefined || scope.split(' ').every((verb) => held.has(verb));
}

const TOO_WIDE: Refused = {
  refused: [{ code: 'access_denied', pointer: '/scope', message: 'holds what was not granted' }],
};

type Found = {
  readonly document: Document;
  readonly record: GuestRefreshRecord;
  /** The successor that a refresh made a moment ago. */
  readonly answer: Document | undefined;
};

/**
 * `undefined` for what is no refresh token, or hangs under something dead. An exception: where the successor takes
 * the place of its predecessor, a spent refresh token is cut by that.
 */
async function findRefresh(
  { store }: Pick<TrailDeps, 'store'>,
  { realm, value }: RefreshOrder,
): Promise<Found | undefined> {
  const key = tokenKey(realm.name, sha256(value));
  const [document, answer] = await store.read([key, answerKey(realm, value)]);
  const record = document && decodeGuestRefresh(document.value);
  if (document === undefined || record === undefined) return undefined;
  if (document.cut && !(hasPlaces(record.guest) && document.spentAt !== undefined)) return undefined;
  // The pointer is as old as the chain, so a cut of "issued before" kills the chain by it.
  const pointer = guestPointer(realm.name, record.guest.id);
  const above = await store.read([
    pointer,
    ...besideOf(pointer, countBeside(nodesOfPointer(record.guest))),
    ...besideOf(key, record.beside ?? 0),
  ]);
  return above.every((one) => one?.cut === false) ? { document, record, answer } : undefined;
}

function hasPlaces({ granted }: GuestRecord): boolean {
  return granted.session?.max_concurrent !== undefined;
}

function isReused({ spentAt, now }: Document): boolean {
  return spentAt !== undefined && now - spentAt > GUEST_REFRESH_GRACE_MS * 1000;
}

/** The same token again, as it is now, unless it has ended since. */
async function repeat(deps: TrailDeps, { realm, value }: RefreshOrder, answer: Document): Promise<Answered> {
  const answered = readAnswer(realm, value, answer);
  const successor = await findGuestByHash(deps, realm.name, sha256(answered.value));
  if (successor?.state !== 'active' && successor?.state !== 'not_yet_valid') throw dead();
  return { ...answered, record: successor.record };
}

/** The minting client need not hold the browser's key or certificate. A caller that sends a proof must prove the right key. */
function mayRefresh({ guest }: GuestRefreshRecord, order: RefreshOrder): boolean {
  const { clientId, jkt } = order;
  if (clientId === undefined) return guest.jkt !== undefined && isHeld(guest, order);
  return clientId === guest.clientId && (guest.jkt === undefined || jkt === undefined || jkt === guest.jkt);
}

/** The grant is asked for again, for at most the rest of the chain's life. */
function orderOf(realm: GuestRealm, { guest, until }: GuestRefreshRecord, clocks: Clocks) {
  const { clock, storeAheadMs } = clocks;
  const now = epochSeconds(clock);
  const granted = ownGrant(realm, guest);
  const { refresh: _, ttl, not_before: _notBefore, ...lifetime } = granted.lifetime;
  const left = Math.max(1, until - now);
  const wait = isEarly(guest, clocks) ? waitOf(guest, now + storeAheadMs() / 1000) : 0;
  const asked: GuestGrant = {
    ...granted,
    resources: [...granted.resources],
    lifetime: {
      ...lifetime,
      ttl: Math.min(ttl ?? left, left),
      ...(wait === 0 ? {} : { not_before: wait }),
    },
  };
  return { asked, audiences: guest.audiences, act: guest.act };
}

function waitOf({ notBefore = 0 }: GuestRecord, now: number): number {
  return Math.max(0, Math.round(notBefore - now));
}

function renewedOf(decided: GuestRecord, guest: GuestRecord): GuestRecord {
  const { refresh } = guest.granted.lifetime;
  const { granted } = decided;
  return {
    ...decided,
    granted: refresh === undefined ? granted : { ...granted, lifetime: { ...granted.lifetime, refresh } },
    inherited: guest.inherited,
    budgets: guest.budgets,
    parentId: guest.parentId ?? guest.id,
    family: guest.id,
  };
}

async function renew(
  deps: MintDeps,
  order: RefreshOrder,
  { document, record }: Found,
  renewed: GuestRecord,
): Promise<Minted | Refused> {
  const { realm, value, source } = order;
  const { guest } = record;
  const token = await guestValue(realm, renewed);
  const hash = sha256(token);
  const successor = refreshSuccessor(deps, realm, { record, value, since: document.now });
  const trail = mintedEntry(deps, realm.name, renewed, { source, more: { refreshes: guest.id } });
  const minted = { record: renewed, value: token, refresh: successor.issued };
  const writes = [
    answerWrite(realm, value, minted),
    { spend: tokenKey(realm.name, sha256(value)), graceMs: GUEST_REFRESH_GRACE_MS },
    ...recordWrites(realm.name, renewed, hash, document.now),
    ...successor.writes,
    { put: newestKey(realm.name, guest.id), value: hash, ttl: successor.issued.expiresIn },
    ...(hasPlaces(guest) ? [endEarlier(realm.name, guest, successor.issued.expiresIn)] : []),
    ...trail.writes,
  ];
  const what = { event: 'guest.refreshed', source, more: { successor: renewed.id } };
  const { outcome, made } = await commitWithRetry(deps.store, writes, async () => {
    const slot = await takeSessionPlace(deps, realm.name, renewed, hash);
    const entry = await nextEntry(deps, { realm: realm.name, record: guest }, what);
    return [[...slot, ...entry.writes], entry.event];
  });
  if (outcome.ok) {
    for (const event of [made, trail.event]) tell(deps, realm.name, { event, source });
    return minted;
  }
  // Somebody else refreshed a moment ago: that answer is given again.
  if (outcome.step === 0) return refreshGuest(deps, order);
  if (outcome.reason === 'spent') await endFamily(deps, realm.name, guest, source);
  throw dead();
}

/** Ends everything of the chain but what this commit writes. `left`: seconds that the chain can last. */
function endEarlier(realm: string, { id }: GuestRecord, left: number): Write {
  return { cut: familyNode(id), realm, ttl: left + LINGER };
}

function dead(): Failure {
  return new Failure('forbidden', 'the refresh token is not active');
}

async function endFamily(deps: TrailDeps, realm: string, guest: GuestRecord, source: Source): Promise<void> {
  await deps.store.commit([
    endGuest(realm, guest.id, cutLifeOf(guest, epochSeconds(deps.clock))),
    publishRevocation(realm, { tokens: [payloadOf(guest)] }),
  ]);
  const what = { event: 'guest.reuse_detected', source, rhythm: 'once' } as const;
  await appendIfPossible(deps, { realm, record: guest }, what);
}
