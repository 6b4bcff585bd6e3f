import { performance } from 'node:perf_hooks';
import type { Middleware } from 'koa';
import { isFailure } from '../base/errors.ts';
import { randomId } from '../base/random.ts';
import { annotationsOf } from '../observability/annotations.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';

/**
 * Gives every answer an `X-Request-Id` and every request one log line. Whatever was not expected is logged here,
 * once, and answered with a bare 500.
 */
export function requestLog(logger: Logger, metrics: Metrics): Middleware {
  return async function logRequest(ctx, next) {
    const startedAt = performance.now();
    const requestId = randomId();
    ctx.set('X-Request-Id', requestId);
    try {
      await next();
    } catch (error) {
      if (isFailure(error, 'unavailable')) {
        ctx.status = 503;
        ctx.set('Retry-After', '1');
        ctx.body = { error: 'temporarily_unavailable' };
      } else {
        logger.error({ requestId, err: error }, 'unexpected error');
        ctx.status = 500;
        ctx.body = { error: 'server_error' };
      }
    }
    const durationMs = performance.now() - startedAt;
    const { route = 'other', ...notes } = annotationsOf(ctx.req);
    const { status } = ctx;
    metrics.observe({ route, status, durationMs, wrong: notes.wrong });
    logger.info({
      requestId,
      method: ctx.method,
      route,
      status,
      ms: Math.round(durationMs * 10) / 10,
      ...notes,
    });
  };
}
