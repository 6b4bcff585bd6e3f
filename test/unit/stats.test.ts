/** Figures over time, with a clock that is moved: each `process` stands for one process on the same store. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createBackground } from '../../src/base/background.ts';
import { Failure } from '../../src/base/errors.ts';
import { createEventSink, type DomainEvent } from '../../src/observability/events.ts';
import { createFigures } from '../../src/stats/figures.ts';
import { seriesOf } from '../../src/stats/series.ts';
import { sheetsOf } from '../../src/stats/sheets.ts';
import { createEmbeddedStore } from '../../src/storage/embedded/store.ts';
import type { Store } from '../../src/storage/port/port.ts';

const logger = pino({ level: 'silent' });
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const login: DomainEvent = { type: 'login.succeeded', realm: 'acme', step: 'password', user: 'u1' };

async function open() {
  const folder = await mkdtemp(join(tmpdir(), 'stats-'));
  const time = { now: Date.parse('2026-03-30T22:30:00Z') };
  const clock = () => time.now;
  const embedded = createEmbeddedStore({ path: join(folder, 'test.db'), clock });
  const state = { isDown: false, calls: 0 };
  const through = async <T>(call: () => Promise<T>): Promise<T> => {
    state.calls += 1;
    if (state.isDown) throw new Failure('unavailable', 'the store is away');
    return call();
  };
  const store: Store = {
    ...embedded,
    read: (keys) => through(() => embedded.read(keys)),
    commit: (writes) => through(() => embedded.commit(writes)),
  };
  function process() {
    const background = createBackground();
    onTestFinished(() => background.close());
    const events = createEventSink(logger);
    return { ...createFigures({ store, clock, events, background, logger }), emit: events.emit };
  }
  onTestFinished(async () => {
    await embedded.close();
    await rm(folder, { recursive: true, force: true });
  });
  return { time, state, store, embedded, process };
}

type Process = Awaited<ReturnType<typeof open>>['process'];

function hours(figures: ReturnType<Process>, from: string, count: number) {
  const start = Date.parse(from);
  return figures.read('acme', { step: 'hour', from: start, to: start + count * HOUR });
}

function days(figures: ReturnType<Process>, from: string, count: number) {
  const start = Date.parse(from);
  return figures.read('acme', { step: 'day', from: start, to: start + count * DAY });
}

describe('figures', () => {
  it('stand in the hour and the day of what happened, across the ends of days and months', async () => {
    const { time, process } = await open();
    const figures = process();

    for (const count of [1, 2, 3, 4]) {
      for (let at = 0; at < count; at += 1) figures.emit(login);
      time.now += HOUR;
    }
    time.now += DAY;
    figures.emit(login);

    const series = 'logins.succeeded';
    expect(await hours(figures, '2026-03-30T21:00:00Z', 6)).toEqual([{ series, values: [0, 1, 2, 3, 4, 0] }]);
    expect(await days(figures, '2026-03-29T00:00:00Z', 5)).toEqual([{ series, values: [0, 3, 7, 1, 0] }]);
  });

  it('of many processes add up, when all write at once', async () => {
    const { process } = await open();
    const all = Array.from({ length: 12 }, process);

    for (let round = 0; round < 3; round += 1) {
      for (const { emit } of all) emit(login);
      await Promise.all(all.map(({ flushAll }) => flushAll()));
    }
    // What lost every race waits for the next time.
    for (const { flushAll } of all) await flushAll();

    const [first] = all;
    const lines = first && (await hours(first, '2026-03-30T22:00:00Z', 1));
    expect(lines).toEqual([{ series: 'logins.succeeded', values: [12 * 3] }]);
  });

  it('wait while the store is away, and ask it once for all realms', async () => {
    const { state, process } = await open();
    const figures = process();
    for (const realm of ['acme', 'globex', 'initech']) figures.emit({ ...login, realm });
    state.isDown = true;

    await figures.flushAll();

    expect(state.calls).toBe(1);
    state.isDown = false;
    expect(await hours(figures, '2026-03-30T22:00:00Z', 1)).toHaveLength(1);
  });

  it('cost nothing where nothing happens, and two calls where something does', async () => {
    const { state, process } = await open();
    const figures = process();

    await figures.flushAll();
    const idle = state.calls;
    for (let at = 0; at < 1000; at += 1) figures.emit({ ...login, type: 'login.failed', reason: 'locked' });
    await figures.flushAll();

    expect([idle, state.calls]).toEqual([0, 2]);
  });

  it('are kept by hours for 35 days and by days for 400, and then leave', async () => {
    const { time, process } = await open();
    const figures = process();
    figures.emit(login);
    await figures.flushAll();
    const ofHour = () => hours(figures, '2026-03-30T22:00:00Z', 1);
    const ofDay = () => days(figures, '2026-03-30T00:00:00Z', 1);
    const start = time.now;

    time.now = start + 35 * DAY;
    expect([(await ofHour()).length, (await ofDay()).length]).toEqual([1, 1]);
    time.now = start + 37 * DAY;
    expect([(await ofHour()).length, (await ofDay()).length]).toEqual([0, 1]);
    time.now = start + 400 * DAY;
    expect((await ofDay()).length).toBe(1);
    time.now = start + 402 * DAY;
    expect((await ofDay()).length).toBe(0);
  });

  it('of a realm lie in no sheet that its removal does not name', async () => {
    const { time, embedded, process } = await open();
    const figures = process();
    for (let at = 0; at < 500; at += 1) {
      figures.emit(login);
      await figures.flushAll();
      time.now += DAY;
    }
    const removed = figures.removal('acme');

    await embedded.commit(removed);

    expect(removed.length).toBe(sheetsOf('acme', time.now).length);
    expect(removed.length).toBeLessThan(60);
    expect(await days(figures, '2026-03-30T00:00:00Z', 520)).toEqual([]);
    expect(await hours(figures, '2026-03-30T00:00:00Z', 520 * 24)).toEqual([]);
  });

  it('of a disabled realm are dropped', async () => {
    const { embedded, process } = await open();
    const figures = process();
    await embedded.commit([{ close: '', realm: 'acme' }]);
    figures.emit(login);

    await figures.flushAll();
    await embedded.commit([{ open: '', realm: 'acme', ttl: 60 }]);

    expect(await hours(figures, '2026-03-30T22:00:00Z', 1)).toEqual([]);
  });
});

describe('what counts', () => {
  it.each<[DomainEvent, readonly string[]]>([
    [{ type: 'login.failed', realm: 'r', step: 'password', reason: 'disabled' }, ['logins.failed disabled']],
    [{ type: 'token.issued', realm: 'r', path: 'fast', grant: 'password' }, ['tokens.issued password']],
    [{ type: 'token.introspected', realm: 'r', path: 'fast', active: true }, ['introspections active']],
    [{ type: 'guest', realm: 'r', event: 'guest.used', details: {} }, []],
    [{ type: 'guest', realm: 'r', event: 'guest.refreshed', details: {} }, ['guests.refreshed']],
    [
      { type: 'revocation', realm: 'r', nodes: ['u:1', 's:2'], kinds: ['user', 'session'] },
      ['revocations user', 'revocations session'],
    ],
    [{ type: 'registry.changed', realm: 'r', what: 'user' }, []],
  ])('%j', (event, series) => {
    expect(seriesOf(event)).toEqual(series);
  });
});
