/** Who waits how long for the queue of expensive work. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createWorkQueue, type Turn } from '../../src/base/work-queue.ts';

type Who = { readonly party?: string; readonly member?: string; readonly signal?: AbortSignal };

/** A queue for one job at a time, which is busy until `release`. */
function busyQueue({ maxWaiting = 100, maxWaitMs = 60_000 } = {}) {
  const queue = createWorkQueue({ concurrency: 1, maxWaiting, maxWaitMs });
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const held = queue.run(() => released);
  const started: string[] = [];
  const outcomes: Promise<string>[] = [];
  const add = (name: string, { party = 'acme', member = 'here', signal }: Who = {}) => {
    const turn: Turn = { party, member, signal };
    const outcome = queue
      .run(async () => void started.push(name), turn)
      .then(
        () => 'done',
        (error) => error.code,
      );
    outcomes.push(outcome);
    return { outcome };
  };
  const finish = async () => {
    release();
    await held;
    return Promise.all(outcomes);
  };
  return { add, finish, started };
}

const many = ['1', '2', '3', '4', '5'];

describe('a job', () => {
  it('waits for one job of each other member, however many they bring', async () => {
    const { add, finish, started } = busyQueue();
    for (const name of many) add(`flood-${name}`, { member: 'flood' });
    add('me-1', { member: 'me' });
    add('me-2', { member: 'me' });
    add('you', { member: 'you' });

    await finish();

    expect(started.slice(0, 5)).toEqual(['flood-1', 'me-1', 'you', 'flood-2', 'me-2']);
  });

  it('waits for one job of each other party, however many members it has', async () => {
    const { add, finish, started } = busyQueue();
    for (const name of many) add(`acme-${name}`, { member: name });
    add('globex-1', { party: 'globex' });
    add('globex-2', { party: 'globex' });

    await finish();

    expect(started.slice(0, 4)).toEqual(['acme-1', 'globex-1', 'acme-2', 'globex-2']);
  });

  it('of one member waits for the earlier ones', async () => {
    const { add, finish, started } = busyQueue();
    for (const name of many) add(name);

    await finish();

    expect(started).toEqual(many);
  });
});

describe('a full line', () => {
  it('drops the last job of the member with most for one who has less', async () => {
    const { add, finish, started } = busyQueue({ maxWaiting: 3 });
    const flood = many.map((name) => add(`flood-${name}`, { member: 'flood' }));
    add('me', { member: 'me' });

    expect(await Promise.all(flood.slice(2).map(({ outcome }) => outcome))).toEqual(['busy', 'busy', 'busy']);
    await finish();
    expect(started).toEqual(['flood-1', 'me', 'flood-2']);
  });

  it('drops a job of the party with most for one of another party', async () => {
    const { add, finish, started } = busyQueue({ maxWaiting: 4 });
    for (const name of many.slice(0, 4)) add(`acme-${name}`, { member: name });
    add('globex', { party: 'globex' });

    expect((await finish()).filter((outcome) => outcome === 'busy')).toHaveLength(1);
    expect(started).toContain('globex');
  });

  it('refuses who would have as many as anybody', async () => {
    const { add, finish } = busyQueue({ maxWaiting: 2 });
    add('a', { member: 'a' });
    add('b', { member: 'b' });

    expect(await add('c', { member: 'c' }).outcome).toBe('busy');
    expect(await add('b again', { member: 'b' }).outcome).toBe('busy');
    expect(await finish()).toEqual(['done', 'done', 'busy', 'busy']);
  });
});

describe('nobody waits', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it('longer than the limit of time', async () => {
    vi.useFakeTimers();
    const { add, finish, started } = busyQueue({ maxWaitMs: 2000 });
    const early = add('early');
    await vi.advanceTimersByTimeAsync(1500);
    add('late');
    await vi.advanceTimersByTimeAsync(600);

    expect(await early.outcome).toBe('busy');
    expect(await finish()).toEqual(['busy', 'done']);
    expect(started).toEqual(['late']);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('for whom nobody waits: the job is dropped, and leaves its place to others', async () => {
    const gone = new AbortController();
    const { add, finish, started } = busyQueue({ maxWaiting: 1 });
    const dropped = add('gone', { signal: gone.signal });
    gone.abort();

    add('next');

    expect(await dropped.outcome).toBe('busy');
    expect(await add('too late', { signal: gone.signal }).outcome).toBe('busy');
    await finish();
    expect(started).toEqual(['next']);
  });
});
