/** The audit log over a store that fails, that forgets, and in realms that take no writes. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createAuditLog, MAX_REALMS } from '../../src/audit/audit-log.ts';
import { verifyAudit } from '../../src/audit/verify.ts';
import { Failure } from '../../src/base/errors.ts';
import { createSealer } from '../../src/keys/seal.ts';
import { createEventSink, type DomainEvent } from '../../src/observability/events.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { openStore } from '../../src/storage/open.ts';
import type { Store } from '../../src/storage/port/port.ts';
import { type Engine, openEmbedded } from '../support/raw-store.ts';

const logger = createLogger('silent');
const { digest } = createSealer(Buffer.alloc(32, 7));
const DAY = 86_400_000;
const minted = (guest: string): DomainEvent => ({
  type: 'guest',
  realm: 'acme',
  event: 'guest.minted',
  details: { guest, client: 'portal' },
  by: 'portal',
});

let engine: Engine;
let store: Store;
/** What happens to the next commits: nothing, they fail, or only their answers are lost. */
let trouble: 'none' | 'fails' | 'unanswered';
const clock = { aheadMs: 0 };

beforeEach(async () => {
  engine = await openEmbedded();
  const real = await openStore(engine.url, { clock: () => Date.now(), logger });
  trouble = 'none';
  clock.aheadMs = 0;
  store = {
    ...real,
    async commit(writes) {
      if (trouble === 'fails') throw new Failure('unavailable', 'the store is away');
      const outcome = await real.commit(writes);
      if (trouble === 'unanswered') throw new Failure('unavailable', 'the answer is lost');
      return outcome;
    },
  };
});
afterEach(async () => {
  await store.close();
  await engine.stop();
});

const now = () => Date.now() + clock.aheadMs;
const open = (days = 90) =>
  createAuditLog({
    store,
    clock: now,
    digest,
    logger,
    events: createEventSink(logger),
    daysOf: () => Promise.resolve(days),
    adminRealm: 'daypass-admin',
  });
const faults = async () => (await verifyAudit({ store, digest, clock: now }, 'acme')).faults;
const guestsIn = async (log: ReturnType<typeof open>) =>
  (await log.search('acme', {}, { limit: 200 })).events.map(({ object }) => object.id);

describe('the audit log', () => {
  it('writes later what it cannot write now', async () => {
    const log = open();
    trouble = 'fails';
    log.hear(minted('gt_1'));
    await log.flush();
    log.hear(minted('gt_2'));
    await log.flush();
    trouble = 'none';
    await log.flush();

    expect(await guestsIn(log)).toEqual(['gt_2', 'gt_1']);
    expect(await faults()).toEqual([]);
  });

  it('writes very many in several commits, all before the process ends', async () => {
    const log = open();
    trouble = 'fails';
    for (let at = 0; at < 2050; at += 1) log.hear(minted(`gt_${at}`));
    await log.flush();
    trouble = 'none';
    await log.flush(true);

    const records = await engine.records('acme', 'audit');
    expect(records.flatMap(({ value }) => [...value.matchAll(/"gt_\d+"/g)])).toHaveLength(2050);
    expect(await faults()).toEqual([]);
  });

  it('writes nothing over a batch whose commit was not answered', async () => {
    const log = open();
    log.hear(minted('gt_1'));
    await log.flush();
    trouble = 'unanswered';
    log.hear(minted('gt_2'));
    await log.flush();
    trouble = 'none';
    log.hear(minted('gt_3'));
    await log.flush();

    const { events } = await log.search('acme', {}, { limit: 200 });
    // The second was written twice, under one id.
    expect(new Map(events.map(({ id, object }) => [id, object.id])).size).toBe(3);
    expect(events.filter(({ object }) => object.id === 'gt_2').map(({ id }) => id)).toHaveLength(2);
    expect(await faults()).toEqual([]);
  });

  it('refuses a deed and a change that it cannot write', async () => {
    const log = open();
    const actor = { kind: 'operator' } as const;
    trouble = 'fails';

    const noted = log.changeLog.note({ realm: 'acme', actor, deed: 'session.end', to: { session: 's' } });

    await expect(noted).rejects.toMatchObject({ code: 'unavailable' });
    const changes = [{ what: 'client', id: 'web', after: { id: 'web' } }] as const;
    const put = { realm: 'acme', kind: 'client', id: 'web' };
    const recorded = log.changeLog.record({ realm: 'acme', actor, changes }, (more) =>
      store.commit([{ put, value: '{}' }, ...more]),
    );
    await expect(recorded).rejects.toMatchObject({ code: 'unavailable' });
    trouble = 'none';
    expect(await store.read([put])).toEqual([undefined]);
    expect(await guestsIn(log)).toEqual([]);
  });

  it('has no event of a change that the store refused, and keeps what was waiting', async () => {
    const log = open();
    const put = { realm: 'acme', kind: 'client', id: 'web' };
    await store.commit([{ put, value: '{}' }]);
    log.hear(minted('gt_1'));
    const changes = [{ what: 'client', id: 'web', after: { id: 'web' } }] as const;

    const outcome = await log.changeLog.record(
      { realm: 'acme', actor: { kind: 'server' }, changes },
      (more) => store.commit([{ put, value: '{}', onlyIf: 'absent' }, ...more]),
    );

    expect(outcome.ok).toBe(false);
    expect(await guestsIn(log)).toEqual(['gt_1']);
    expect(await faults()).toEqual([]);
  });

  it('goes on beside a realm that takes no writes', async () => {
    const log = open();
    log.hear(minted('gt_1'));
    await log.flush();
    await store.commit([{ close: '', realm: 'acme' }]);
    log.hear(minted('gt_2'));
    const actor = { kind: 'operator' } as const;
    await log.changeLog.note({ realm: 'acme', actor, deed: 'session.end', to: { session: 's' } });
    await store.commit([{ open: '', realm: 'acme', ttl: 60 }]);
    log.hear(minted('gt_3'));

    expect([...(await guestsIn(log))].sort()).toEqual(['gt_1', 'gt_2', 'gt_3', 's']);
    expect(await faults()).toEqual([]);
    expect((await engine.records('acme~', 'audit')).length).toBe(1);
  });

  it('misses nothing that is over its time, and everything before', async () => {
    const log = open(2);
    for (const guest of ['gt_1', 'gt_2', 'gt_3']) {
      log.hear(minted(guest));
      await log.flush();
    }
    const [first] = [...(await engine.records('acme', 'audit'))].sort((a, b) => (a.id < b.id ? -1 : 1));
    await engine.rewrite({ realm: 'acme', kind: 'audit', id: first?.id ?? '' }, undefined);

    expect(await faults()).toMatchObject([expect.stringMatching(/batch 1 was removed/)]);
    clock.aheadMs = 2 * DAY;
    expect(await faults()).toEqual([]);
  });

  it('keeps events for as long as the realm says', async () => {
    const log = open(1 / 86_400);
    log.hear(minted('gt_1'));
    await log.flush();

    await expect.poll(() => guestsIn(log)).toEqual([]);
    expect(await faults()).toEqual([]);
  });

  it('writes what waits when the process ends', async () => {
    const log = open();
    log.hear(minted('gt_1'));
    await log.flush(true);

    expect((await engine.records('acme', 'audit')).map(({ value }) => value)).toEqual([
      expect.stringContaining('gt_1'),
    ]);
  });

  it('tells the administrators of all realms which are created and removed, without their settings', async () => {
    const log = open();
    const actor = { kind: 'operator' } as const;
    const commit = (more: Parameters<Store['commit']>[0]) => store.commit(more);
    const settings = { name: 'acme', audit: { days: 7 } };
    await log.changeLog.record(
      { realm: 'acme', actor, changes: [{ what: 'realm', after: settings }] },
      commit,
    );
    await log.changeLog.record(
      { realm: 'acme', actor, changes: [{ what: 'realm', before: settings }] },
      commit,
    );

    const { events } = await log.search('daypass-admin', {}, { limit: 10 });
    expect(events.map(({ kind, object, changes }) => [kind, object.id, changes])).toEqual([
      ['realm.removed', 'acme', undefined],
      ['realm.created', 'acme', undefined],
    ]);
  });
});

describe('the log of very many realms', () => {
  it('remembers the chains of the latest ones, and is whole for the others too', async () => {
    const audit = open();
    const first = { ...minted('gt_first'), realm: 'realm-0' };
    audit.hear(first);
    await audit.flush();
    for (let realm = 1; realm <= MAX_REALMS; realm += 1)
      audit.hear({ ...minted('gt'), realm: `realm-${realm}` });
    await audit.flush();
    audit.hear({ ...minted('gt_second'), realm: 'realm-0' });
    await audit.flush();

    const { events } = await audit.search('realm-0', {}, { limit: 10 });
    const writers = await store.list({ realm: 'realm-0', kind: 'audit-writers', id: 'all' }, { limit: 10 });
    expect(events.map(({ object }) => object?.id)).toEqual(['gt_second', 'gt_first']);
    expect(writers.members).toHaveLength(2);
    expect(await audit.verify('realm-0')).toMatchObject({ faults: [] });
  });
});
