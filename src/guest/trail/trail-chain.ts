/**
 * The trail of a token as a chain: each event holds the hash of the one before it, so that none of them can be
 * changed, left out, moved or put between without breaking it. Pure; docs/guest-tokens.md tells strangers how to check.
 */
import { sha256 } from '../../base/hash.ts';

/** Flat: texts and whole numbers, so that its canonical form is plain JSON with sorted names (RFC 8785). */
export type ChainedEvent = {
  /** Counts from 1. */
  readonly seq: number;
  /** `hash` of the event before, or `genesisOf` the token. */
  readonly prev: string;
  /** `hashOf` all the rest. */
  readonly hash: string;
  readonly event: string;
  /** ISO 8601, UTC; never before that of the event before. */
  readonly at: string;
  /** The id of the token. */
  readonly token: string;
  readonly [member: string]: string | number;
};

export type Head = Pick<ChainedEvent, 'seq' | 'hash'>;

/** What is said of an event beside its place. */
export type Said = Readonly<Record<string, string | number>> & Pick<ChainedEvent, 'event' | 'at' | 'token'>;

/** What the first event of a token points at. */
export function genesisOf(token: string): string {
  return sha256(`guest-trail:${token}`);
}

/** SHA-256 as base64url over the JSON of all members but `hash`, names sorted, no white space. */
export function hashOf(event: Readonly<Record<string, string | number>>): string {
  const names = Object.keys(event).filter((name) => name !== 'hash');
  return sha256(JSON.stringify(event, names.sort()));
}

/** The event that follows; its time is not before that of the one it follows, whatever the clocks say. */
export function chained(said: Said, previous: ChainedEvent | undefined): ChainedEvent {
  const at = previous !== undefined && previous.at > said.at ? previous.at : said.at;
  const seq = (previous?.seq ?? 0) + 1;
  const open = { ...said, at, seq, prev: previous?.hash ?? genesisOf(said.token) };
  return { ...open, hash: hashOf(open) };
}

/**
 * What is wrong with a trail, or `undefined`. It may begin anywhere, because old events are forgotten, but ends where
 * its head says. `anchor`: a hash from the log that must be in it.
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
