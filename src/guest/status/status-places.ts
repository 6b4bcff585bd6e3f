/**
 * The place of a token in a status list (draft-ietf-oauth-status-list). Each process fills lists of its own, of a
 * fixed length and in random order. So no two tokens share a place, whoever else mints and however often a process
 * starts. It costs no step in the store, and a place shows neither how many tokens exist nor which came first. A list
 * exists from its first token to the end of its last one.
 */

import { randomInt } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { LRUCache } from 'lru-cache';
import { equalInConstantTime, hmac } from '../../base/hash.ts';
import { randomValue } from '../../base/random.ts';
import { countBeside } from '../../revocation/nodes.ts';
import type { Key, Write } from '../../storage/port/port.ts';
import type { GuestRealm } from '../limits/guest-realm.ts';
import { nodesOfPointer } from '../record/guest-nodes.ts';
import type { GuestRecord } from '../record/guest-record.ts';
import { claimsOf } from '../record/guest-values.ts';

/** Bits of a list: enough that a place tells nothing, few enough to read all at once. */
export const LIST_LENGTH = 1024;
/** For so many realms a process remembers the list that it is filling. Other realms begin a new one. */
const MAX_REALMS = 1000;

type OpenList = { readonly id: string; readonly order: Uint16Array; used: number };

export type Placing = ReturnType<typeof createPlacing>;

/** Gives a place to a token whose value is a JWT, and leaves other tokens as they are. */
export function createPlacing() {
  const open = new LRUCache<string, OpenList>({ max: MAX_REALMS });

  /** `until`: when the list drops the token, in seconds since the epoch. */
  return function place(realm: GuestRealm, record: GuestRecord, until: number): GuestRecord {
    const { format } = record.granted;
    if (format === 'opaque' || format === 'uuid') return record;
    // A realm that was removed and created again has another secret, so lists of the old one are not its lists.
    const key = `${realm.name} ${hmac(realm.secret, 'status-lists')}`;
    const known = open.get(key);
    const list = known === undefined || known.used === LIST_LENGTH ? newList(realm) : known;
    open.set(key, list);
    const idx = list.order[list.used] ?? 0;
    list.used += 1;
    return { ...record, status: { list: list.id, idx, until } };
  };
}

function newList({ secret }: GuestRealm): OpenList {
  const nonce = randomValue().slice(0, NONCE_LENGTH);
  return { id: nonce + macOf(secret, nonce), order: shuffled(LIST_LENGTH), used: 0 };
}

/** Fisher and Yates. */
function shuffled(length: number): Uint16Array {
  const order = Uint16Array.from({ length }, (_, index) => index);
  for (let last = length - 1; last > 0; last -= 1) {
    const other = randomInt(last + 1);
    const [a, b] = [order[last] ?? 0, order[other] ?? 0];
    order[last] = b;
    order[other] = a;
  }
  return order;
}

const NONCE_LENGTH = 16;
const MAC_LENGTH = 11;

function macOf(secret: Buffer, nonce: string): string {
  return hmac(secret, `status-list:${nonce}`).slice(0, MAC_LENGTH);
}

/** Whether this realm made the id. Guessed ids and lists of other realms never reach the store. */
export function isListId({ secret }: GuestRealm, id: string): boolean {
  const nonce = id.slice(0, NONCE_LENGTH);
  return equalInConstantTime(id.slice(NONCE_LENGTH), macOf(secret, nonce));
}

/** The index of a list: a member for each token, and one for each JWT that ends early. */
export function listKey(realm: string, id: string): Key {
  return { realm, kind: 'status-list', id };
}

/**
 * The two kinds of members differ after the index: a space and the id of the token, or `!` and the time from which
 * the place is invalid.
 */
export type Member =
  | { readonly idx: number; readonly id: string; readonly beside: number }
  | { readonly idx: number; readonly from: number };

export function readMember(member: string): Member {
  const end = /^(\d+)!(\d+)$/.exec(member);
  if (end !== null) return { idx: Number(end[1]), from: Number(end[2]) };
  const [idx, id = '', beside = 0] = member.split(' ');
  return { idx: Number(idx), id, beside: Number(beside) };
}

/** The writes for the place of a new token. `ttl`: seconds that the store keeps the token. */
export function statusWrites(realm: string, record: GuestRecord, ttl: number): Write[] {
  if (record.status === undefined) return [];
  const { list, idx } = record.status;
  const beside = countBeside(nodesOfPointer(record));
  const member = `${idx} ${record.id}${beside === 0 ? '' : ` ${beside}`}`;
  return [{ index: listKey(realm, list), member, ttl }];
}

/**
 * The writes for a narrowed token whose JWT says too much: invalid from the new end on, or at once when the JWT
 * itself contains what was taken away.
 */
export function endStatus(before: GuestRecord, narrowed: GuestRecord, now: number): GuestRecord {
  const { status } = before;
  if (status === undefined) return narrowed;
  const from = Math.min(
    status.from ?? Number.POSITIVE_INFINITY,
    narrowed.exp === before.exp ? Number.POSITIVE_INFINITY : (narrowed.exp ?? Number.POSITIVE_INFINITY),
    saysTheSame(before, narrowed) ? Number.POSITIVE_INFINITY : now,
  );
  return Number.isFinite(from) ? { ...narrowed, status: { ...status, from } } : narrowed;
}

/**
 * Whether a JWT signed for one grant would also be right for the other, apart from its expiry. A reference JWT always
 * is.
 */
function saysTheSame(before: GuestRecord, after: GuestRecord): boolean {
  if (before.granted.format === 'jwt_reference') return true;
  return isDeepStrictEqual(claimsOf(endless(before)), claimsOf(endless(after)));
}

function endless(record: GuestRecord): GuestRecord {
  return { ...record, granted: { ...record.granted, lifetime: { ttl: null } } };
}

export function endStatusWrites(
  realm: string,
  before: GuestRecord,
  narrowed: GuestRecord,
  now: number,
): Write[] {
  const { status } = narrowed;
  if (status?.from === undefined || status.from === before.status?.from) return [];
  const index = listKey(realm, status.list);
  const old = before.status?.from;
  return [
    ...(old === undefined ? [] : [{ unindex: index, member: `${status.idx}!${old}` }]),
    { index, member: `${status.idx}!${status.from}`, ttl: Math.max(1, status.until - now) },
  ];
}
