/**
 * What a refresh was answered with, kept sealed for as long as it may be repeated: whoever repeats it gets this very
 * token again, and none more lives.
 */
import { hmac, sha256 } from '../../base/hash.ts';
import { createSealer, type Sealer } from '../../keys/seal.ts';
import type { Document, Key, Write } from '../../storage/port/port.ts';
import type { GuestRealm } from '../limits/guest-realm.ts';
import type { Minted } from './mint.ts';
import { GUEST_REFRESH_GRACE_MS } from './refresh-value.ts';

/** Seconds. Longer than the grace, whose end is when the refresh token was spent. */
const KEPT = GUEST_REFRESH_GRACE_MS / 1000 + 5;

export type Answered = Required<Pick<Minted, 'record' | 'value' | 'refresh'>>;

/** `value`: of the refresh token that is spent. */
export function answerKey({ name }: Pick<GuestRealm, 'name'>, value: string): Key {
  return { realm: name, kind: 'guest-renewal', id: sha256(value) };
}

/** Refused with `exists` when somebody has refreshed already. */
export function answerWrite(realm: GuestRealm, value: string, answer: Answered): Write {
  const place = answerKey(realm, value);
  const sealed = sealerUnder(realm, value).seal(JSON.stringify(answer), contextOf(place));
  return { put: place, value: sealed, ttl: KEPT, onlyIf: 'absent' };
}

export function readAnswer(realm: GuestRealm, value: string, document: Document): Answered {
  const place = answerKey(realm, value);
  const answer: Answered = JSON.parse(sealerUnder(realm, value).open(document.value, contextOf(place)));
  return answer;
}

/** Under the spent value itself: whoever has the store, and even the master key, cannot read it without. */
function sealerUnder({ secret }: GuestRealm, value: string): Sealer {
  return createSealer(Buffer.from(hmac(secret, `guest-renewal:${value}`), 'base64url'));
}

function contextOf({ kind, id }: Key): string {
  return `${kind}/${id}`;
}
