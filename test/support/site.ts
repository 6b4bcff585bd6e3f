/** A web site of a client on a loopback port of its own. */
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';

export type Site = { readonly origin: string; stop(): Promise<void> };

/** `host`: `localhost` makes it another site than our server for a browser, `127.0.0.1` the same. */
export async function startSite(
  handle: RequestListener,
  host: 'localhost' | '127.0.0.1' = 'localhost',
): Promise<Site> {
  const server = createServer(handle);
  server.listen(0, host);
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    origin: `http://${host}:${address.port}`,
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
