/** A resource server that listens at `/events`, and remembers introspection answers until it hears otherwise. */
import { basic } from '../support/http.ts';

export type Heard = {
  readonly event: string;
  readonly data: { readonly keys?: string[]; readonly tokens?: string[] };
};

export type Listening = {
  readonly response: Response;
  /** Everything so far, comments too (as event `:`). */
  readonly heard: Heard[];
  /** The first of them, from the beginning, that is so; waits for it. Rejects when the stream ends before. */
  until(isSo: (heard: Heard) => boolean): Promise<Heard>;
  /** Resolves when the stream is over: ended by the server, or torn off. */
  readonly ended: Promise<'ended' | 'torn'>;
  stop(): void;
};

/** Resolves once the first event is there: from then on nothing is missed. */
export async function listen(
  issuer: string,
  auth: readonly [string, string] = ['gateway', 'gateway-secret'],
  headers: Record<string, string> = {},
): Promise<Listening> {
  const abort = new AbortController();
  const response = await fetch(`${issuer}/events`, {
    headers: { authorization: basic(auth), accept: 'text/event-stream', ...headers },
    signal: abort.signal,
  });
  if (response.status !== 200 || response.body === null) {
    throw new Error(`the stream was answered with ${response.status}: ${await response.text()}`);
  }
  const heard: Heard[] = [];
  const waiting = new Set<() => void>();
  const ended = read(response.body, (one) => {
    heard.push(one);
    for (const wake of waiting) wake();
  });
  const until = async (isSo: (one: Heard) => boolean): Promise<Heard> => {
    for (;;) {
      const found = heard.find(isSo);
      if (found !== undefined) return found;
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const wake = () => resolve();
      waiting.add(wake);
      ended.then(() => reject(new Error('the stream has ended')), reject);
      await promise.finally(() => waiting.delete(wake));
    }
  };
  const listening = { response, heard, until, ended, stop: () => abort.abort() };
  await until(({ event }) => event === 'flush');
  return listening;
}

async function read(
  body: ReadableStream<Uint8Array>,
  hear: (heard: Heard) => void,
): Promise<'ended' | 'torn'> {
  let text = '';
  const decoder = new TextDecoder();
  try {
    for await (const chunk of body) {
      const blocks = `${text}${decoder.decode(chunk, { stream: true })}`.split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks.filter((one) => !one.startsWith('retry:'))) hear(eventOf(block));
    }
    return 'ended';
  } catch {
    return 'torn';
  }
}

function eventOf(block: string): Heard {
  if (block.startsWith(':')) return { event: ':', data: {} };
  const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1] ?? '';
  return { event: field('event'), data: JSON.parse(field('data')) };
}
