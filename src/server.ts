/** Composition root, part 2: puts HTTP on the services. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import Koa from 'koa';
import { createAdminPort } from './http/admin-port.ts';
import { createDoor } from './http/proxy.ts';
import { requestLog } from './http/request-log.ts';
import { createMetrics } from './observability/metrics.ts';
import { realmFront } from './oidc/front.ts';
import { createProviderPool } from './oidc/provider-pool.ts';
import { answerPages } from './pages/pages.ts';
import { screens } from './pages/screens.ts';
import type { Services } from './services.ts';

/** Longest time a request in flight may take once the server was told to stop. */
const DRAIN_MS = 10_000;

export type RunningServer = {
  readonly port: number;
  readonly adminPort: number;
  /** Stops listening, lets requests in flight finish, closes the store. */
  close(): Promise<void>;
};

export async function startServer(services: Services): Promise<RunningServer> {
  const { settings, logger, store } = services;
  const metrics = createMetrics();
  const admin = await listen(
    createServer(createAdminPort({ metrics, ping: () => store.ping() }).callback()),
    {
      host: '127.0.0.1',
      port: settings.adminPort,
    },
  );
  const main = await listen(createServer(createApp(services, metrics).callback()), settings);

  async function close(): Promise<void> {
    await Promise.all([stop(main), stop(admin)]);
    await services.close();
  }

  logger.info({ url: settings.publicUrl }, 'listening');
  return { port: portOf(main), adminPort: portOf(admin), close };
}

function createApp(services: Services, metrics: ReturnType<typeof createMetrics>): Koa {
  const { settings, logger } = services;
  const pool = createProviderPool({
    ...services,
    publicUrl: settings.publicUrl,
    clientCertHeader: settings.clientCertHeader,
    allowPrivateFetch: settings.allowPrivateFetch,
    screens,
  });
  const door = createDoor(settings);
  const app = new Koa();
  app.use(requestLog(logger, metrics));
  app.use((ctx, next) => {
    door.admit(ctx.req);
    return next();
  });
  app.use(realmFront({ pool, publicUrl: settings.publicUrl, pages: answerPages }));
  app.use((ctx) => {
    ctx.status = 404;
    ctx.body = { error: 'Unable to find matching target resource method' };
  });
  return app;
}

function listen(server: Server, { host, port }: { host: string; port: number }): Promise<Server> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => resolve(server));
  });
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

async function stop(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  server.closeIdleConnections();
  const deadline = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
  await closed;
  clearTimeout(deadline);
}
