/**
 * Requests that Node cannot parse, or that do not arrive in time. No `IncomingMessage` exists for them, so that they
 * never reach the request lifecycle: they are answered, logged and counted here.
 */
import { STATUS_CODES } from 'node:http';
import { isIP, type Socket } from 'node:net';
import { randomId } from '../base/random.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';

type Unreadable = { readonly status: number; readonly reason: string };

type Deps = {
  readonly logger: Logger;
  readonly metrics: Pick<Metrics, 'observe'>;
  /** The most bytes that the header fields of a request may have together. */
  readonly maxHeaderBytes: number;
  readonly logAddress: boolean;
};

/** A listener of the server's `clientError`. Every answer closes its connection: where the next request begins is unknown. */
export function createUnreadableAnswerer({ logger, metrics, maxHeaderBytes, logAddress }: Deps) {
  return function answerUnreadable(error: Error, socket: Socket): void {
    const isGone = !socket.writable || codeOf(error) === 'ECONNRESET';
    if (isGone || isAnswering(socket)) {
      socket.destroy();
      return;
    }
    const { status, reason } = unreadable(error, maxHeaderBytes);
    const id = randomId();
    socket.end(answerOf(status, id, reason));
    metrics.observe({ route: 'other', status, durationMs: 0 });
    // The peer's: what a proxy says of its caller could not be read.
    const address = logAddress && isIP(socket.remoteAddress ?? '') !== 0 ? socket.remoteAddress : undefined;
    logger.info({ requestId: id, route: 'other', status, ms: 0, address, reason }, 'unreadable request');
  };
}

function unreadable(error: Error, maxHeaderBytes: number): Unreadable {
  switch (codeOf(error)) {
    case 'HPE_HEADER_OVERFLOW':
      // RFC 6585 §5.
      return { status: 431, reason: `the header fields are longer than ${maxHeaderBytes} bytes` };
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return { status: 413, reason: 'the extensions of a chunk are too long' };
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return { status: 408, reason: 'the request did not arrive in time' };
    default:
      return { status: 400, reason: 'the request is not HTTP/1.1 (RFC 9112)' };
  }
}

/** An answer that has begun cannot be followed by another one. Node itself looks here before it answers. */
function isAnswering(socket: Socket): boolean {
  const message: unknown = Reflect.get(socket, '_httpMessage');
  return typeof message === 'object' && message !== null && Reflect.get(message, 'headersSent') === true;
}

function answerOf(status: number, id: string, reason: string): string {
  const body = JSON.stringify({ error: 'invalid_request', error_description: reason });
  return [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Cache-Control: no-store',
    `X-Request-Id: ${id}`,
    'Connection: close',
    '',
    body,
  ].join('\r\n');
}

function codeOf(error: Error): unknown {
  return 'code' in error ? error.code : undefined;
}
