/**
 * What surrounds every request, whoever answers it: common headers, `X-Request-Id`, the caller's address, the request
 * state, one log line. It stands below Koa, because the most frequent requests do without Koa.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { performance } from 'node:perf_hooks';
import { randomId } from '../base/random.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import { addressOf } from '../observability/request-source.ts';
import { withSharedPatience } from '../storage/port/request-patience.ts';
import { answerFailure } from './failures.ts';
import { beginRequest, type RequestState } from './request-state.ts';
import type { ResponseHeaders } from './security-headers.ts';
import type { Stopping } from './stopping.ts';
import type { TrustedProxy } from './trusted-proxy.ts';

/** Resolves when the answer has been sent, or rejects before anything is sent. */
export type Answerer = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

type EntranceDeps = {
  readonly headers: ResponseHeaders;
  readonly trustedProxy: TrustedProxy;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly stopping: Stopping;
  /** True when the line of a request has the caller's network address. */
  readonly logAddress: boolean;
};

export function createRequestLifecycle(deps: EntranceDeps, answer: Answerer): RequestListener {
  const headers = Object.entries(deps.headers);
  return async function enter(request, response) {
    const startedAt = performance.now();
    const requestId = randomId();
    for (const [name, value] of headers) response.setHeader(name, value);
    response.setHeader('X-Request-Id', requestId);
    const open = deps.stopping.enter(response);
    const address = deps.trustedProxy.admit(request);
    const state = beginRequest(request, requestId);
    try {
      await withSharedPatience(() => answer(request, response));
    } catch (error) {
      answerFailure(deps.logger, response, error);
    } finally {
      deps.stopping.leave(open);
    }
    const durationMs = performance.now() - startedAt;
    note(deps, { request, state, status: response.statusCode, durationMs, address });
  };
}

type Done = {
  readonly request: IncomingMessage;
  readonly state: RequestState;
  readonly status: number;
  readonly durationMs: number;
  /** The caller's, after trusted proxies. */
  readonly address: string;
};

function note(deps: EntranceDeps, { request, state, status, durationMs, address }: Done): void {
  const { logger, metrics, logAddress } = deps;
  const { route = 'other', ...notes } = state.annotations;
  const path = state.answeredBy;
  metrics.observe({ route, status, durationMs, path, wrong: notes.wrong, limit: notes.limit });
  if (!logger.isLevelEnabled('info')) return;
  const ms = Math.round(durationMs * 10) / 10;
  const by = path === undefined ? {} : { path };
  const from = logAddress ? addressOf(address) : undefined;
  logger.info({
    requestId: state.id,
    method: request.method,
    route,
    ...by,
    status,
    ms,
    address: from,
    ...notes,
  });
}
