/**
 * The trail of a token as it is shown: the events that were written, and those that only follow from the token's
 * state.
 */
import type { Store } from '../../storage/port/port.ts';
import { eventsKey } from '../record/guest-record.ts';
import { readTrail, type TrailDeps } from '../trail/trail.ts';
import type { ChainedEvent, Head } from '../trail/trail-chain.ts';
import type { TrailNotes } from '../trail/trail-notes.ts';
import type { FoundGuest } from './lookup.ts';

/** An event outside the chain: written by an older version, or derived. `at` is null when the time is not known. */
export type LooseEvent = {
  readonly event: string;
  readonly at: string | null;
  readonly [member: string]: unknown;
};

export type GuestTrail = {
  /** Oldest first. */
  readonly events: readonly (ChainedEvent | LooseEvent)[];
  /** The last event of the chain. */
  readonly head: Head | null;
  /** The events that form the chain. */
  readonly chain: readonly ChainedEvent[];
};

type Deps = Pick<TrailDeps, 'store' | 'clock'> & { readonly notes: TrailNotes };

/** `found`: the token, while it is kept. Its trail is kept longer. */
export async function trailOf(
  deps: Deps,
  realm: string,
  id: string,
  found?: FoundGuest,
): Promise<GuestTrail> {
  await deps.notes.settled();
  const [chain, older] = await Promise.all([readTrail(deps, realm, id), oldEvents(deps.store, realm, id)]);
  const written = [...older, ...chain].sort((a, b) => Date.parse(a.at ?? '') - Date.parse(b.at ?? ''));
  const last = chain.at(-1);
  return {
    events: [...written, ...derived(id, written, endOf(found, chain, deps.clock()))],
    head: last === undefined ? null : { seq: last.seq, hash: last.hash },
    chain,
  };
}

type End = { readonly isRevoked: boolean; readonly expiredAt: string | undefined };

function endOf(found: FoundGuest | undefined, chain: readonly ChainedEvent[], now: number): End {
  const said = chain.findLast((event) => event['expires_at'] !== undefined)?.['expires_at'];
  const known = found?.record.exp == null ? said : new Date(found.record.exp * 1000).toISOString();
  const isOver = typeof known === 'string' && Date.parse(known) <= now;
  return { isRevoked: found?.state === 'revoked', expiredAt: isOver ? known : undefined };
}

const ends: ReadonlySet<string> = new Set(['guest.revoked', 'guest.reuse_detected']);

/** A mass cut is one write and adds no event to a trail. That it hit a token follows from the token's state. */
function derived(
  token: string,
  written: readonly { readonly event: string }[],
  end: End,
): readonly LooseEvent[] {
  if (written.some(({ event }) => ends.has(event))) return [];
  if (end.isRevoked) return [{ event: 'guest.revoked', at: null, token, derived: true }];
  if (end.expiredAt === undefined) return [];
  return [{ event: 'guest.expired', at: end.expiredAt, token, derived: true }];
}

/** The size of an index, and more than anybody reads. */
const MAX_PAGES = 20;
const PAGE = 1000;

/** The latest thousand events from before trails were chains. */
async function oldEvents(store: Store, realm: string, id: string): Promise<readonly LooseEvent[]> {
  let members: readonly string[] = [];
  let after: string | undefined;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const found = await store.list(eventsKey(realm, id), {
      limit: PAGE,
      ...(after === undefined ? {} : { after }),
    });
    members = [...members, ...found.members].slice(-PAGE);
    after = found.next;
    if (after === undefined) break;
  }
  return members.map(oldEvent);
}

function oldEvent(member: string): LooseEvent {
  const { nonce: _, at, ...said }: { event: string; at: number; nonce?: string } = JSON.parse(member);
  return { ...said, at: new Date(at * 1000).toISOString() };
}
