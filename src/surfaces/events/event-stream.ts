/** What one resource server hears, as server-sent events (WHATWG HTML §9.2). Nothing of it names what is not its own. */

import { Readable } from 'node:stream';
import type { Client } from '../../registry/model/model.ts';
import type { Revocation } from '../../revocation/cuts.ts';

/** Milliseconds after which who lost the connection comes back. */
const RETRY_MS = 1000;
/** Who does not read is not waited for. */
const MAX_UNREAD_BYTES = 64 * 1024;

export type EventStream = ReturnType<typeof createEventStream>;

type Listener = {
  readonly realm: string;
  readonly client: Client;
  /** The realm's, from which the client's keys are made. */
  readonly secret: Buffer;
  /** Of the APIs that it introspects. */
  readonly audiences: readonly string[];
};

/** A stream to a client that may hear it. It begins with `flush`: nobody knows what was missed before it. */
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

  /** Tokens are named only to who introspects one of their audiences. */
  function cut(keys: readonly string[], tokens: Revocation['tokens']): void {
    const ids = tokens.filter(({ aud }) => aud.some((one) => own.has(one))).map(({ id }) => id);
    if (keys.length > 0 || ids.length > 0) send('cut', { keys, tokens: ids });
  }

  /** What was said before is still sent; who does not even read that is left at the second call. */
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
    /** Everything that is remembered may be wrong. */
    flush: () => send('flush', {}),
    /** A comment: all is well, and there was nothing to tell. */
    beat: () => write(':\n\n'),
    limitTo: (now: readonly string[]) => {
      own = new Set(now);
    },
  };
}
