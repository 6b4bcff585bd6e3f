import type { IncomingMessage } from 'node:http';
import { stateOf } from './request-state.ts';

/**
 * The whole body, or `undefined` when it is longer than `limit` bytes; what is over is not kept. It comes off the wire
 * once: whoever asks again gets the same, by the first one's limit. Rejects when the caller hangs up in the middle.
 */
export function readBody(request: IncomingMessage, limit: number): Promise<Buffer | undefined> {
  const state = stateOf(request);
  state.body ??= receive(request, limit);
  return state.body;
}

/** Puts another body in place of the one that was, or will be, sent. */
export function setBody(request: IncomingMessage, body: Buffer): void {
  stateOf(request).body = Promise.resolve(body);
}

/** By events: iterating costs several times as much, on every request. */
function receive(request: IncomingMessage, limit: number): Promise<Buffer | undefined> {
  if (Number(request.headers['content-length'] ?? 0) > limit) return Promise.resolve(undefined);
  // Who has hung up by now sends no event any more, and nobody may wait for one.
  if (request.destroyed) return Promise.reject(new Error('the request was broken off'));
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= limit) {
        chunks.push(chunk);
      } else {
        request.pause();
        resolve(undefined);
      }
    });
    request.once('end', () => resolve(Buffer.concat(chunks)));
    request.once('error', reject);
    request.once('close', () => {
      if (!request.complete) reject(new Error('the request was broken off'));
    });
  });
}
