/**
 * Publish and subscribe over the file: a message is a row in the same commit as the change. This process delivers its
 * own messages at once. It finds those of other processes by checking whether the file has changed.
 */

import { isFailure } from '../../base/errors.ts';
import { randomId } from '../../base/random.ts';
import { createListeners, type Listener, type Listeners } from '../port/listeners.ts';
import { type Database, integer, text } from './database.ts';

const pollMs = 50;
/** How long a message is kept for processes that were suspended. A process that misses it hears of a gap instead. */
const keptMs = 60_000;

export function createMessages(database: Database) {
  const self = randomId();
  const listeners = createListeners();
  const inbox = createInbox(database, { self, listeners });
  const insert = database.prepare(
    'INSERT INTO message (origin, topic, realm, message, expires) VALUES (?, ?, ?, ?, ?)',
  );
  const outbox: { id: number; topic: string; realm: string; message: string }[] = [];

  return {
    /** Adds a message inside a transaction. Call `flush` when it was committed, `drop` when it was not. */
    append(topic: string, { realm, message }: { realm: string; message: string }, nowMs: number): void {
      const { lastInsertRowid } = insert.run(self, topic, realm, message, nowMs + keptMs);
      outbox.push({ id: Number(lastInsertRowid), topic, realm, message });
    },

    flush(): void {
      for (const { id, topic, realm, message } of outbox.splice(0)) {
        inbox.skip(id);
        setImmediate(() => listeners.deliver(topic, { realm, message }));
      }
    },

    drop(): void {
      outbox.length = 0;
    },

    subscribe(topic: string, listener: Listener): () => void {
      inbox.start();
      const leave = listeners.add(topic, listener);
      return () => {
        leave();
        if (listeners.topics().length === 0) inbox.stop();
      };
    },

    close: inbox.stop,
  };
}

export type Messages = ReturnType<typeof createMessages>;

/** Messages of other processes. */
function createInbox(database: Database, { self, listeners }: { self: string; listeners: Listeners }) {
  const version = database.prepare('PRAGMA data_version');
  const newest = database.prepare("SELECT seq FROM sqlite_sequence WHERE name = 'message'");
  const after = database.prepare(
    'SELECT id, origin, topic, realm, message FROM message WHERE id > ? ORDER BY id',
  );
  let timer: NodeJS.Timeout | undefined;
  let seenVersion = 0;
  let seen = 0;

  const dataVersion = () => integer(version.get() ?? {}, 'data_version');
  const newestId = () => integer(newest.get() ?? { seq: 0 }, 'seq');

  function look(): void {
    const current = dataVersion();
    if (current === seenVersion) return;
    const { last, rows } = database.read(() => ({ last: newestId(), rows: after.all(seen) }));
    // Numbers have no holes, so a missing row is a message that was deleted before this process saw it.
    const isGap = rows.length < last - seen;
    seenVersion = current;
    seen = last;
    if (isGap) listeners.gap();
    for (const row of rows.filter((one) => one['origin'] !== self)) {
      listeners.deliver(text(row, 'topic'), { realm: text(row, 'realm'), message: text(row, 'message') });
    }
  }

  function lookOrWait(): void {
    try {
      look();
    } catch (error) {
      // Nothing is lost: the next check starts from the same place.
      if (!isFailure(error, 'unavailable')) throw error;
    }
  }

  return {
    start(): void {
      if (timer) return;
      seenVersion = dataVersion();
      seen = newestId();
      timer = setInterval(lookOrWait, pollMs).unref();
    },

    stop(): void {
      clearInterval(timer);
      timer = undefined;
    },

    /** A message of this process, which was delivered already. */
    skip(id: number): void {
      if (seen === id - 1) seen = id;
    },
  };
}
