/** Quotas that several processes share: each `createQuotas` stands for one, all on one store with one moved clock. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it, onTestFinished } from 'vitest';
import { Failure } from '../../src/base/errors.ts';
import { createQuotas, type Quotas } from '../../src/limits/quotas.ts';
import { limitFields, TooMany } from '../../src/limits/too-many.ts';
import { createEmbeddedStore } from '../../src/storage/embedded/store.ts';
import type { Store } from '../../src/storage/port/port.ts';

const portal = { name: 'things', realm: 'acme', owner: 'portal' };

async function open() {
  const folder = await mkdtemp(join(tmpdir(), 'quotas-'));
  // The clock of the processes may differ from the store's.
  const time = { now: 1_700_000_000_000, ahead: 0 };
  const clock = () => time.now + time.ahead;
  const store = createEmbeddedStore({ path: join(folder, 'test.db'), clock: () => time.now });
  onTestFinished(async () => {
    await store.close();
    await rm(folder, { recursive: true, force: true });
  });
  const calls = { count: 0 };
  const counting: Store = {
    ...store,
    count: (...args) => {
      calls.count += 1;
      return store.count(...args);
    },
  };
  return { time, clock, store: counting, calls, process: () => createQuotas({ store: counting, clock }) };
}

/** How many of so many tries succeed. */
async function takeMany(quotas: Quotas, tries: number, quota: number, limited = portal): Promise<number> {
  const outcomes = await Promise.allSettled(Array.from({ length: tries }, () => quotas.take(limited, quota)));
  const refused = outcomes.filter(({ status }) => status === 'rejected');
  expect(refused.every((one) => one.status === 'rejected' && one.reason instanceof TooMany)).toBe(true);
  return tries - refused.length;
}

it('gives one process exactly the quota, however many ask at once', async () => {
  const { process } = await open();

  expect(await takeMany(process(), 500, 120)).toBe(120);
});

it('never gives more than the quota to all processes, and wastes little of it', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 400 }),
      fc.array(fc.tuple(fc.nat(3), fc.integer({ min: 1, max: 60 })), { maxLength: 12 }),
      async (quota, bursts) => {
        const { process } = await open();
        const processes = [process(), process(), process(), process()];
        let given = 0;
        let tried = 0;
        for (const [index, tries] of bursts) {
          given += await takeMany(processes[index] ?? process(), tries, quota);
          tried += tries;
        }
        const unused = 3 * Math.max(1, Math.floor(quota / 20));

        expect(given).toBeLessThanOrEqual(quota);
        expect(given).toBeGreaterThanOrEqual(Math.min(tried, quota - unused));
      },
    ),
    { numRuns: 30 },
  );
});

it('asks the store seldom: a minute of 6,000 costs less than 40 questions, one that is used up none', async () => {
  const { process, calls } = await open();
  const quotas = process();

  expect(await takeMany(quotas, 6000, 6000)).toBe(6000);
  expect(calls.count).toBeLessThan(40);
  const asked = calls.count;
  expect(await takeMany(quotas, 500, 6000)).toBe(0);
  expect(calls.count).toBe(asked);
});

it('begins anew when the minute is over, by the clock of the store', async () => {
  const { process, time } = await open();
  const quotas = process();
  await takeMany(quotas, 10, 10);

  time.now += 59_000;
  const early = await quotas.take(portal, 10).catch((error: unknown) => error);
  time.now += 1000;

  expect(early).toBeInstanceOf(TooMany);
  expect(early).toMatchObject({ retryAfter: 1, limit: { quota: 10, remaining: 0, window: 60 } });
  expect(await takeMany(quotas, 20, 10)).toBe(10);
});

it('is not held up by a clock that was set back', async () => {
  const { process, time } = await open();
  const quotas = process();
  await takeMany(quotas, 10, 10);

  time.ahead = -3_600_000;
  time.now += 60_000;

  expect(await takeMany(quotas, 20, 10)).toBe(10);
});

it('is each owner’s own, in each realm', async () => {
  const { process } = await open();
  const quotas = process();
  await takeMany(quotas, 5, 5);

  expect(await takeMany(quotas, 9, 5, { ...portal, owner: 'other' })).toBe(5);
  expect(await takeMany(quotas, 9, 5, { ...portal, realm: 'globex' })).toBe(5);
  expect(await takeMany(quotas, 9, 5)).toBe(0);
});

it('takes back what came to nothing', async () => {
  const { process } = await open();
  const quotas = process();
  const taken = await Promise.all([quotas.take(portal, 2), quotas.take(portal, 2)]);

  taken[0]?.giveBack();

  expect(await takeMany(quotas, 5, 2)).toBe(1);
});

it('follows a quota that is changed', async () => {
  const { process } = await open();
  const quotas = process();
  await takeMany(quotas, 4, 4);

  expect(await takeMany(quotas, 10, 8)).toBe(4);
  expect(await takeMany(quotas, 10, 3)).toBe(0);
});

it('gives nothing when the store does not answer', async () => {
  const { store, clock } = await open();
  const gone = { ...store, count: () => Promise.reject(new Failure('unavailable', 'gone')) };

  await expect(createQuotas({ store: gone, clock }).take(portal, 5)).rejects.toMatchObject({
    code: 'unavailable',
  });
});

it('is told in the fields of the draft', async () => {
  const { process } = await open();
  const { limit } = await process().take(portal, 100);

  expect(limitFields(limit)).toEqual({
    'RateLimit-Policy': '"things";q=100;w=60',
    RateLimit: '"things";r=99;t=60',
  });
  expect(limitFields(undefined)).toEqual({});
});
