/** A client's web server that keeps what was posted to it. */

import { EventEmitter, once } from 'node:events';
import { createServer } from 'node:http';
import { readBody } from '../../src/base/read-body.ts';

export type Post = { readonly path: string; readonly form: URLSearchParams };

export type Receiver = {
  readonly url: string;
  /** The first post, be it one of the past, that is looked for. */
  find(isWanted: (post: Post) => boolean): Promise<Post>;
  stop(): Promise<void>;
};

export async function startReceiver(status = 200): Promise<Receiver> {
  const posts: Post[] = [];
  const arrivals = new EventEmitter();

  const server = createServer(async (request, response) => {
    const body = await readBody(request, 100_000);
    posts.push({ path: request.url ?? '', form: new URLSearchParams(body?.toString('utf8')) });
    response.writeHead(status).end();
    arrivals.emit('post');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');

  return {
    url: `http://127.0.0.1:${address.port}`,
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
