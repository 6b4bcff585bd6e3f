import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ChainedEvent, chained, faultOf } from '../../src/guest/trail/trail-chain.ts';

const TOKEN = 'gt_1';

const said = (index: number, more: Record<string, string | number> = {}) => ({
  event: 'guest.used',
  at: new Date(index * 1000).toISOString(),
  token: TOKEN,
  ...more,
});

function trailOf(count: number): ChainedEvent[] {
  const events: ChainedEvent[] = [];
  for (let index = 0; index < count; index += 1) events.push(chained(said(index), events.at(-1)));
  return events;
}

const faultIn = (events: readonly ChainedEvent[], head = events.at(-1) ?? null, hash?: string) =>
  faultOf(TOKEN, { events, head }, hash);

const length = fc.integer({ min: 2, max: 12 });
const somewhere = fc.nat();

describe('a chain of events', () => {
  it('is whole, from whichever of its events on', () => {
    fc.assert(
      fc.property(length, somewhere, (count, at) => {
        expect(faultIn(trailOf(count).slice(at % count))).toBeUndefined();
      }),
    );
  });

  it('is broken by an event that is left out', () => {
    fc.assert(
      fc.property(length, somewhere, (count, at) => {
        const events = trailOf(count + 1);
        const without = events.toSpliced(1 + (at % (count - 1)), 1);

        expect(faultIn(without, events.at(-1))).toMatch(/does not follow/);
      }),
    );
  });

  it('is broken by an event that is changed, whatever is changed', () => {
    const name = fc.constantFrom('seq', 'prev', 'hash', 'event', 'at', 'token', 'ip', 'another');
    const value = fc.oneof(fc.string(), fc.integer());
    fc.assert(
      fc.property(length, somewhere, name, value, (count, at, member, changed) => {
        const events = trailOf(count);
        const place = at % count;
        const event = events[place] ?? said(0);
        fc.pre(event[member as keyof typeof event] !== changed);
        const broken = events.toSpliced(place, 1, { ...event, [member]: changed } as ChainedEvent);

        expect(faultIn(broken, events.at(-1))).toBeDefined();
      }),
    );
  });

  it('is broken by events in another order, once more or of another token', () => {
    const [first, second, third] = trailOf(3) as [ChainedEvent, ChainedEvent, ChainedEvent];
    const foreign = chained({ ...said(1), token: 'gt_2' }, first);

    expect(faultIn([second, first, third])).toBeDefined();
    expect(faultIn([first, second, second, third])).toBeDefined();
    expect(faultIn([first, foreign])).toBe('event 2 is of another token');
  });

  it('is broken by an end that is not its head, and by a hash of the log that it lacks', () => {
    const events = trailOf(5);
    const [head] = events.slice(-1);

    expect(faultIn(events.slice(0, 4), head)).toBe('the last event is not the head');
    expect(faultIn([], head)).toBe('the last event is not the head');
    expect(faultIn(events.slice(0, 4), events[3], head?.hash)).toBe('no event has this hash');
    expect(faultIn(events, head, events[2]?.hash)).toBeUndefined();
  });

  it('never goes back in time, whatever the clocks of two processes say', () => {
    const first = chained(said(10), undefined);

    expect(chained(said(9), first).at).toBe(first.at);
  });
});
