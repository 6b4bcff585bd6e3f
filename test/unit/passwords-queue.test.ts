import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
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
  const queue = createWorkQueue({ concurrency: 2, maxWaiting: 10 });
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
  const queue = createWorkQueue({ concurrency: 1, maxWaiting: 1 });
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
  const queue = createWorkQueue({ concurrency: 1, maxWaiting: 5 });

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
  const queue = createWorkQueue({ concurrency: 3, maxWaiting: 100 });
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

const from = (network: string, realm = 'acme', isGone = () => false) => ({ realm, network, isGone });

describe('jobs of several sources', () => {
  it('take turns, so that nobody waits for all of who sends many', async () => {
    const queue = createWorkQueue({ concurrency: 1, maxWaiting: 100 });
    const order: string[] = [];
    const send = (name: string, network: string, realm?: string) =>
      queue.run(async () => void order.push(name), from(network, realm));

    const held = queue.run(() => setImmediate(), from('first'));
    const runs = ['a1', 'a2', 'a3', 'a4'].map((name) => send(name, 'a'));
    runs.push(send('b1', 'b'), send('c1', 'c', 'globex'), send('c2', 'c', 'globex'));
    await Promise.all([held, ...runs]);

    expect(order).toEqual(['a1', 'c1', 'b1', 'c2', 'a2', 'a3', 'a4']);
  });

  it('find room in a full line, in place of the last job of who has most', async () => {
    const queue = createWorkQueue({ concurrency: 1, maxWaiting: 3 });
    const { job, end, started } = heldJobs();
    const first = queue.run(job('first'), from('a'));
    const flood = ['a1', 'a2', 'a3'].map((name) => queue.run(async () => name, from('a')));
    const outcomes = Promise.allSettled(flood);

    const other = queue.run(async () => 'other', from('b'));
    await expect(queue.run(async () => 'late', from('a'))).rejects.toMatchObject({ code: 'busy' });
    end('first');

    expect(await other).toBe('other');
    expect((await outcomes).map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
    expect(await first).toBe('first');
    expect(started).toEqual(['first']);
  });

  it('are refused when they have waited too long, those of nobody are not', async () => {
    const queue = createWorkQueue({ concurrency: 1, maxWaiting: 10, maxWaitMs: 20 });
    const { job, end } = heldJobs();
    const first = queue.run(job('first'), from('a'));
    const own = queue.run(async () => 'own');
    await Promise.resolve();

    await expect(queue.run(async () => 'late', from('a'))).rejects.toMatchObject({ code: 'busy' });
    end('first');

    expect([await first, await own]).toEqual(['first', 'own']);
  });

  it('are dropped when nobody waits for them any more', async () => {
    const queue = createWorkQueue({ concurrency: 1, maxWaiting: 10 });
    const { job, end, started } = heldJobs();
    const first = queue.run(job('first'), from('a'));
    const gone = queue.run(
      job('gone'),
      from('a', 'acme', () => true),
    );
    const outcome = gone.catch((error: unknown) => error);
    await expect.poll(() => started).toEqual(['first']);
    end('first');
    await first;

    expect(await outcome).toMatchObject({ code: 'busy' });
    expect(started).toEqual(['first']);
    expect(await queue.run(async () => 'next', from('b'))).toBe('next');
  });
});
