/** The last resort for errors: a store that cannot be reached, or a bug. And JSON without Koa, which it sends. */
import type { ServerResponse } from 'node:http';
import type { Middleware } from 'koa';
import { isTemporary } from '../base/errors.ts';
import type { Logger } from '../observability/logger.ts';
import { BrokenOff } from './body.ts';

/** The status in log and metrics of a request whose caller has hung up, as nginx counts it. Nobody receives it. */
export const HUNG_UP = 499;

/** 503 with `Retry-After` for a temporary failure; a bare 500 for anything else, which is logged here, once. */
export function answerFailure(logger: Logger, response: ServerResponse, error: unknown): void {
  if (error instanceof BrokenOff) {
    logger.debug({ requestId: response.getHeader('X-Request-Id') }, 'the caller hung up');
    response.statusCode = HUNG_UP;
    response.end();
  } else if (response.headersSent) {
    // The headers are out: the connection is closed, so that nobody takes the answer for complete.
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

/** Answers with JSON, without a framework. Headers that were set stay. */
export function sendJson(response: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body);
  response.statusCode = status;
  response.setHeader('Content-Type', 'application/json; charset=utf-8');
  response.setHeader('Content-Length', Buffer.byteLength(text));
  response.end(text);
}
