/** Composition root, part 2: puts HTTP on the services. */
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as later } from 'node:timers';
import { setTimeout } from 'node:timers/promises';
import Koa, { type Middleware } from 'koa';
import { version } from './base/version.ts';
import type { DemoRealm } from './demo/demo-realm.ts';
import { createAdminPort } from './http/admin-port.ts';
import { answerFailures } from './http/failures.ts';
import { createRequestLifecycle } from './http/lifecycle.ts';
import { Problem } from './http/problem.ts';
import { createRouteTable, pathsBelow, type RouteTable } from './http/route-table.ts';
import { apiHeaders } from './http/security-headers.ts';
import { createStopping, type Stopping } from './http/stopping.ts';
import { createTrustedProxy } from './http/trusted-proxy.ts';
import { createMetrics } from './observability/metrics.ts';
import type { RealmProvider } from './oidc/provider/provider.ts';
import { createProviderPool, type ProviderPool } from './oidc/provider/provider-pool.ts';
import {
  createFastPathRouter,
  findProvider,
  type RealmRequest,
  routeToRealm,
} from './oidc/provider/realm-router.ts';
import { guestRealmOf } from './oidc/realm/guest-realm.ts';
import { narrowing, type Services } from './services.ts';
import { admin } from './surfaces/admin/admin.ts';
import type { AdminDeps } from './surfaces/admin/shared/deps.ts';
import { createTagger } from './surfaces/admin/shared/etag.ts';
import { createEventStreams, type EventStreams } from './surfaces/events/event-streams.ts';
import { facades } from './surfaces/facades/facades.ts';
import { publicLinkOf } from './surfaces/facades/informer/public-link.ts';
import type { FacadeCall, FacadeRealm } from './surfaces/facades/shared/facade.ts';
import type { LinkOf } from './surfaces/guest-api/call.ts';
import { home } from './surfaces/pages/home/home.ts';
import { sendError, ui } from './surfaces/pages/screens.ts';
import { surfaces } from './surfaces/surfaces.ts';

/** The longest time that a request in flight may take after the server was told to stop. */
const DRAIN_MS = 10_000;
const SWEEP_MS = 50;

export type RunningServer = {
  readonly port: number;
  readonly adminPort: number;
  /** Serves on for the delay of the settings; then stops listening, lets requests in flight finish, closes the store. */
  close(): Promise<void>;
};

/** `demoRealm`: the realm of `/demo`; without it the page does not exist. */
export async function startServer(services: Services, demoRealm?: DemoRealm): Promise<RunningServer> {
  const { settings, logger } = services;
  const metrics = createMetrics();
  metrics.observeClock(() => services.storeAheadMs() / 1000);
  services.onStoreTrouble(metrics.observeTrouble);
  const stopCounting = services.events.subscribe(metrics.observeEvent);
  const stopping = createStopping();
  const demo = await openDemo(settings.publicUrl, demoRealm);
  const admin = await listen(
    createServer(createAdminPort({ metrics, stopping, readiness: services.readiness }).callback()),
    {
      host: '127.0.0.1',
      port: settings.adminPort,
    },
  );
  const streams = createEventStreams(services);
  const listener = createListener({ ...services, streams, stopping }, metrics, demo);
  const main = await listen(createServer(listener), settings).catch(async (error: unknown) => {
    streams.close();
    await stop(admin);
    throw error;
  });

  async function close(): Promise<void> {
    // Streams would never end by themselves.
    streams.close();
    stopping.begin();
    // Until the load balancer has noticed, and kept-alive connections have been told by their next answer.
    await setTimeout(settings.stopDelay * 1000);
    stopCounting();
    await Promise.all([stop(main), stop(admin)]);
    await services.close();
  }

  // What lies in the store now is what readiness compares with later. What it rejects with, the next one who asks hears.
  services.readiness().catch(() => undefined);
  logger.info({ url: settings.publicUrl }, 'listening');
  return { port: portOf(main), adminPort: portOf(admin), close };
}

/** The demo's code is loaded only where it is enabled. */
async function openDemo(publicUrl: string, realm: DemoRealm | undefined): Promise<Middleware | undefined> {
  if (realm === undefined) return undefined;
  const { createDemo } = await import('./demo/demo.ts');
  return createDemo({ publicUrl, realm });
}

type Serving = Services & { readonly streams: EventStreams; readonly stopping: Stopping };

/** The fast path first (oidc/fast-path/fast-path.ts); what it leaves goes to Koa. */
function createListener(
  services: Serving,
  metrics: ReturnType<typeof createMetrics>,
  demo: Middleware | undefined,
): RequestListener {
  const { settings, logger, stopping } = services;
  const { publicUrl, clientCertHeader, clientCertVerifiedHeader, allowPrivateFetch } = settings;
  const pool = createProviderPool({
    ...services,
    publicUrl,
    clientCertHeader,
    clientCertVerifiedHeader,
    allowPrivateFetch,
    ui,
  });
  const tryFastPath = createFastPathRouter({ pool, publicUrl });
  const answer = createApp(services, pool, demo).callback();
  const headers = apiHeaders({ isHttps: publicUrl.startsWith('https:') });
  return createRequestLifecycle(
    { headers, trustedProxy: createTrustedProxy(settings), logger, metrics, stopping },
    async (request, response) => {
      if (!(await tryFastPath(request, response))) await answer(request, response);
    },
  );
}

/** Below a realm, the library answers what no route matches. Outside of a realm nobody does. */
function createApp(services: Serving, pool: ProviderPool, demo: Middleware | undefined): Koa {
  const { settings, logger } = services;
  const app = new Koa();
  // Errors of requests are answered inside; what remains are callers that hang up.
  app.on('error', (error: unknown) => logger.debug({ err: error }, 'connection error'));
  app.use(answerFailures(logger));
  if (demo !== undefined) app.use(demo);
  app.use(homeAt(services, demo !== undefined));
  app.use(adminAt(services, pool));
  app.use(routeToRealm({ pool, publicUrl: settings.publicUrl, routes: realmRoutes(services) }));
  app.use(facadesAtRoot(services, pool));
  app.use((ctx) => {
    ctx.status = 404;
    ctx.body = { error: 'Unable to find matching target resource method' };
  });
  return app;
}

function adminAt(services: Serving, pool: ProviderPool): Middleware {
  const { settings, registry, sealer } = services;
  const { publicUrl, adminRealm } = settings;
  const table = createRouteTable([admin]);
  const pathBelow = pathsBelow(publicUrl);
  const deps: AdminDeps = {
    ...services,
    pool,
    publicUrl,
    adminRealm,
    seal: sealer,
    narrowing,
    tag: createTagger(sealer.digest),
    products: facades.map(({ name, section }) => ({ name, schema: section.schema })),
    async realmOf(name) {
      const found = await registry.findRealm(name);
      if (found === undefined) throw new Problem('not_found', 'there is no such realm');
      return found;
    },
  };
  return async function answerAdmin(ctx, next) {
    if (!(await table.answer({ ctx, deps }, pathBelow(ctx.path)))) await next();
  };
}

function realmRoutes(services: Serving): Pick<RouteTable<RealmRequest>, 'answer' | 'tellOutage'> {
  const { answer, tellOutage } = createRouteTable(surfaces);
  const { streams } = services;
  const toFacadeCall = (request: RealmRequest) => facadeCall(services, request);
  return {
    tellOutage,
    answer: (request, path) => answer({ ...request, streams, linkOf, toFacadeCall }, path),
  };
}

/** The most realms that the page of `GET /` names. */
const SHOWN_REALMS = 12;

function homeAt({ settings, registry }: Services, hasDemo: boolean): Middleware {
  const { publicUrl, production } = settings;
  const table = createRouteTable([home]);
  const pathBelow = pathsBelow(publicUrl);
  const realms = async () => {
    const { items } = await registry.listRealms({ limit: SHOWN_REALMS });
    return items.filter(({ enabled }) => enabled);
  };
  const overview = production ? undefined : { version, hasDemo, realms };
  return async function answerHome(ctx, next) {
    if (!(await table.answer({ ctx, publicUrl, overview }, pathBelow(ctx.path)))) await next();
  };
}

/** The default realm answers the embed products' calls without its name in the address. */
function facadesAtRoot(services: Services, pool: ProviderPool): Middleware {
  const { defaultRealm, publicUrl } = services.settings;
  const table = createRouteTable(facades);
  const pathBelow = pathsBelow(publicUrl);
  return async function answerFacadesAtRoot(ctx, next) {
    const path = pathBelow(ctx.path);
    if (defaultRealm === undefined || !table.knows(path)) return next();
    const provider = await findProvider({ pool, routes: table }, ctx, { realm: defaultRealm, path });
    if (provider === 'answered') return undefined;
    if (provider === undefined || provider === 'disabled') return next();
    return (await table.answer(facadeCall(services, { ctx, provider }), path)) ? undefined : next();
  };
}

function facadeRealm(realm: RealmProvider['realm']): FacadeRealm {
  return { view: realm.view, guest: guestRealmOf(realm) };
}

const linkOf: LinkOf = (realm, record, value) => publicLinkOf(facadeRealm(realm), record, value);

function facadeCall(services: Services, { ctx, provider }: RealmRequest): FacadeCall {
  const { realm } = provider;
  return {
    ...services,
    seal: services.sealer,
    ctx,
    realm: facadeRealm(realm),
    showLinkProblem: (kind, framedBy) => sendError(realm, ctx, { kind }, framedBy),
  };
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
  // Kept-alive connections are closed as soon as their last answer is sent.
  const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_MS);
  const deadline = later(() => server.closeAllConnections(), DRAIN_MS);
  server.closeIdleConnections();
  await closed;
  clearInterval(sweep);
  clearTimeout(deadline);
}
