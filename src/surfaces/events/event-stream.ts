/**
 * The stream of one resource server, as server-sent events (WHATWG HTML §9.2). It names nothing of other resource
 * servers.
 */

import { Readable } from 'node:stream';
import type { Client } from '../../registry/model/model.ts';
import type { Revocation } from '../../revocation/cuts.ts';

/** Milliseconds after which a client reconnects. */
const RETRY_MS = 1000;
/** The most that waits for a client that does not read. */
const MAX_UNREAD_BYTES = 64 * 1024;

export type EventStream = ReturnType<typeof createEventStream>;

type Listener = {
  readonly realm: string;
  readonly client: Client;
  /** The realm's secret, from which the client's keys are derived. */
  readonly secret: Buffer;
  /** The audiences of the APIs that it introspects. */
  readonly audiences: readonly string[];
};

/** A stream to an entitled client. It begins with `flush`: what happened before is not known. */
export function createEventStream({ realm, client, secret, audiences }: Listener) {
  const body = new Readable({ read: () => undefined });
  let own = new Set(audiences);
  let hasEnded = false;

  function write(text: string): void {
    if (hasEnded || body.destroyed) return;
    if (body.readableLength > MAX_UNREAD_BYTES) body.destroy();
    else body.push(text);
  }

  function send(event: string, data: object): void {
    write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  /** Tokens are named only to a client that introspects one of their audiences. */
  function cut(keys: readonly string[], tokens: Revocation['tokens']): void {
    const ids = tokens.filter(({ aud }) => aud.some((one) => own.has(one))).map(({ id }) => id);
    if (keys.length > 0 || ids.length > 0) send('cut', { keys, tokens: ids });
  }

  /** Waiting events are still sent; a client that does not read even those is disconnected at the second call. */
  function end(): void {
    if (hasEnded) body.destroy();
    else if (!body.destroyed) body.push(null);
    hasEnded = true;
  }

  write(`retry: ${RETRY_MS}\n\n`);
  send('flush', {});

  return {
    realm,
    client,
    secret,
    body,
    cut,
    end,
    /** Everything that the client has cached may be wrong. */
    flush: () => send('flush', {}),
    /** A comment: the stream is alive, and nothing happened. */
    beat: () => write(':\n\n'),
    limitTo: (now: readonly string[]) => {
      own = new Set(now);
    },
  };
}
