/** Compares each batch of a writer with the one before. Pure. */
import type { Batch, Head, Sealed } from './batch.ts';

/** Seconds by which clocks of nodes and of the store may differ. */
export const MARGIN = 3600;

/** A batch as it was found: `undefined` when it is not there. */
type FoundBatch = Sealed<Batch> | 'changed' | undefined;

/** `tell` is called for each fault. A batch may be missing only when its time is over. `now`: seconds. */
export function createChainWalk(now: number, tell: (fault: string) => void) {
  let before: FoundBatch;
  let missingFrom: number | undefined;
  const isOver = (until: number) => until <= now + MARGIN;

  function step(n: number, batch: FoundBatch): void {
    if (batch === undefined) {
      missingFrom ??= n;
      return;
    }
    if (batch === 'changed') tell(`batch ${n} was changed`);
    else if (before === undefined || missingFrom !== undefined) afterGap(n, batch.value);
    else if (before !== 'changed' && batch.value.prev !== before.seal) {
      tell(`batch ${n} does not follow batch ${n - 1}`);
    }
    before = batch;
    missingFrom = undefined;
  }

  /** Nothing, or nothing any more, is there before this batch. */
  function afterGap(n: number, { prevUntil }: Batch): void {
    if (n > 1 && !isOver(prevUntil)) tell(`${rangeOf(missingFrom ?? 1, n - 1)} removed`);
  }

  function end({ n, last, until }: Head): void {
    if (missingFrom !== undefined) {
      if (!isOver(until)) tell(`cut off at the end: ${rangeOf(missingFrom, n)} removed`);
    } else if (typeof before === 'object' && before.seal !== last) {
      tell(`batch ${n} is not the one that its head names`);
    }
  }

  return { step, end };
}

function rangeOf(from: number, to: number): string {
  return from === to ? `batch ${from} was` : `batches ${from} to ${to} were`;
}
