/** Health and metrics, on a port of their own that the public never reaches. */
import Koa from 'koa';
import { Failure } from '../base/errors.ts';
import type { Metrics } from '../observability/metrics.ts';

type AdminDeps = { readonly metrics: Metrics; ping(): Promise<void> };

export function createAdminPort(deps: AdminDeps): Koa {
  const app = new Koa();
  app.use((ctx) => answer(deps, ctx));
  return app;
}

async function answer({ metrics, ping }: AdminDeps, ctx: Koa.Context): Promise<void> {
  switch (ctx.path) {
    case '/health/live':
      ctx.body = { status: 'up' };
      return;
    case '/health/ready':
      return answerReady(ctx, await isReady(ping));
    case '/metrics':
      ctx.type = metrics.contentType;
      ctx.body = await metrics.text();
      return;
    default:
      ctx.status = 404;
      ctx.body = { error: 'not_found' };
  }
}

function answerReady(ctx: Koa.Context, isUp: boolean): void {
  ctx.status = isUp ? 200 : 503;
  const state = isUp ? 'up' : 'down';
  ctx.body = { status: state, store: state };
}

async function isReady(ping: () => Promise<void>): Promise<boolean> {
  try {
    await ping();
    return true;
  } catch (error) {
    if (error instanceof Failure) return false;
    throw error;
  }
}
