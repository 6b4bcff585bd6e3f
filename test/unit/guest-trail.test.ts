/** How much of a trail is kept, and for how long, on a store whose time the test moves. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { GuestRecord } from '../../src/guest/record/guest-record.ts';
import { append, type Happening, readTrail } from '../../src/guest/trail/trail.ts';
import { faultOf } from '../../src/guest/trail/trail-chain.ts';
import { createEventSink } from '../../src/observability/events.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { createEmbeddedStore } from '../../src/storage/embedded/store.ts';
import { readGranted, smallest } from './guest-support.ts';

const folder = mkdtempSync(join(tmpdir(), 'trail-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let now = Date.parse('2026-01-01T00:00:00Z');
const clock = () => now;
const store = createEmbeddedStore({ path: join(folder, 'daypass.db'), clock });
afterAll(() => store.close());
const logger = createLogger('silent');
const deps = { store, clock, storeAheadMs: () => 0, logger, events: createEventSink(logger) };

const forward = (days: number) => {
  now += days * 86_400_000;
};

/** A token that never ends. */
const tokenOf = (id: string, trailDays?: number): GuestRecord => ({
  ...(trailDays === undefined ? {} : { trailDays }),
  k: 'GuestToken',
  v: 1,
  id,
  clientId: 'portal',
  sub: 'guest:x',
  audiences: [],
  scope: 'guest:view',
  iat: 0,
  exp: null,
  notBefore: 0,
  granted: readGranted(smallest),
  policies: [],
  narrowed: [],
  policyHash: '',
  inherited: [],
  budgets: [],
});

const happen = (id: string, more: Partial<Happening> = {}, trailDays?: number) =>
  append(
    deps,
    { realm: 'acme', record: tokenOf(id, trailDays) },
    { event: 'guest.narrowed', source: { by: 'portal' }, ...more },
  );
const trailOf = async (id: string) => {
  const events = await readTrail(deps, 'acme', id);
  return {
    events,
    seqs: events.map(({ seq }) => seq),
    fault: faultOf(id, { events, head: events.at(-1) ?? null }),
  };
};

describe('what is kept of a trail', () => {
  it('is a thousand events, whole from the oldest on', async () => {
    for (let count = 0; count < 1005; count += 1) await happen('gt_long');

    const { seqs, fault } = await trailOf('gt_long');

    expect([seqs.length, seqs[0], seqs.at(-1)]).toEqual([1000, 6, 1005]);
    expect(fault).toBeUndefined();
    const [gone, kept] = await store.read(
      ['gt_long~5', 'gt_long~6'].map((id) => ({ realm: 'acme', kind: 'guest-event', id })),
    );
    expect([gone, kept?.cut]).toEqual([undefined, false]);
  });

  it('is three events a day, where the realm keeps trails for longer than a year', async () => {
    for (let count = 0; count < 1205; count += 1) await happen('gt_years', {}, 400);

    const { seqs, fault } = await trailOf('gt_years');

    expect([seqs.length, seqs[0], seqs.at(-1)]).toEqual([1200, 6, 1205]);
    expect(fault).toBeUndefined();
  });

  it('is ninety days, and the last event as long as the token can live', async () => {
    for (const days of [0, 1, 88, 1]) {
      forward(days);
      await happen('gt_old');
    }

    forward(0.5);
    expect(await trailOf('gt_old')).toMatchObject({ seqs: [2, 3, 4], fault: undefined });
    forward(1);
    expect(await trailOf('gt_old')).toMatchObject({ seqs: [3, 4], fault: undefined });
    forward(365);
    expect(await trailOf('gt_old')).toMatchObject({ seqs: [4], fault: undefined });
    await happen('gt_old');
    expect(await trailOf('gt_old')).toMatchObject({ seqs: [5], fault: undefined });
  });

  it('is hardly more than an event a day of what goes on and on', async () => {
    for (let hour = 0; hour < 90 * 24; hour += 1) {
      await happen('gt_busy', { event: 'guest.denied', more: { reason: 'revoked' }, rhythm: 'rarely' });
      forward(1 / 24);
    }

    expect((await trailOf('gt_busy')).events.length).toBeLessThan(100);
  });

  it('is once what can happen only once, and each reason for itself', async () => {
    for (const reason of ['expired', 'revoked', 'expired']) {
      await happen('gt_once', { event: 'guest.denied', more: { reason }, rhythm: 'rarely' });
      await happen('gt_once', { event: 'guest.revoked', rhythm: 'once' });
    }

    const { events } = await trailOf('gt_once');

    expect(events.map(({ event, ...more }) => [event, more['reason']])).toEqual([
      ['guest.denied', 'expired'],
      ['guest.revoked', undefined],
      ['guest.denied', 'revoked'],
    ]);
  });
});
