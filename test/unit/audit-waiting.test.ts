/** Events that wait: equal failures are one, strangers have a limit, and what finds no place is told. */
import { describe, expect, it } from 'vitest';
import type { AuditDraft } from '../../src/audit/audit-event.ts';
import { createWaiting, FAILURES_PER_MINUTE, type Lost } from '../../src/audit/waiting.ts';

const MINUTE = 60_000;

function setUp() {
  const clock = { now: Date.parse('2026-11-27T16:00:00Z') };
  const lost: Lost[] = [];
  let count = 0;
  const waiting = createWaiting({
    clock: () => clock.now,
    newId: () => {
      count += 1;
      return `e-${count}`;
    },
    onLost: (one) => lost.push(one),
  });
  return { clock, lost, waiting };
}

const failure = (id: string): AuditDraft => ({
  kind: 'login.failed',
  actor: { kind: 'stranger' },
  object: { kind: 'user', id },
  outcome: 'failure',
  reason: 'credentials',
});
const success = (id: string): AuditDraft => ({
  kind: 'guest.minted',
  actor: { kind: 'client', id: 'portal' },
  object: { kind: 'guest', id },
  outcome: 'success',
});

describe('waiting events', () => {
  it('are taken in their order, once, each with an id and a time', () => {
    const { waiting } = setUp();
    waiting.add(success('a'));
    waiting.add(success('a'));

    const taken = waiting.take();

    expect(taken.map(({ id, time }) => [id, time])).toEqual([
      ['e-1', '2026-11-27T16:00:00.000Z'],
      ['e-2', '2026-11-27T16:00:00.000Z'],
    ]);
    expect(waiting.take()).toEqual([]);
  });

  it('are one event with a count when they are equal failures, until they are taken', () => {
    const { waiting } = setUp();
    for (const id of ['a', 'b', 'a', 'a']) waiting.add(failure(id));

    expect(waiting.take().map(({ object, count }) => [object.id, count])).toEqual([
      ['a', 3],
      ['b', undefined],
    ]);
    waiting.add(failure('a'));
    expect(waiting.take().map(({ count }) => count)).toEqual([undefined]);
  });

  it('are limited by the minute when they are failures, and what is more is counted when it is over', () => {
    const { waiting, clock, lost } = setUp();
    const more = 25;
    for (let at = 0; at < FAILURES_PER_MINUTE + more; at += 1) waiting.add(failure(`u-${at}`));
    waiting.add(success('a'));

    expect(waiting.take()).toHaveLength(FAILURES_PER_MINUTE + 1);
    expect(waiting.dueInMs()).toBe(MINUTE);
    expect(waiting.take()).toEqual([]);
    clock.now += MINUTE;
    expect(waiting.take()).toMatchObject([
      { kind: 'audit.lost', outcome: 'failure', reason: 'rate', details: { count: more } },
    ]);
    expect(lost).toEqual([{ reason: 'rate', count: more }]);
    waiting.add(failure('another'));
    expect(waiting.take()).toHaveLength(1);
  });

  it('are told to be lost at the end of the process, too', () => {
    const { waiting } = setUp();
    for (let at = 0; at < FAILURES_PER_MINUTE + 1; at += 1) waiting.add(failure(`u-${at}`));

    expect(waiting.take(true).at(-1)).toMatchObject({ kind: 'audit.lost', details: { count: 1 } });
  });

  it('have a bound while the store is away: the newest are lost, and counted', () => {
    const { waiting, lost } = setUp();
    for (let at = 0; at < 10_050; at += 1) waiting.add(success(`g-${at}`));

    const taken = waiting.take();

    expect(taken).toHaveLength(1001);
    expect(taken.at(-1)).toMatchObject({ kind: 'audit.lost', reason: 'store', details: { count: 50 } });
    const rest = Array.from({ length: 10 }, () => waiting.take().length);
    expect(rest).toEqual([...Array.from({ length: 9 }, () => 1000), 0]);
    expect(lost).toEqual([{ reason: 'store', count: 50 }]);
  });

  it('come first again when they could not be written', () => {
    const { waiting } = setUp();
    waiting.add(success('a'));
    const taken = waiting.take();
    waiting.add(success('b'));
    waiting.giveBack(taken);

    expect(waiting.take().map(({ object }) => object.id)).toEqual(['a', 'b']);
  });

  it('are due soon, at once when they are many, and never when there are none', () => {
    const { waiting } = setUp();
    expect(waiting.dueInMs()).toBeUndefined();
    waiting.add(success('a'));
    expect(waiting.dueInMs()).toBe(100);
    for (let at = 0; at < 100; at += 1) waiting.add(success(`g-${at}`));
    expect(waiting.dueInMs()).toBe(0);
  });
});
