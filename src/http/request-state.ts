/**
 * What the server knows of one request while it answers it, in one typed object. The request lifecycle begins it;
 * whoever has the Node request finds it here. A room that has more to keep adds its own member to `RequestState`
 * (oidc/http/protocol-state.ts does).
 */
import type { IncomingMessage } from 'node:http';
import type { Annotations } from '../observability/annotations.ts';
import type { RequestPath } from '../observability/events.ts';
import { type RequestSource, requestSourceOf } from '../observability/request-source.ts';

export interface RequestState {
  /** The answer's `X-Request-Id`. */
  readonly id: string;
  /** Who sent the request. */
  readonly source: RequestSource;
  /** What the log line says. */
  readonly annotations: Annotations;
  /** Which code answered a protocol request. */
  answeredBy?: RequestPath;
  /** The body, once somebody reads it; it resolves to `undefined` when the body is too large. */
  body?: Promise<Buffer | undefined>;
  /** The fields of a form body, as they were sent or as they were replaced. */
  form?: URLSearchParams;
}

const states = new WeakMap<IncomingMessage, RequestState>();

/** Begins the state of a request. To be called after trusted-proxy.ts: the source is read from what it leaves. */
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

/** Throws for a request that the lifecycle has not seen: a listener was mounted without it. */
export function stateOf(request: IncomingMessage): RequestState {
  const state = states.get(request);
  if (state === undefined) throw new Error('the request has no state');
  return state;
}

/** Adds to the log line of this request. */
export function annotate(request: IncomingMessage, more: Annotations): void {
  Object.assign(stateOf(request).annotations, more);
}
