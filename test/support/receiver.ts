/** A client's web server that keeps what was posted to it. */

import { EventEmitter, once } from 'node:events';
import { createServer } from 'node:http';
import { readBody } from '../../src/http/body.ts';
import { beginRequest } from '../../src/http/request-state.ts';

export type Post = { readonly path: string; readonly form: URLSearchParams };

export type Receiver = {
  readonly url: string;
  /** The first post, be it one of the past, that is looked for. */
  find(isWanted: (post: Post) => boolean): Promise<Post>;
  /** All that has come so far. */
  readonly posts: readonly Post[];
  stop(): Promise<void>;
};

/** `statuses`: of its answers, one after the other; the last one stays. */
export async function startReceiver(...statuses: number[]): Promise<Receiver> {
  const posts: Post[] = [];
  const arrivals = new EventEmitter();

  const server = createServer(async (request, response) => {
    beginRequest(request, 'received');
    const body = await readBody(request, 100_000);
    const status = statuses.length > 1 ? statuses.shift() : statuses[0];
    posts.push({ path: request.url ?? '', form: new URLSearchParams(body?.toString('utf8')) });
    response.writeHead(status ?? 200).end();
    arrivals.emit('post');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');

  return {
    url: `http://127.0.0.1:${address.port}`,
    posts,
    find: async (isWanted) => {
      for (;;) {
        const post = posts.find(isWanted);
        if (post !== undefined) return post;
        await once(arrivals, 'post');
      }
    },
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
