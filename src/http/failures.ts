/** What nobody further in has answered: a store that cannot be reached, or a fault of ours. */
import type { ServerResponse } from 'node:http';
import type { Middleware } from 'koa';
import { isTemporary } from '../base/errors.ts';
import type { Logger } from '../observability/logger.ts';
import { sendJson } from './send-json.ts';

/** 503 with `Retry-After`, or a bare 500, and then it is logged here, once. */
export function answerFailure(logger: Logger, response: ServerResponse, error: unknown): void {
  if (response.headersSent) {
    // Too late to say anything else: whoever reads it must not take it for whole.
    logger.error({ requestId: response.getHeader('X-Request-Id'), err: error }, 'answer broken off');
    response.destroy();
  } else if (isTemporary(error)) {
    response.setHeader('Retry-After', '1');
    sendJson(response, 503, { error: 'temporarily_unavailable' });
  } else {
    logger.error({ requestId: response.getHeader('X-Request-Id'), err: error }, 'unexpected error');
    sendJson(response, 500, { error: 'server_error' });
  }
}

export function answerFailures(logger: Logger): Middleware {
  return async function answerFailureOf(ctx, next) {
    try {
      await next();
    } catch (error) {
      ctx.respond = false;
      answerFailure(logger, ctx.res, error);
    }
  };
}
