/** Who guesses: each `createGuesses` stands for a process, all on one store with one clock that is moved on. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { pino } from 'pino';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Failure } from '../../src/base/errors.ts';
import { sha256 } from '../../src/base/hash.ts';
import { randomId } from '../../src/base/random.ts';
import {
  type AttemptSource,
  type BruteForceGuard,
  createBruteForceGuard,
} from '../../src/limits/brute-force.ts';
import { networkOf } from '../../src/limits/network.ts';
import { TooMany } from '../../src/limits/too-many.ts';
import { createEmbeddedStore } from '../../src/storage/embedded/store.ts';
import type { Store, Write } from '../../src/storage/port/port.ts';

const attemptSource: AttemptSource = {
  kind: 'client_secret',
  realm: 'acme',
  target: 'portal',
  network: '192.0.2.1',
};

const key = Buffer.alloc(32, 1);

async function open() {
  const folder = await mkdtemp(join(tmpdir(), 'guesses-'));
  const time = { now: 1_700_000_000_000 };
  const clock = () => time.now;
  const store = createEmbeddedStore({ path: join(folder, 'test.db'), clock });
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
  const lines: string[] = [];
  const logger = pino({ level: 'warn' }, { write: (line: string) => void lines.push(line) });
  return {
    time,
    clock,
    store,
    calls,
    lines,
    process: () => createBruteForceGuard({ store: counting, clock, logger, key }),
  };
}

const outcomeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'told',
    (error: unknown) => (error instanceof TooMany ? 'held off' : error),
  );

async function wrongTimes(
  bruteForce: BruteForceGuard,
  times: number,
  who = attemptSource,
): Promise<readonly unknown[]> {
  const outcomes: unknown[] = [];
  for (let index = 0; index < times; index += 1)
    outcomes.push(await outcomeOf(bruteForce.wrong(who, randomId())));
  return outcomes;
}

describe('wrong guesses', () => {
  it('are told twenty times, then nothing is until the minute is over', async () => {
    const { process, time } = await open();
    const bruteForce = process();

    expect(new Set(await wrongTimes(bruteForce, 20))).toEqual(new Set(['told']));
    expect(() => bruteForce.admit(attemptSource)).toThrow(TooMany);
    time.now += 59_000;
    expect(() => bruteForce.admit(attemptSource)).toThrow(expect.objectContaining({ retryAfter: 1 }));
    time.now += 1000;
    expect(bruteForce.isBlocked(attemptSource)).toBe(false);
  });

  it('of one moment are told no more often, and cost the store no more', async () => {
    const { process, calls } = await open();
    const bruteForce = process();

    const outcomes = await Promise.all(
      Array.from({ length: 200 }, (_, index) => outcomeOf(bruteForce.wrong(attemptSource, `${index}`))),
    );

    expect(outcomes.filter((outcome) => outcome === 'told')).toHaveLength(20);
    expect(calls.count).toBe(20);
  });

  it('count for every process, which each answer one more at most', async () => {
    const { process } = await open();
    await wrongTimes(process(), 20);
    const other = process();

    expect(other.isBlocked(attemptSource)).toBe(false);
    expect(await wrongTimes(other, 1)).toEqual(['held off']);
    expect(other.isBlocked(attemptSource)).toBe(true);
  });

  it.each<[string, Partial<AttemptSource>]>([
    ['another network', { network: '192.0.2.2' }],
    ['another client', { target: 'other' }],
    ['another realm', { realm: 'globex' }],
    ['another kind', { kind: 'api_key' }],
  ])('hold off nobody of %s', async (_name, other) => {
    const { process } = await open();
    const bruteForce = process();
    await wrongTimes(bruteForce, 20);

    expect(bruteForce.isBlocked({ ...attemptSource, ...other })).toBe(false);
    expect(await wrongTimes(bruteForce, 1, { ...attemptSource, ...other })).toEqual(['told']);
  });

  it('count once for each value, however often it is sent, in all processes', async () => {
    const { process } = await open();
    const [one, other] = [process(), process()];
    const repeat = (guard: BruteForceGuard, value: string) =>
      Promise.all(Array.from({ length: 100 }, () => outcomeOf(guard.wrong(attemptSource, value))));

    const repeated = [await repeat(one, 'old'), await repeat(other, 'old')].flat();
    const different = await wrongTimes(one, 19);

    expect(new Set([...repeated, ...different])).toEqual(new Set(['told']));
    expect(await wrongTimes(other, 1)).toEqual(['held off']);
    expect(await outcomeOf(one.wrong(attemptSource, 'old'))).toBe('held off');
  });

  it('leave nothing in the store that tells what was tried', async () => {
    const { process, store } = await open();
    const written: string[] = [];
    const watched = {
      ...store,
      commit: (writes: readonly Write[]) => {
        written.push(JSON.stringify(writes));
        return store.commit(writes);
      },
    };
    const guard = createBruteForceGuard({
      store: watched,
      clock: Date.now,
      logger: pino({ level: 'silent' }),
      key,
    });

    await guard.wrong(attemptSource, 'my old secret');
    await process().wrong(attemptSource, 'my old secret');

    expect(written).toHaveLength(1);
    expect(written[0]).not.toContain('my old secret');
    expect(written[0]).not.toContain(sha256('my old secret'));
  });

  it('are said once in the log, without what was guessed at', async () => {
    const { process, lines } = await open();

    await wrongTimes(process(), 30);

    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      kind: 'client_secret',
      realm: 'acme',
      network: '192.0.2.1',
    });
    expect(lines[0]).not.toContain('portal');
  });

  it('are not told when they cannot be counted', async () => {
    const { clock, store: real } = await open();
    const store = { ...real, count: () => Promise.reject(new Failure('unavailable', 'gone')) };
    const bruteForce = createBruteForceGuard({ store, clock, logger: pino({ level: 'silent' }), key });

    expect(await outcomeOf(bruteForce.wrong(attemptSource, 'wrong'))).toMatchObject({ code: 'unavailable' });
  });

  it('are listened to again after the clock was set back', async () => {
    const { process, time } = await open();
    const bruteForce = process();
    await wrongTimes(bruteForce, 20);

    time.now -= 3_600_000;

    expect(bruteForce.isBlocked(attemptSource)).toBe(false);
  });
});

describe('the network of an address', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:0DB8:0:0:ffff::1', '2001:db8:0:0::/64'],
    ['2001:db8:0:1::1', '2001:db8:0:1::/64'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::ffff:c000:201', '192.0.2.1'],
    ['::1', '0:0:0:0::/64'],
    ['1:2::3:4:5:192.0.2.1', '1:2:0:3::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['', ''],
    ['unknown', 'unknown'],
  ])('%s is %s', (address, network) => {
    expect(networkOf(address)).toBe(network);
  });

  it('is the same for all of a /64 and for nobody else, however the address is written', () => {
    const group = fc.integer({ min: 0, max: 0xffff });
    const four = fc.tuple(group, group, group, group);
    // What begins with zeros may be an IPv4 address.
    const line = fc.tuple(fc.integer({ min: 1, max: 0xffff }), group, group, group);
    const write = (groups: readonly number[]) => groups.map((one) => one.toString(16)).join(':');
    const writeLong = (groups: readonly number[]) =>
      groups.map((one) => one.toString(16).toUpperCase().padStart(4, '0')).join(':');

    fc.assert(
      fc.property(line, line, four, four, (one, other, here, there) => {
        const network = networkOf(write([...one, ...here]));

        expect(networkOf(writeLong([...one, ...there]))).toBe(network);
        expect(networkOf(write([...other, ...here])) === network).toBe(write(one) === write(other));
      }),
    );
  });
});
