/** Which gaps and joints of a chain are faults. */
import { describe, expect, it } from 'vitest';
import type { Batch, Sealed } from '../../src/audit/batch.ts';
import { createChainWalk, MARGIN } from '../../src/audit/chain-walk.ts';

const now = 1_800_000_000;
const live = now + MARGIN + 1;
const over = now;

/** The `n`th batch, as its writer made it; `until` of it and of the one before. */
function batch(n: number, { prev = `seal-${n - 1}`, prevUntil = live } = {}): Sealed<Batch> {
  const value: Batch = { v: 1, n, prev: n === 1 ? '' : prev, prevUntil, until: live, events: [] };
  return { value, seal: `seal-${n}` };
}

function faultsOf(
  batches: readonly (Sealed<Batch> | 'changed' | undefined)[],
  { from = 1, head = {} }: { from?: number; head?: object } = {},
): readonly string[] {
  const faults: string[] = [];
  const walk = createChainWalk(now, (fault) => faults.push(fault));
  for (const [at, one] of batches.entries()) walk.step(from + at, one);
  const n = from + batches.length - 1;
  walk.end({ v: 1, n, last: `seal-${n}`, until: live, ...head });
  return faults;
}

describe('a chain', () => {
  it('is whole from its first batch to its head', () => {
    expect(faultsOf([batch(1), batch(2), batch(3)])).toEqual([]);
  });

  it.each([
    ['whose joint is wrong', [batch(1), batch(2, { prev: 'another' })], 'batch 2 does not follow batch 1'],
    ['with a gap', [batch(1), undefined, undefined, batch(4)], 'batches 2 to 3 were removed'],
    ['with a batch that was changed', [batch(1), 'changed', batch(3)], 'batch 2 was changed'],
    ['without its end', [batch(1), undefined], 'cut off at the end: batch 2 was removed'],
  ] as const)('%s is broken', (_what, batches, fault) => {
    expect(faultsOf(batches)).toEqual([fault]);
  });

  it('is broken when its head names another batch, and when it begins too late', () => {
    expect(faultsOf([batch(1)], { head: { last: 'another' } })).toEqual([
      'batch 1 is not the one that its head names',
    ]);
    expect(faultsOf([batch(5)], { from: 5 })).toEqual(['batches 1 to 4 were removed']);
  });

  it('may have lost what is over its time, and only that', () => {
    expect(faultsOf([batch(5, { prevUntil: over })], { from: 5 })).toEqual([]);
    expect(faultsOf([batch(1), undefined, batch(3, { prevUntil: over })])).toEqual([]);
    expect(faultsOf([undefined], { head: { until: over } })).toEqual([]);
    expect(faultsOf([undefined])).toEqual(['cut off at the end: batch 1 was removed']);
  });
});
