import { expect, it } from 'vitest';
import { watchClock } from '../../src/storage/clock-watch.ts';
import type { Document, Store } from '../../src/storage/port/port.ts';

const NOW = 1_000_000;

/** A store whose clock is ahead by so many milliseconds. */
function storeAhead(ms: number) {
  const stamp = (NOW + ms) * 1000;
  const document: Document = { value: '', stamp, now: stamp, cut: false };
  const warnings: unknown[] = [];
  const store = {
    read: async (keys: readonly object[]) => keys.map((_, at) => (at === 0 ? undefined : document)),
    commit: async () => ({ ok: true, stamp }),
  } as unknown as Store;
  const logger = { warn: (...line: unknown[]) => void warnings.push(line) };
  return { warnings, ...watchClock(store, { clock: () => NOW, logger: logger as never }) };
}

const key = { realm: 'r', kind: 'k', id: 'i' };

it.each([-1500, -400, 400, 60_000])('tells of a store whose clock is %i ms ahead, once', async (ms) => {
  const { store, storeAheadMs, warnings } = storeAhead(ms);

  await store.commit([{ remove: key }]);
  const difference = async () => {
    await store.read([key, key]);
    return Math.abs(storeAheadMs() - ms);
  };

  // A call that takes too long tells nothing.
  await expect.poll(difference).toBeLessThanOrEqual(100);
  expect(warnings).toHaveLength(1);
});

it('says nothing of a small difference, and nothing where no document tells the time', async () => {
  const { store, storeAheadMs, warnings } = storeAhead(50);

  await store.read([key]);
  expect(storeAheadMs()).toBe(0);
  const difference = async () => {
    await store.read([key, key]);
    return storeAheadMs();
  };

  await expect.poll(difference).toBeGreaterThan(0);
  expect(warnings).toEqual([]);
});
