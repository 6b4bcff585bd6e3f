/**
 * Mints once per idempotency key of a client. Whoever repeats the request gets the same token again, also at the same
 * moment. The answer is kept sealed, and is written in the commit that makes the token.
 */
import { Failure, isFailure } from '../../base/errors.ts';
import { sha256 } from '../../base/hash.ts';
import type { Key } from '../../storage/port/port.ts';
import type { Refused } from '../grant/refusal.ts';
import type { GuestRealm } from '../limits/guest-realm.ts';
import { findGuestByHash } from '../lookup/lookup.ts';
import { sealerOf } from '../record/sealing.ts';
import { type MintDeps, type Minted, mint } from './mint.ts';
import type { MintOrder } from './mint-order.ts';

/** Seconds that an answer can be asked for again. */
const KEPT = 86_400;

/** The request that a key was used for, and the answer to it. */
type Held = { readonly request: string; readonly minted: Minted };

/** `request`: a hash of the request. Rejects with `Failure('conflict')` when the key was used for another one. */
export async function mintOnce(
  deps: MintDeps,
  order: MintOrder,
  { key, request }: { readonly key: string; readonly request: string },
): Promise<Minted | Refused> {
  const place = placeOf(order, key);
  const known = await answerAt(deps, order.realm, place, request);
  if (known !== undefined) return living(deps, order.realm, known);
  try {
    return await mint(deps, {
      ...order,
      also: (record, _hash, issued) => [
        {
          put: place,
          value: seal(order.realm, place, { request, minted: { record, ...issued } }),
          ttl: KEPT,
          onlyIf: 'absent',
        },
      ],
    });
  } catch (error) {
    if (!isFailure(error, 'conflict')) throw error;
    const first = await answerAt(deps, order.realm, place, request);
    if (first === undefined) throw error;
    return living(deps, order.realm, first);
  }
}

/** What died is not given out again as if it were new. */
async function living(
  deps: Pick<MintDeps, 'store' | 'clock' | 'storeAheadMs'>,
  { name }: GuestRealm,
  minted: Minted,
): Promise<Minted> {
  const found = await findGuestByHash(deps, name, sha256(minted.value ?? ''));
  if (found?.state === 'active' || found?.state === 'not_yet_valid') return minted;
  throw new Failure('conflict', 'the token of this Idempotency-Key is over');
}

function placeOf({ realm, minter }: MintOrder, key: string): Key {
  return { realm: realm.name, kind: 'guest-once', id: sha256(JSON.stringify([minter.clientId, key])) };
}

async function answerAt(
  { store }: Pick<MintDeps, 'store'>,
  realm: GuestRealm,
  place: Key,
  request: string,
): Promise<Minted | undefined> {
  const [document] = await store.read([place]);
  if (document === undefined || document.cut) return undefined;
  const held: Held = JSON.parse(sealerOf(realm).open(document.value, contextOf(place)));
  if (held.request !== request) {
    throw new Failure('conflict', 'the Idempotency-Key was used for another request');
  }
  return held.minted;
}

function seal(realm: GuestRealm, place: Key, held: Held): string {
  return sealerOf(realm).seal(JSON.stringify(held), contextOf(place));
}

function contextOf({ kind, id }: Key): string {
  return `${kind}/${id}`;
}
