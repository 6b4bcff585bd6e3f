/**
 * Records samples of frequent events in the trail: uses and denials at introspection. They are written in the
 * background: the answer neither waits for them nor fails with them.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { createWorkQueue } from '../../base/work-queue.ts';
import type { GuestRecord } from '../record/guest-record.ts';
import { createSampler } from './sampler.ts';
import { append, type Happening, type TrailDeps, tellMissing } from './trail.ts';

export type TrailNotes = ReturnType<typeof createTrailNotes>;

/** How many are written at a time, so that many new tokens do not keep the store from answering requests. */
const CONCURRENCY = 16;
const MAX_WAITING = 10_000;
const MAX_WAIT_MS = 10_000;
/** As long as a call of the store may take to fail. */
const PATIENCE_MS = 2000;

export function createTrailNotes(deps: TrailDeps) {
  const sampler = createSampler(deps.clock);
  const queue = createWorkQueue({
    concurrency: CONCURRENCY,
    maxWaiting: MAX_WAITING,
    maxWaitMs: MAX_WAIT_MS,
  });
  const pending = new Set<Promise<void>>();

  async function write(name: string, realm: string, record: GuestRecord, what: Happening): Promise<void> {
    const whose = { realm, record };
    try {
      await queue.run(() => append(deps, whose, { ...what, rhythm: 'rarely' }));
    } catch (error) {
      tellMissing(deps, whose, what, error);
      sampler.forget(name);
    }
  }

  return {
    note(realm: string, record: GuestRecord, what: Happening): void {
      const name = `${record.id} ${what.event} ${what.more?.['reason'] ?? ''}`;
      if (!sampler.isFirst(name)) return;
      const work = write(name, realm, record, what).finally(() => pending.delete(work));
      pending.add(work);
    },

    /** Resolves when everything noted so far is in the store or the log, or after two seconds. */
    async settled(): Promise<void> {
      if (pending.size === 0) return;
      await Promise.race([Promise.all(pending), pause(PATIENCE_MS, undefined, { ref: false })]);
    },
  };
}
