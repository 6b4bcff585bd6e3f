/**
 * The answer to a refresh, kept sealed as long as the refresh may be repeated. A repeated refresh gets this very
 * token again, so that no second one lives.
 */
import { hmac, sha256 } from '../../base/hash.ts';
import { createSealer, type Sealer } from '../../keys/seal.ts';
import type { Document, Key, Write } from '../../storage/port/port.ts';
import type { GuestRealm } from '../limits/guest-realm.ts';
import type { Minted } from './mint.ts';
import { GUEST_REFRESH_GRACE_MS } from './refresh-value.ts';

/** Seconds. Longer than the grace, which ends by the time at which the refresh token was spent. */
const KEPT = GUEST_REFRESH_GRACE_MS / 1000 + 5;

export type Answered = Required<Pick<Minted, 'record' | 'value' | 'refresh'>>;

/** `value`: the refresh token that is spent. */
export function answerKey({ name }: Pick<GuestRealm, 'name'>, value: string): Key {
  return { realm: name, kind: 'guest-renewal', id: sha256(value) };
}

/** The commit is refused with `exists` when somebody has refreshed already. */
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

/** Sealed under the spent value itself: the store and even the master key are not enough to read it. */
function sealerUnder({ secret }: GuestRealm, value: string): Sealer {
  return createSealer(Buffer.from(hmac(secret, `guest-renewal:${value}`), 'base64url'));
}

function contextOf({ kind, id }: Key): string {
  return `${kind}/${id}`;
}
