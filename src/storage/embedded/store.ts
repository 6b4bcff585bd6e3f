/**
 * The default engine: one SQLite file, one process that serves and others (the command line) that may write to it
 * now and then. A commit is one transaction. Calls work synchronously and answer with promises.
 */
import type { Clock } from '../../base/clock.ts';
import { isFailure } from '../../base/errors.ts';
import { checkCount, checkKey, checkPage, checkWrites } from '../port/checks.ts';
import type { Document, Key, Store } from '../port/port.ts';
import { createSteps, rowKey } from './commit.ts';
import { createCounters } from './counters.ts';
import { type Database, integer, openDatabase } from './database.ts';
import { createDocuments } from './documents.ts';
import { createMembers } from './members.ts';
import { createMessages } from './messages.ts';
import { createNodes, type Moment } from './nodes.ts';
import { patiently } from './patience.ts';

const sweepEveryMs = 1000;
const sweepAgainMs = 20;

/** `path` of the file, which is made when it is not there. Throws `Failure('unavailable')` when it cannot be used. */
export function createEmbeddedStore({ path, clock }: { path: string; clock: Clock }): Store {
  const database = openDatabase(path);
  const time = createTime(database, clock);
  const documents = createDocuments(database);
  const nodes = createNodes(database);
  const members = createMembers(database);
  const messages = createMessages(database);
  const counters = createCounters(database);
  const steps = createSteps({ documents, nodes, members, counters, messages });
  const stopSweeping = startSweeping(database, clock);

  const readOne = createReader({ time, documents, nodes });

  return {
    async read(keys) {
      keys.forEach(checkKey);
      return patiently(() => database.read(() => keys.map(readOne)));
    },

    async commit(writes) {
      const realm = checkWrites(writes);
      return patiently(() => {
        messages.drop();
        const result = database.write(() => {
          const at = time.next(realm);
          const outcome = steps.run(writes, at);
          if (outcome.ok) time.remember(realm, at);
          return outcome;
        });
        messages.flush();
        return result;
      });
    },

    async list(index, { limit, after, prefix }) {
      checkKey(index);
      checkPage(limit);
      return patiently(() =>
        database.read(() => members.page(rowKey(index), { limit, after, prefix, nowMs: clock() })),
      );
    },

    async count(key, { windowMs, by }) {
      checkKey(key);
      checkCount(windowMs, by);
      return patiently(() => {
        const nowMs = clock();
        return by === 0
          ? database.read(() => counters.find(rowKey(key), nowMs))
          : database.write(() => counters.add(rowKey(key), { windowMs, by, nowMs }));
      });
    },

    subscribe: (topic, listener) => messages.subscribe(topic, listener),

    async ping() {
      database.read(() => undefined);
      database.checkFile();
    },

    async warnings() {
      return [];
    },

    async close() {
      stopSweeping();
      messages.close();
      database.close();
    },
  };
}

type ReaderParts = {
  readonly time: ReturnType<typeof createTime>;
  readonly documents: ReturnType<typeof createDocuments>;
  readonly nodes: ReturnType<typeof createNodes>;
};

function createReader({ time, documents, nodes }: ReaderParts) {
  return function readOne(key: Key): Document | undefined {
    const { stamp: now, nowMs } = time.next(key.realm);
    const row = documents.find(rowKey(key), nowMs);
    if (!row) return undefined;
    const { stamp, spentAt, under, value } = row;
    const cut = nodes.isCut(key.realm, under, { stamp, nowMs });
    return { value, stamp, cut, now, ...(spentAt !== undefined && { spentAt }) };
  };
}

/** The last stamp of a realm is stored in the file: neither a restart nor a second process can go back behind it. */
function createTime(database: Database, clock: Clock) {
  const select = database.prepare('SELECT last FROM realm WHERE name = ?');
  const upsert = database.prepare('INSERT OR REPLACE INTO realm (name, last) VALUES (?, ?)');
  return {
    /** The stamp of a commit at this moment: greater than every stamp of the realm. */
    next(realm: string): Moment {
      const nowMs = clock();
      const last = integer(select.get(realm) ?? { last: 0 }, 'last');
      return { stamp: Math.max(Math.floor(nowMs * 1000), last + 1), nowMs: Math.floor(nowMs) };
    },
    remember(realm: string, { stamp }: Moment): void {
      upsert.run(realm, stamp);
    },
  };
}

function startSweeping(database: Database, clock: Clock): () => void {
  let timer = setTimeout(sweep, sweepEveryMs).unref();
  function sweep(): void {
    timer = setTimeout(sweep, hasMore() ? sweepAgainMs : sweepEveryMs).unref();
  }
  function hasMore(): boolean {
    try {
      return database.sweep(clock());
    } catch (error) {
      // Another process is writing, or the disk is full. Expired rows do no harm, and are deleted later.
      if (isFailure(error, 'unavailable')) return false;
      throw error;
    }
  }
  return () => clearTimeout(timer);
}
