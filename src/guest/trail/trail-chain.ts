/**
 * The trail of a token as a hash chain: each event holds the hash of the one before it, so a changed, missing, moved
 * or added event breaks the chain. Pure. docs/guest-tokens.md tells how to verify it.
 */
import { sha256 } from '../../base/hash.ts';

/** Flat, with strings and whole numbers only, so that its canonical form is JSON with sorted names (RFC 8785). */
export type ChainedEvent = {
  /** Counts from 1. */
  readonly seq: number;
  /** The `hash` of the event before, or `genesisOf` the token for the first one. */
  readonly prev: string;
  /** The result of `hashOf` for all other members. */
  readonly hash: string;
  readonly event: string;
  /** ISO 8601, UTC; never before that of the event before. */
  readonly at: string;
  /** The id of the token. */
  readonly token: string;
  readonly [member: string]: string | number;
};

export type Head = Pick<ChainedEvent, 'seq' | 'hash'>;

/** The members of an event without its place in the chain. */
export type Said = Readonly<Record<string, string | number>> & Pick<ChainedEvent, 'event' | 'at' | 'token'>;

/** The value of `prev` in the first event of a token. */
export function genesisOf(token: string): string {
  return sha256(`guest-trail:${token}`);
}

/** SHA-256 as base64url over the JSON of all members but `hash`, names sorted, no white space. */
export function hashOf(event: Readonly<Record<string, string | number>>): string {
  const names = Object.keys(event).filter((name) => name !== 'hash');
  return sha256(JSON.stringify(event, names.sort()));
}

/** The next event of the chain. Its time is never before that of the previous one, whatever the clocks say. */
export function chained(said: Said, previous: ChainedEvent | undefined): ChainedEvent {
  const at = previous !== undefined && previous.at > said.at ? previous.at : said.at;
  const seq = (previous?.seq ?? 0) + 1;
  const open = { ...said, at, seq, prev: previous?.hash ?? genesisOf(said.token) };
  return { ...open, hash: hashOf(open) };
}

/**
 * What is wrong with a trail, or `undefined`. A trail may begin anywhere, because old events are deleted, but must
 * end where its head says. `anchor`: a hash from the log that must be in it.
 */
export function faultOf(
  token: string,
  { events, head }: { readonly events: readonly ChainedEvent[]; readonly head: Head | null },
  anchor?: string,
): string | undefined {
  for (const [index, event] of events.entries()) {
    const fault = faultAt(token, event, events[index - 1]);
    if (fault !== undefined) return `event ${event.seq} ${fault}`;
  }
  const last = events.at(-1);
  if (last?.seq !== head?.seq || last?.hash !== head?.hash) return 'the last event is not the head';
  const isAnchored = anchor === undefined || events.some(({ hash }) => hash === anchor);
  return isAnchored ? undefined : 'no event has this hash';
}

function faultAt(token: string, event: ChainedEvent, before: ChainedEvent | undefined): string | undefined {
  if (event.token !== token) return 'is of another token';
  if (event.hash !== hashOf(event)) return 'was changed';
  if (before !== undefined && event.seq !== before.seq + 1) return 'does not follow the one before';
  const prev = event.seq === 1 ? genesisOf(token) : before?.hash;
  return prev === undefined || event.prev === prev ? undefined : 'does not hold the hash of the one before';
}
