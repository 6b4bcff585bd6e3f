/**
 * The state of one request, in one typed object. The request lifecycle creates it, and it is found by the Node
 * request. A room with more state adds a member to `RequestState` (oidc/http/protocol-state.ts does).
 */
import type { IncomingMessage } from 'node:http';
import type { Annotations } from '../observability/annotations.ts';
import type { RequestPath } from '../observability/events.ts';
import { type RequestSource, requestSourceOf } from '../observability/request-source.ts';

export interface RequestState {
  /** The answer's `X-Request-Id`. */
  readonly id: string;
  /** Where the request came from. */
  readonly source: RequestSource;
  /** The members of the request's log line. */
  readonly annotations: Annotations;
  /** The path that answered a protocol request. */
  answeredBy?: RequestPath;
  /** The body, once it is read; resolves to `undefined` when the body is too large. */
  body?: Promise<Buffer | undefined>;
  /** The fields of a form body, as sent or as replaced. */
  form?: URLSearchParams;
}

const states = new WeakMap<IncomingMessage, RequestState>();

/**
 * Creates the state of a request. To be called after trusted-proxy.ts, which sets the headers that the source is read
 * from.
 */
export function beginRequest(request: IncomingMessage, id: string): RequestState {
  let source: RequestSource | undefined;
  const state: RequestState = {
    id,
    annotations: {},
    get source() {
      source ??= requestSourceOf(request);
      return source;
    },
  };
  states.set(request, state);
  return state;
}

/** Throws for a request that did not pass the request lifecycle: a listener was mounted without it. */
export function stateOf(request: IncomingMessage): RequestState {
  const state = states.get(request);
  if (state === undefined) throw new Error('the request has no state');
  return state;
}

/** Adds to the log line of this request. */
export function annotate(request: IncomingMessage, more: Annotations): void {
  Object.assign(stateOf(request).annotations, more);
}
