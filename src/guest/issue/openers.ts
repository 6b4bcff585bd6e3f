/**
 * One-use openers: a guest token that is minted when a browser opens an address, bound to a key that this browser has
 * just made. An opener hangs under the same nodes as its token will: what cuts the token cuts the opener.
 */

import { epochSeconds } from '../../base/clock.ts';
import { Failure, isFailure } from '../../base/errors.ts';
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

/** Seconds that a dead opener still tells its own page what became of it. */
const LINGER = 600;

/** `exp`: seconds since the epoch. */
type Stored = { readonly v: 1; readonly sealed: string; readonly beside: number; readonly exp: number };

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
  const exp = epochSeconds(deps.clock) + ttl;
  const stored: Stored = { v: 1, sealed, beside: countBeside(nodes), exp };
  const since = order.since === undefined ? {} : { since: order.since };
  const writes = hang({ put: key, value: JSON.stringify(stored), ttl: ttl + LINGER, ...since }, nodes);
  const guarded = [...ceilingGuards(realm, minter), ...writes];
  const { limit } = await counted(deps.quotas, order, () => keep(deps, guarded));
  return { value, record, limit, exp };
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

/** An opener that cannot be redeemed: it was used, or it expired, was cut or never existed. */
export type Gone = { readonly gone: 'spent' | 'expired' };

/** Redeems an opener once. */
export async function redeemOpener(deps: MintDeps, redemption: Redemption): Promise<Minted | Refused | Gone> {
  const { realm, value, jkt, source } = redemption;
  const found = await findOpener(deps, realm, value);
  if (found === undefined) return { gone: 'expired' };
  if (found.state !== 'active') return { gone: found.state };
  const minter = await redemption.minterOf(found.held.clientId);
  if (minter === undefined) return { gone: 'expired' };
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
    if (isFailure(error, 'conflict')) return { gone: 'spent' };
    if (isFailure(error, 'forbidden')) return { gone: 'expired' };
    throw error;
  }
}

type OpenerState = 'active' | 'spent' | 'expired';

/**
 * What has become of an opener, and the origins that may frame its page, also while it is dead and its record is
 * still there. Spends nothing.
 */
export async function stateOf(
  deps: Pick<MintDeps, 'store' | 'clock'>,
  realm: GuestRealm,
  value: string,
): Promise<{ readonly state: OpenerState; readonly origins: readonly string[] }> {
  const found = await findOpener(deps, realm, value);
  if (found === undefined) return { state: 'expired', origins: [] };
  return { state: found.state, origins: found.held.asked.binding?.origins ?? [] };
}

type Found = {
  readonly state: OpenerState;
  readonly key: Key;
  readonly document: Document;
  readonly held: Held;
};

async function findOpener(
  { store, clock }: Pick<MintDeps, 'store' | 'clock'>,
  realm: GuestRealm,
  value: string,
): Promise<Found | undefined> {
  const key = keyOf(realm, value);
  const [document] = await store.read([key]);
  if (document === undefined) return undefined;
  const stored: Stored = JSON.parse(document.value);
  const beside = besideOf(key, stored.beside);
  const others = beside.length === 0 ? [] : await store.read(beside);
  const isCut = document.cut || others.some((one) => one?.cut !== false);
  const isOver = isCut || stored.exp <= epochSeconds(clock);
  const held: Held = JSON.parse(sealerOf(realm).open(stored.sealed, contextOf(key)));
  const alive = isOver ? 'expired' : 'active';
  return { state: document.spentAt === undefined ? alive : 'spent', key, document, held };
}

function keyOf({ name }: GuestRealm, value: string): Key {
  return { realm: name, kind: 'guest-opener', id: sha256(value) };
}

function contextOf({ kind, id }: Key): string {
  return `${kind}/${id}`;
}
