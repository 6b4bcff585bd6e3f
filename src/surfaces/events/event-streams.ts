/**
 * The streams of this process. Silence on a stream means that nothing was cut, so a stream lives only as long as this
 * process hears of cuts: each heartbeat travels through the store. A client whose stream has ended must drop what it
 * cached and connect again.
 */

import type { Readable } from 'node:stream';
import { isDeepStrictEqual } from 'node:util';
import { Problem } from '../../http/problem.ts';
import { audiencesOf } from '../../oidc/endpoints/introspect.ts';
import type { RealmContext } from '../../oidc/realm/realm-context.ts';
import type { Client } from '../../registry/model/model.ts';
import type { Registry } from '../../registry/registry.ts';
import { cutKeys } from '../../revocation/cut-keys.ts';
import type { Revocation, RevocationFeed, RevocationListener } from '../../revocation/cuts.ts';
import { nodesToPublish } from '../../revocation/guest-nodes.ts';
import { createEventStream, type EventStream } from './event-stream.ts';

const BEAT_MS = 3000;
/** A message through the store takes some milliseconds. */
const PATIENCE_MS = 2000;
export const MAX_STREAMS = 512;
export const MAX_STREAMS_OF_CLIENT = 16;
/** More keys than these at once are sent as `flush`. */
const MAX_KEYS = 256;

export type EventStreams = ReturnType<typeof createEventStreams>;

type Deps = {
  readonly subscribeRevocations: (listener: RevocationListener) => RevocationFeed;
  readonly registry: Registry;
};

export function createEventStreams({ subscribeRevocations, registry }: Deps) {
  const streams = new Set<EventStream>();
  let isClosing = false;

  const streamsOf = (realm: string, client?: string) =>
    [...streams].filter((one) => one.realm === realm && (client === undefined || one.client.id === client));
  const flush = (some: Iterable<EventStream>) => {
    for (const stream of some) stream.flush();
  };
  const recheck = (some: readonly EventStream[]) =>
    Promise.all(some.map((stream) => check(registry, stream).catch(stream.end)));

  const feed = subscribeRevocations({
    onRevocation: (realm, cut) => pass(streamsOf(realm), cut),
    onGap: () => flush(streams),
  });
  const stopListening = registry.onChange(
    (realm, what, id) => {
      const concerned = what === 'client' || what === 'realm' ? streamsOf(realm, id) : [];
      // A change of a policy changes answers without a cut.
      if (what === 'realm') flush(concerned);
      recheck(concerned).catch(() => undefined);
    },
    () => flush(streams),
  );
  const beating = setInterval(() => {
    beat().catch(() => undefined);
  }, BEAT_MS).unref();

  async function beat(): Promise<void> {
    if (streams.size === 0) return;
    const known = [...streams];
    const isHeard = await feed.isAlive(PATIENCE_MS);
    if (isHeard) await recheck(known);
    for (const stream of known) {
      if (isHeard) stream.beat();
      else stream.end();
    }
  }

  /** Opens a stream for a client of the realm. Rejects with a `Problem` when there is no room, or no store. */
  async function open(
    realm: Pick<RealmContext, 'name' | 'keys'>,
    client: Client,
    audiences: readonly string[],
  ): Promise<Readable> {
    if (!(await feed.isAlive(PATIENCE_MS))) throw unavailable('what is cut is not heard at the moment');
    if (isClosing || streams.size >= MAX_STREAMS)
      throw unavailable('there are as many streams as there may be');
    if (streamsOf(realm.name, client.id).length >= MAX_STREAMS_OF_CLIENT) {
      throw new Problem('too_many_requests', `at most ${MAX_STREAMS_OF_CLIENT} streams of a client`, {
        headers: { 'Retry-After': '10' },
      });
    }
    const stream = createEventStream({ realm: realm.name, client, secret: realm.keys.secret, audiences });
    streams.add(stream);
    stream.body.once('close', () => streams.delete(stream));
    return stream.body;
  }

  /** Ends every stream: this process no longer hears of cuts. */
  function close(): void {
    isClosing = true;
    clearInterval(beating);
    stopListening();
    feed.close();
    for (const stream of streams) stream.end();
  }

  return { open, close };
}

function pass(streams: readonly EventStream[], { nodes, tokens }: Revocation): void {
  const names = nodesToPublish(nodes);
  // The realm itself was cut, or more nodes than are sent one by one.
  const isAll = nodes.includes('') || names.length > MAX_KEYS;
  const keys = new Map<string, readonly string[]>();
  for (const stream of streams) {
    const { id } = stream.client;
    const own = keys.get(id) ?? (isAll ? [] : cutKeys(stream.secret, id, names));
    keys.set(id, own);
    if (isAll) stream.flush();
    stream.cut(own, tokens);
  }
}

/** Every change of a client ends its streams: the client authenticates anew. */
async function check(registry: Registry, stream: EventStream): Promise<void> {
  const { realm, client } = stream;
  const [view, now] = await Promise.all([registry.findRealm(realm), registry.findClient(realm, client.id)]);
  const audiences = view?.enabled === true ? audiencesOf({ view }, client) : [];
  if (audiences.length === 0 || !isDeepStrictEqual(now, client)) stream.end();
  else stream.limitTo(audiences);
}

function unavailable(why: string): Problem {
  return new Problem('temporarily_unavailable', why, { headers: { 'Retry-After': '1' } });
}
