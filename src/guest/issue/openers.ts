/**
 * One-use openers: a guest token that is minted when a browser opens an address, bound to a key that this browser has
 * just made. An opener hangs under the same nodes as its token will: what cuts the token cuts the opener.
 */

import { epochSeconds } from '../../base/clock.ts';
import { Failure } from '../../base/errors.ts';
import { sha256 } from '../../base/hash.ts';
import { randomValue } from '../../base/random.ts';
import type { LimitState } from '../../limits/too-many.ts';
import { besideOf, countBeside, hang } from '../../revocation/nodes.ts';
import type { Document, Key, Write } from '../../storage/port/port.ts';
import type { GuestGrant } from '../grant/grant.ts';
import { isRefused, type Refused } from '../grant/refusal.ts';
import { ceilingFault, ceilingGuards } from '../limits/ceiling-guard.ts';
import type { GuestRealm, Minter } from '../limits/guest-realm.ts';
import { counted } from '../limits/mint-quota.ts';
import { nodesOfGuest } from '../record/guest-nodes.ts';
import type { GuestRecord } from '../record/guest-record.ts';
import { sealerOf } from '../record/sealing.ts';
import type { Source } from '../trail/trail.ts';
import { authorizeMint } from './authorize-mint.ts';
import { type MintDeps, type Minted, mint } from './mint.ts';
import type { MintOrder } from './mint-order.ts';

const PREFIX = 'dpo_';

type Held = {
  readonly clientId: string;
  readonly asked: GuestGrant;
  readonly audiences: readonly string[];
  readonly inherited: readonly string[];
};

type Stored = { readonly v: 1; readonly sealed: string; readonly beside: number };

export type Opener = {
  readonly value: string;
  /** Seconds since the epoch. */
  readonly exp: number;
  /** What a redemption would grant now. */
  readonly record: GuestRecord;
  readonly limit: LimitState | undefined;
};

/**
 * Makes an opener for the order; refused where minting would be. The opener counts in the quota in place of the
 * token, so that the client and not the person at the browser is slowed down. `ttl` is in seconds.
 */
export async function createOpener(deps: MintDeps, order: MintOrder, ttl: number): Promise<Opener | Refused> {
  const record = authorizeMint(deps, order);
  if (isRefused(record)) return record;
  const { realm, minter, asked } = order;
  const value = PREFIX + randomValue();
  const key = keyOf(realm, value);
  const held: Held = {
    clientId: minter.clientId,
    asked,
    audiences: order.audiences ?? [],
    inherited: record.inherited,
  };
  const nodes = nodesOfGuest(record);
  const sealed = sealerOf(realm).seal(JSON.stringify(held), contextOf(key));
  const stored: Stored = { v: 1, sealed, beside: countBeside(nodes) };
  const since = order.since === undefined ? {} : { since: order.since };
  const writes = hang({ put: key, value: JSON.stringify(stored), ttl, ...since }, nodes);
  const guarded = [...ceilingGuards(realm, minter), ...writes];
  const { limit } = await counted(deps.quotas, order, () => keep(deps, guarded));
  return { value, record, limit, exp: epochSeconds(deps.clock) + ttl };
}

async function keep({ store }: MintDeps, writes: readonly Write[]): Promise<void> {
  const outcome = await store.commit(writes);
  if (outcome.ok) return;
  throw (
    ceilingFault(outcome, writes) ??
    new Failure('forbidden', 'what the opener was made with is not active any more')
  );
}

export type Redemption = {
  readonly realm: GuestRealm;
  readonly value: string;
  /** Thumbprint of the key whose proof came with the request. */
  readonly jkt: string;
  /** Who redeems it, for the trail. */
  readonly source: Source;
  /** The minter as it is now. */
  minterOf(clientId: string): Promise<Minter | undefined>;
};

/**
 * Redeems an opener once. Rejects with `Failure('not_found')` for an opener that never existed, expired, was used or
 * was cut.
 */
export async function redeemOpener(deps: MintDeps, redemption: Redemption): Promise<Minted | Refused> {
  const { realm, value, jkt, source } = redemption;
  const found = await findOpener(deps, realm, value);
  const minter = found && (await redemption.minterOf(found.held.clientId));
  if (found === undefined || minter === undefined) throw notActive();
  const { asked, audiences, inherited } = found.held;
  try {
    return await mint(deps, {
      realm,
      minter,
      asked,
      source,
      audiences,
      parent: { nodes: inherited },
      jkt,
      isCounted: true,
      since: found.document.now,
      also: () => [{ spend: found.key }],
    });
  } catch (error) {
    const isSpent = error instanceof Failure && (error.code === 'conflict' || error.code === 'forbidden');
    throw isSpent ? notActive() : error;
  }
}

/** The origins that may frame the page of an opener. Spends nothing. `undefined` for an opener that is not active. */
export async function originsOf(
  deps: Pick<MintDeps, 'store'>,
  realm: GuestRealm,
  value: string,
): Promise<readonly string[] | undefined> {
  const found = await findOpener(deps, realm, value);
  return found && (found.held.asked.binding?.origins ?? []);
}

type Found = { readonly key: Key; readonly document: Document; readonly held: Held };

async function findOpener(
  { store }: Pick<MintDeps, 'store'>,
  realm: GuestRealm,
  value: string,
): Promise<Found | undefined> {
  const key = keyOf(realm, value);
  const [document] = await store.read([key]);
  if (document === undefined || document.cut || document.spentAt !== undefined) return undefined;
  const stored: Stored = JSON.parse(document.value);
  const beside = besideOf(key, stored.beside);
  const others = beside.length === 0 ? [] : await store.read(beside);
  if (others.some((one) => one?.cut !== false)) return undefined;
  const held: Held = JSON.parse(sealerOf(realm).open(stored.sealed, contextOf(key)));
  return { key, document, held };
}

function keyOf({ name }: GuestRealm, value: string): Key {
  return { realm: name, kind: 'guest-opener', id: sha256(value) };
}

function contextOf({ kind, id }: Key): string {
  return `${kind}/${id}`;
}

function notActive(): Failure {
  return new Failure('not_found', 'the opener is not active');
}
