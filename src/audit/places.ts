/**
 * Where the audit log of a realm lies in the store. Everything has a lifetime, so nothing has to be swept.
 *
 * `audit-days` lists days, `audit-slots` the ten-minute slots of a day, `audit-batches` the batches of a slot: a search
 * walks down from the newest. `audit-writers` lists the writers; each has a head (`audit-head`) that says where its
 * chain ends.
 */
import type { Key } from '../storage/port/port.ts';

/**
 * Where in the store: the realm itself, so that an event lies in the commit of its change. A disabled realm takes no
 * writes: what happens there lies beside it. No realm can have such a name.
 */
export function placesOf(realm: string): readonly string[] {
  return [realm, besideOf(realm)];
}

export const besideOf = (realm: string): string => `${realm}~`;

export const realmOfPlace = (place: string): string => place.replace(/~$/, '');

export const batchKey = (place: string, { writer, n }: BatchName): Key => ({
  realm: place,
  kind: 'audit',
  id: `${writer}~${n}`,
});
export const headKey = (place: string, writer: string): Key => ({
  realm: place,
  kind: 'audit-head',
  id: writer,
});
export const daysIndex = (place: string): Key => ({ realm: place, kind: 'audit-days', id: 'all' });
export const slotsIndex = (place: string, day: string): Key => ({
  realm: place,
  kind: 'audit-slots',
  id: day,
});
export const batchesIndex = (place: string, slot: string): Key => ({
  realm: place,
  kind: 'audit-batches',
  id: slot,
});
export const writersIndex = (place: string): Key => ({ realm: place, kind: 'audit-writers', id: 'all' });

/** The `n`th batch of a writer, counted from 1. */
export type BatchName = { readonly writer: string; readonly n: number };

/** `2026-11-27` of an ISO time. */
export const dayOf = (time: string): string => time.slice(0, 10);

/** Ten minutes: `2026-11-27T16:2` of `2026-11-27T16:23:45.678Z`. */
export const slotOf = (time: string): string => time.slice(0, 15);

/** A member of a slot. Members sort by time. */
export function memberOf({ writer, n }: BatchName, time: string): string {
  return `${time}~${writer}~${n}`;
}

export type Member = BatchName & { readonly time: string };

/** `undefined` for text that is no member: somebody else wrote it. */
export function readMember(text: string): Member | undefined {
  const [time = '', writer = '', count = '', ...rest] = text.split('~');
  const n = Number(count);
  const isMember = rest.length === 0 && writer !== '' && Number.isSafeInteger(n) && n > 0;
  return isMember && !Number.isNaN(Date.parse(time)) ? { time, writer, n } : undefined;
}
