/** A web application on Express with the least of sessions: an object for each cookie. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';

// These packages are CommonJS without types of their own.
const require = createRequire(import.meta.url);

// biome-ignore lint/suspicious/noExplicitAny: Express comes without types
export type Loose = any;

export type App = {
  readonly app: Loose;
  readonly origin: string;
  readonly port: number;
  stop(): Promise<void>;
};

export async function startExpress(): Promise<App> {
  const app: Loose = require('express')();
  const server = createServer(app);
  server.listen(0, 'localhost');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    app,
    port: address.port,
    origin: `http://localhost:${address.port}`,
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

/** `req.session` as Express applications know it. */
export function sessions() {
  const bySid = new Map<string, Loose>();
  return function keepSession(request: Loose, response: Loose, next: () => void): void {
    const known = /(?:^|; )sid=([\w-]+)/.exec(request.headers.cookie ?? '')?.[1];
    const id = known !== undefined && bySid.has(known) ? known : randomUUID();
    if (id !== known) response.cookie('sid', id, { httpOnly: true });
    request.session = bySid.get(id) ?? newSession(request, bySid, id);
    next();
  };
}

function newSession(request: Loose, bySid: Map<string, Loose>, id: string): Loose {
  const methods = {
    id,
    save: (done: () => void) => done(),
    regenerate: (done: () => void) => {
      request.session = newSession(request, bySid, id);
      done();
    },
  };
  const session = Object.create(methods);
  bySid.set(id, session);
  return session;
}
