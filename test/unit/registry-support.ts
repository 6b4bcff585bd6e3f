import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { onTestFinished } from 'vitest';
import { createWorkQueue } from '../../src/base/work-queue.ts';
import { isNarrowerCeiling } from '../../src/guest/limits/ceiling-change.ts';
import { createSealer } from '../../src/keys/seal.ts';
import { createEventSink } from '../../src/observability/events.ts';
import { createPasswordQueue, createPasswords } from '../../src/registry/passwords/passwords.ts';
import { createRegistry } from '../../src/registry/registry.ts';
import type { ChangeLog } from '../../src/registry/store/change-log.ts';
import { createEmbeddedStore } from '../../src/storage/embedded/store.ts';
import type { Key, Store } from '../../src/storage/port/port.ts';
import { isNarrowerSection } from '../../src/surfaces/facades/section-change.ts';

const seal = createSealer(Buffer.alloc(32, 7));
const logger = pino({ level: 'silent' });

/** Keeps no record. */
const unrecorded: ChangeLog = {
  note: () => Promise.resolve(),
  record: (_entry, commit) => commit([]),
};

type Options = {
  /** How many passwords may wait to be hashed. */
  readonly maxWaiting?: number;
  /** Is aborted when the process is to stop. */
  readonly stopping?: AbortSignal;
};

/** The embedded store in a folder of its own. `counted`: the passwords that were hashed, and verified. */
export async function openRegistry({ maxWaiting, stopping = new AbortController().signal }: Options = {}) {
  const queue =
    maxWaiting === undefined
      ? createPasswordQueue()
      : createWorkQueue({ concurrency: 2, maxWaiting, maxWaitMs: 60_000 });
  const passwords = createPasswords({ queue });
  const folder = await mkdtemp(join(tmpdir(), 'registry-'));
  const path = join(folder, 'test.db');
  const time = { now: Date.now() };
  const counted = { hashed: 0, verified: 0 };
  const closers: (() => unknown)[] = [];

  function connect(signal = stopping) {
    const store = createEmbeddedStore({ path, clock: () => Date.now() });
    closers.push(store.close);
    return { store, registry: registryOn(store, signal) };
  }

  function registryOn(store: Store, signal = stopping) {
    const registry = createRegistry({
      store,
      clock: () => time.now,
      seal,
      logger,
      events: createEventSink(logger),
      removedWith: () => [],
      stopping: signal,
      changeLog: unrecorded,
      narrowing: { mints: isNarrowerCeiling, section: isNarrowerSection },
      passwords: {
        verify(password, stored) {
          counted.verified += 1;
          return passwords.verify(password, stored);
        },
        async hash(password) {
          const hashed = await passwords.hash(password);
          counted.hashed += 1;
          return hashed;
        },
      },
    });
    closers.unshift(registry.close);
    return registry;
  }

  /** A registry whose connection can be told to have been lost for a while. */
  function reconnecting() {
    const gaps: (() => void)[] = [];
    const doubts: (() => void)[] = [];
    const registry = registryOn({
      ...connect().store,
      subscribe(_topic, { onGap, onDoubt }) {
        gaps.push(onGap);
        if (onDoubt !== undefined) doubts.push(onDoubt);
        return () => undefined;
      },
    });
    return {
      registry,
      gap: () => gaps.forEach((onGap) => void onGap()),
      doubt: () => doubts.forEach((onDoubt) => void onDoubt()),
    };
  }

  onTestFinished(async () => {
    for (const close of closers) await close();
    await rm(folder, { recursive: true });
  });
  /** `connect` opens the same store once more, as another process would. */
  const { store, registry } = connect();
  return { store, registry, registryOn, connect, reconnecting, time, counted };
}

export async function stampsOf(store: Store, keys: readonly Key[]) {
  return (await store.read(keys)).map((document) => document?.stamp);
}

/** Writes a document below a node; the answer tells later whether it still counts. */
export async function issueBelow(store: Store, realm: string, node: string) {
  const key = { realm, kind: 'issued', id: `${node}-${Math.random()}` };
  const result = await store.commit([{ put: key, value: '', ttl: 600, under: [node] }]);
  const isAlive = async () => (await store.read([key]))[0]?.cut === false;
  return { result, isAlive };
}
