import { setImmediate } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { createWorkQueue } from '../../src/base/work-queue.ts';

/** Jobs that start when the queue lets them and end when the test says so. */
function heldJobs() {
  const started: string[] = [];
  const ends = new Map<string, () => void>();
  const job = (name: string) => () => {
    started.push(name);
    return new Promise<string>((resolve) => ends.set(name, () => resolve(name)));
  };
  return { started, job, end: (name: string) => ends.get(name)?.() };
}

it('runs as many jobs at once as it may, and the others in the order they came', async () => {
  const queue = createWorkQueue({ concurrency: 2, maxWaiting: 10, maxWaitMs: 60_000 });
  const { started, job, end } = heldJobs();

  const runs = ['a', 'b', 'c', 'd'].map((name) => queue.run(job(name)));
  await Promise.resolve();
  expect(started).toEqual(['a', 'b']);
  end('b');
  await runs[1];
  await expect.poll(() => started).toEqual(['a', 'b', 'c']);
  end('a');
  await expect.poll(() => started).toEqual(['a', 'b', 'c', 'd']);
  end('c');
  end('d');

  expect(await Promise.all(runs)).toEqual(['a', 'b', 'c', 'd']);
});

it('refuses a job at once when too many wait, and takes jobs again when there is room', async () => {
  const queue = createWorkQueue({ concurrency: 1, maxWaiting: 1, maxWaitMs: 60_000 });
  const { started, job, end } = heldJobs();
  const first = queue.run(job('first'));
  const second = queue.run(job('second'));

  await expect(queue.run(job('refused'))).rejects.toMatchObject({ code: 'busy' });
  end('first');
  await first;
  await expect.poll(() => started).toEqual(['first', 'second']);
  const third = queue.run(job('third'));
  end('second');
  await second;
  await expect.poll(() => started).toEqual(['first', 'second', 'third']);
  end('third');

  expect(await third).toBe('third');
});

it('goes on after a job that fails, whether it throws or rejects', async () => {
  const queue = createWorkQueue({ concurrency: 1, maxWaiting: 5, maxWaitMs: 60_000 });

  const outcomes = await Promise.allSettled([
    queue.run(() => {
      throw new Error('thrown');
    }),
    queue.run(() => Promise.reject(new Error('rejected'))),
    queue.run(async () => 'done'),
    queue.run(async () => 'done too'),
  ]);

  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled', 'fulfilled']);
});

it('never runs more at once than it may, however they come', async () => {
  const queue = createWorkQueue({ concurrency: 3, maxWaiting: 100, maxWaitMs: 60_000 });
  let running = 0;
  let most = 0;
  const job = async () => {
    running += 1;
    most = Math.max(most, running);
    await setImmediate();
    running -= 1;
  };

  const runs: Promise<void>[] = [];
  for (let turn = 0; turn < 10; turn += 1) {
    runs.push(...Array.from({ length: 5 }, () => queue.run(job)));
    await setImmediate();
  }
  await Promise.all(runs);

  expect(most).toBe(3);
});
