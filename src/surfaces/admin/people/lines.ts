/** Lines of a body, as they come. */
import type { IncomingMessage } from 'node:http';

export type Line = {
  /** From 1. */
  readonly number: number;
  /** `undefined` for one that is longer than may be. */
  readonly text: string | undefined;
};

const NEWLINE = 0x0a;

/** Empty lines are left out. Of a line that is too long nothing is kept. */
export async function* linesOf(request: IncomingMessage, maxBytes: number): AsyncGenerator<Line> {
  let number = 1;
  let parts: Buffer[] = [];
  let length = 0;
  function* finished(): Generator<Line> {
    if (length > maxBytes) yield { number, text: undefined };
    else if (length > 0) {
      const text = Buffer.concat(parts).toString('utf8').trim();
      if (text !== '') yield { number, text };
    }
    parts = [];
    length = 0;
  }
  for await (const chunk of request as AsyncIterable<Buffer>) {
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
      take(chunk.subarray(from, at));
      yield* finished();
      number += 1;
      from = at + 1;
    }
    take(chunk.subarray(from));
  }
  yield* finished();

  function take(part: Buffer): void {
    length += part.length;
    if (length <= maxBytes) parts.push(part);
    else parts = [];
  }
}

/** Several at a time: as many as there are, up to `size`. */
export async function* batchesOf<T>(items: AsyncIterable<T>, size: number): AsyncGenerator<readonly T[]> {
  let batch: T[] = [];
  for await (const item of items) {
    batch.push(item);
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
