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

/** A member of the request itself: a weak map of all open requests is felt by the garbage collector. */
const held = Symbol('state');

declare module 'node:http' {
  interface IncomingMessage {
    [held]?: RequestState;
  }
}

/**
 * Creates the state of a request. To be called after trusted-proxy.ts, which sets the headers that the source is read
 * from.
 */
export function beginRequest(request: IncomingMessage, id: string): RequestState {
  const state = new State(request, id);
  request[held] = state;
  return state;
}

/** A class, because there is one for each request: an object with a getter of its own costs ten times as much. */
class State implements RequestState {
  readonly id: string;
  readonly annotations: Annotations = {};
  readonly #request: IncomingMessage;
  #source: RequestSource | undefined;

  constructor(request: IncomingMessage, id: string) {
    this.#request = request;
    this.id = id;
  }

  /** Read when it is first asked for: most requests never ask. */
  get source(): RequestSource {
    this.#source ??= { ...requestSourceOf(this.#request), requestId: this.id };
    return this.#source;
  }
}

/** Throws for a request that did not pass the request lifecycle: a listener was mounted without it. */
export function stateOf(request: IncomingMessage): RequestState {
  const state = request[held];
  if (state === undefined) throw new Error('the request has no state');
  return state;
}

/** Adds to the log line of this request. */
export function annotate(request: IncomingMessage, more: Annotations): void {
  Object.assign(stateOf(request).annotations, more);
}
