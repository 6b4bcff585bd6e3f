/** Who is at the other end of a request, for parts that share out work and count tries. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { networkOf } from '../limits/network.ts';
import type { RequestSource } from '../observability/request-source.ts';
import { stateOf } from './request-state.ts';

export type Caller = {
  /** See limits/network.ts; empty when the address is not known. */
  readonly network: string;
  /** Aborts when the connection closes before the answer is sent. */
  readonly signal: AbortSignal;
  readonly source: RequestSource;
};

export function callerOf(request: IncomingMessage, response: ServerResponse): Caller {
  const closed = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) closed.abort();
  });
  if (response.closed) closed.abort();
  return { network: networkOfRequest(request), signal: closed.signal, source: stateOf(request).source };
}

export function networkOfRequest(request: IncomingMessage): string {
  return networkOf(stateOf(request).source.ip ?? '');
}
