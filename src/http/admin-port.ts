/** Health and metrics, on a port of their own that the public never reaches. */
import Koa from 'koa';
import { randomId } from '../base/random.ts';
import type { Metrics } from '../observability/metrics.ts';
import { beginRequest } from './request-state.ts';
import { createRouteTable } from './route-table.ts';
import { refusePlainly, type Surface } from './routes.ts';
import type { Stopping } from './stopping.ts';

/** What readiness says; `status` decides the status of the answer. */
type Readiness = { readonly status: 'up' | 'down' };
type AdminDeps = {
  readonly metrics: Metrics;
  readonly stopping: Pick<Stopping, 'isStopping'>;
  readiness(): Promise<Readiness>;
};
type AdminRequest = AdminDeps & { readonly ctx: Koa.Context };

const read = { method: 'GET', who: 'operator' } as const;

export const adminSurface: Surface<AdminRequest> = {
  name: 'admin port',
  routes: [
    { ...read, path: '/health/live', handler: answerLive },
    { ...read, path: '/health/ready', handler: answerReady },
    { ...read, path: '/metrics', handler: answerMetrics },
  ],
  refuse: refusePlainly,
};

export function createAdminPort(deps: AdminDeps): Koa {
  const app = new Koa();
  const table = createRouteTable([adminSurface]);
  app.use(async (ctx) => {
    beginRequest(ctx.req, randomId());
    if (await table.answer({ ctx, ...deps }, ctx.path)) return;
    ctx.status = 404;
    ctx.body = { error: 'not_found' };
  });
  return app;
}

function answerLive({ ctx }: AdminRequest): void {
  ctx.body = { status: 'up' };
}

async function answerMetrics({ ctx, metrics }: AdminRequest): Promise<void> {
  ctx.type = metrics.contentType;
  ctx.body = await metrics.text();
}

async function answerReady({ ctx, readiness, stopping }: AdminRequest): Promise<void> {
  const answer = stopping.isStopping() ? { status: 'stopping' } : await readiness();
  ctx.status = answer.status === 'up' ? 200 : 503;
  ctx.body = answer;
}
