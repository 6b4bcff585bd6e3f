/**
 * Status list tokens (draft-ietf-oauth-status-list §5.1): a resource server that verifies guest JWTs by itself learns
 * here, a few seconds late, what introspection tells at once. A list is made from the store when somebody asks, so a
 * cut of a million tokens stays one write. A list that was made is used for two seconds.
 */

import { deflateSync } from 'node:zlib';
import { LRUCache } from 'lru-cache';
import { type Clock, epochSeconds } from '../../base/clock.ts';
import { signJwt } from '../../keys/sign-jwt.ts';
import { besideOf, tokenKey } from '../../revocation/nodes.ts';
import type { Document, Key, Store } from '../../storage/port/port.ts';
import type { GuestRealm } from '../limits/guest-realm.ts';
import { pointersAbove } from '../lookup/lookup.ts';
import { decodeGuest, guestPointer } from '../record/guest-record.ts';
import { listUri } from '../record/guest-values.ts';
import { isListId, LIST_LENGTH, listKey, type Member, readMember } from './status-places.ts';

/** Seconds for which a reader may cache a list. */
export const STATUS_TTL = 3;
/** Seconds after which a list is no longer valid. */
const STATUS_LIFE = 30;
const KEPT_MS = 2000;
const MAX_KEPT = 1000;
const PAGE = 1000;
/** How many tokens are read at a time, so that the store can serve others in between. */
const CHUNK = 128;

/** `iat` in seconds since the epoch. */
export type StatusListToken = { readonly jwt: string; readonly iat: number };

type Deps = { readonly store: Store; readonly clock: Clock };

/**
 * The signed list; `undefined` when it never existed, is over, or belongs to another realm. Rejects with
 * `Failure('unavailable')` when the store cannot be reached: an older list is never given instead.
 */
export function createStatusLists(deps: Deps) {
  const kept = new LRUCache<string, { until: number; made: Promise<StatusListToken | undefined> }>({
    max: MAX_KEPT,
  });

  async function tokenOf(realm: GuestRealm, id: string): Promise<StatusListToken | undefined> {
    if (!isListId(realm, id)) return undefined;
    const key = `${realm.name} ${id}`;
    const known = kept.get(key);
    if (known !== undefined && deps.clock() < known.until) return known.made;
    const until = deps.clock() + KEPT_MS;
    // All who ask while a list is being made wait for that one.
    const entry = { until: Number.POSITIVE_INFINITY, made: make(deps, realm, id) };
    kept.set(key, entry);
    try {
      const made = await entry.made;
      entry.until = until;
      return made;
    } catch (error) {
      if (kept.get(key) === entry) kept.delete(key);
      throw error;
    }
  }

  return { tokenOf };
}

async function make(deps: Deps, realm: GuestRealm, id: string): Promise<StatusListToken | undefined> {
  const iat = epochSeconds(deps.clock);
  const members = await membersOf(deps.store, listKey(realm.name, id));
  if (members.length === 0) return undefined;
  const bits = Buffer.alloc(LIST_LENGTH / 8);
  for (const idx of await invalidOf(deps, realm.name, members)) {
    // §4.1: the first index is the least significant bit of the first byte.
    bits[idx >> 3] = (bits[idx >> 3] ?? 0) | (1 << (idx & 7));
  }
  return { jwt: await sign(realm, id, iat, bits), iat };
}

async function membersOf(store: Store, index: Key): Promise<readonly Member[]> {
  const members: Member[] = [];
  let after: string | undefined;
  do {
    const page = await store.list(index, { limit: PAGE, ...(after === undefined ? {} : { after }) });
    members.push(...page.members.map(readMember));
    after = page.next;
  } while (after !== undefined);
  return members;
}

/**
 * Invalid: revoked by a node above it, or a JWT that says more than the token grants. Expiry stands in the JWT
 * itself.
 */
async function invalidOf(
  { store, clock }: Deps,
  realm: string,
  members: readonly Member[],
): Promise<readonly number[]> {
  const now = epochSeconds(clock);
  const ended = members.filter((member) => 'from' in member && member.from <= now);
  const tokens = members.filter((member) => 'id' in member);
  const invalid = ended.map(({ idx }) => idx);
  for (let at = 0; at < tokens.length; at += CHUNK) {
    const chunk = tokens.slice(at, at + CHUNK);
    const places = chunk.flatMap(({ idx, id, beside }) => {
      // The pointer is as old as the token, and hangs under every node that the token ever hung under, except its
      // family's.
      const pointer = guestPointer(realm, id);
      return [pointer, ...besideOf(pointer, beside)].map((key, at) => ({ idx, key, isPointer: at === 0 }));
    });
    const documents = await store.read(places.map(({ key }) => key));
    const isCut = (document: Document | undefined) => document?.cut !== false;
    // A cut of the family shows in the token's own document.
    const behind = places.flatMap(({ idx, isPointer }, i) => {
      const { value } = documents[i] ?? {};
      return isPointer && value !== undefined ? [{ idx, key: tokenKey(realm, value) }] : [];
    });
    const ownDocuments = behind.length === 0 ? [] : await store.read(behind.map(({ key }) => key));
    invalid.push(...places.filter((_, i) => isCut(documents[i])).map(({ idx }) => idx));
    invalid.push(...behind.filter((_, i) => isCut(ownDocuments[i])).map(({ idx }) => idx));
    const above = behind.flatMap(({ idx }, i) => {
      const record = ownDocuments[i] && decodeGuest(ownDocuments[i].value);
      return record === undefined ? [] : pointersAbove(realm, record).map((key) => ({ idx, key }));
    });
    const ancestors = above.length === 0 ? [] : await store.read(above.map(({ key }) => key));
    invalid.push(...above.filter((_, i) => isCut(ancestors[i])).map(({ idx }) => idx));
  }
  return invalid;
}

function sign(realm: GuestRealm, id: string, iat: number, bits: Buffer): Promise<string> {
  const key = realm.jwks.find(({ alg }) => alg === 'ES256');
  if (key === undefined) throw new Error('the realm has no ES256 key');
  const lst = deflateSync(bits, { level: 9 }).toString('base64url');
  return signJwt(key, 'statuslist+jwt', {
    iss: realm.issuer,
    sub: listUri(realm, id),
    iat,
    exp: iat + STATUS_LIFE,
    ttl: STATUS_TTL,
    status_list: { bits: 1, lst },
  });
}
