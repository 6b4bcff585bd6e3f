import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { createEmbeddedStore } from '../../src/storage/embedded/store.ts';
import { openStore } from '../../src/storage/open.ts';
import { commitOk, keyIn, listen, readOne } from './contract/support.ts';
import { storeContract } from './store.ts';

const cleanups: (() => void | Promise<void>)[] = [];
const logger = createLogger('silent');

function freshPath(): string {
  const folder = mkdtempSync(join(tmpdir(), 'embedded-'));
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'data', 'daypass.db');
}

function open(path: string, clock = systemClock) {
  const store = createEmbeddedStore({ path, clock });
  cleanups.push(() => store.close());
  return store;
}

function openRaw(path: string): DatabaseSync {
  const db = new DatabaseSync(path);
  cleanups.push(() => db.close());
  return db;
}

function startWriter(path: string, mode: 'publish' | 'write' | 'open'): ChildProcess {
  const writer = spawn(
    process.execPath,
    [join(import.meta.dirname, 'fixtures/embedded-writer.ts'), path, mode],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  cleanups.push(() => void writer.kill('SIGKILL'));
  return writer;
}

const contractFolder = mkdtempSync(join(tmpdir(), 'embedded-'));
afterAll(() => rmSync(contractFolder, { recursive: true, force: true }));
storeContract('the embedded store', () =>
  openStore(`sqlite:${contractFolder}/daypass.db`, { clock: systemClock, logger }),
);

describe('only the embedded store', () => {
  afterEach(async () => {
    for (const clean of cleanups.splice(0).reverse()) await clean();
  });

  it('kills by a cut also when the clock steps back, for both instances', async () => {
    const path = freshPath();
    let nowMs = 1_800_000_000_000;
    const [a, b] = [open(path, () => nowMs), open(path, () => nowMs)];
    const before = { put: keyIn('acme', 'before'), value: '', ttl: 60, under: ['n'] };
    const after = { ...before, put: keyIn('acme', 'after') };
    await commitOk(a, before);

    nowMs -= 3_600_000;
    await commitOk(b, { cut: 'n', realm: 'acme', ttl: 60 });
    await commitOk(a, after);

    expect(await b.read([before.put, after.put])).toMatchObject([{ cut: true }, { cut: false }]);
  });

  it('does not go back behind its stamps after a restart with the clock set back', async () => {
    const path = freshPath();
    const first = open(path, () => 1_800_000_000_000);
    const stamp = await commitOk(first, { put: keyIn('acme'), value: '' });
    await first.close();

    const second = open(path, () => 1_700_000_000_000);

    expect(await commitOk(second, { remove: keyIn('acme', 'y') })).toBeGreaterThan(stamp);
    expect((await readOne(second, keyIn('acme')))?.now).toBeGreaterThan(stamp);
  });

  it('forgets everything to the millisecond, whether or not it was swept', async () => {
    let nowMs = 1_800_000_000_000;
    const store = open(freshPath(), () => nowMs);
    const [key, dead, index] = [keyIn('acme'), keyIn('acme', 'dead'), keyIn('acme', 'index')];
    await commitOk(
      store,
      { put: key, value: '', ttl: 10 },
      { put: dead, value: '', ttl: 60, under: ['n'] },
      { index, member: 'm', ttl: 10 },
      { close: 'closed', realm: 'acme', ttl: 10 },
    );
    await commitOk(store, { cut: 'n', realm: 'acme', ttl: 10 });
    await store.count(key, { windowMs: 10_000, by: 1 });
    const state = async () => [
      (await readOne(store, key)) !== undefined,
      (await readOne(store, dead))?.cut,
      (await store.list(index, { limit: 1 })).members.length === 1,
      (await store.commit([{ put: keyIn('acme', 'y'), value: '', ttl: 1, under: ['closed'] }])).ok === false,
      (await store.count(key, { windowMs: 10_000, by: 0 })).count === 1,
    ];

    nowMs += 9_999;
    const stillThere = await state();
    nowMs += 1;

    expect(stillThere).toEqual([true, true, true, true, true]);
    expect(await state()).toEqual([false, false, false, false, false]);
  });

  it('sweeps what has expired from the file, and nothing else', async () => {
    const path = freshPath();
    let nowMs = 1_800_000_000_000;
    const store = open(path, () => nowMs);
    const many = Array.from({ length: 450 }, (_, i) => ({ put: keyIn('acme', `${i}`), value: '', ttl: 10 }));
    await commitOk(
      store,
      ...many,
      { put: keyIn('acme', 'stays'), value: '' },
      { index: keyIn('acme'), member: 'm', ttl: 10 },
      { cut: 'n', realm: 'acme', ttl: 10 },
      { close: 'closed', realm: 'acme' },
      { publish: 't', realm: 'acme', message: 'm' },
    );
    await store.count(keyIn('acme'), { windowMs: 10_000, by: 1 });
    nowMs += 100_000;
    const db = openRaw(path);
    const rows = (table: string) => db.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.['n'];

    await expect
      .poll(() => ['document', 'node', 'member', 'counter', 'message'].map(rows), { timeout: 60_000 })
      .toEqual([1, 1, 0, 0, 0]);
  });

  it('keeps everything over a restart', async () => {
    const path = freshPath();
    const first = open(path);
    await commitOk(
      first,
      { put: keyIn('acme', 'dead'), value: 'v', ttl: 60, under: ['n'] },
      { put: keyIn('acme', 'alive'), value: 'v', under: ['m'] },
      { index: keyIn('acme'), member: 'm' },
    );
    await commitOk(first, { cut: 'n', realm: 'acme', ttl: 60 }, { spend: keyIn('acme', 'alive') });
    await commitOk(first, { close: 'shut', realm: 'acme' });
    await first.count(keyIn('acme'), { windowMs: 60_000, by: 7 });
    await first.close();

    const second = open(path);

    expect(await second.read([keyIn('acme', 'dead'), keyIn('acme', 'alive')])).toMatchObject([
      { cut: true },
      { cut: false, spentAt: expect.any(Number) },
    ]);
    expect(await second.list(keyIn('acme'), { limit: 5 })).toEqual({ members: ['m'] });
    expect(await second.count(keyIn('acme'), { windowMs: 60_000, by: 0 })).toMatchObject({ count: 7 });
    expect(
      await second.commit([{ put: keyIn('acme', 'y'), value: '', ttl: 60, under: ['shut'] }]),
    ).toMatchObject({ reason: 'closed' });
  });

  it('has every acknowledged write of a process that was killed while it wrote', async () => {
    const path = freshPath();
    const writer = startWriter(path, 'write');
    const acknowledged: string[] = [];
    if (!writer.stdout) throw new Error('no output');
    for await (const line of createInterface({ input: writer.stdout })) {
      acknowledged.push(line);
      if (acknowledged.length === 100) writer.kill('SIGKILL');
    }

    const found = await open(path).read(acknowledged.map((id) => keyIn('acme', id)));

    expect(found.map((document) => document?.value)).toEqual(acknowledged);
  });

  it('hears a message of another process', async () => {
    const path = freshPath();
    const store = open(path);
    const { heard } = await listen(store, 'topic');

    startWriter(path, 'publish');

    await expect
      .poll(heard, { timeout: 60_000 })
      .toEqual([{ realm: 'acme', message: 'from another process' }]);
  });

  it('tells of a gap when a message was swept before it was heard', async () => {
    const path = freshPath();
    const { gaps } = await listen(open(path), 'topic');
    const other = openRaw(path);

    other.exec(`
      BEGIN IMMEDIATE;
      INSERT INTO message (origin, topic, realm, message, expires) VALUES ('other', 'topic', 'acme', 'lost', 0);
      DELETE FROM message WHERE message = 'lost';
      COMMIT;
    `);

    await expect.poll(() => gaps.length).toBe(1);
  });

  it('takes its own messages that were swept for no gap', async () => {
    const path = freshPath();
    let nowMs = 1_800_000_000_000;
    const { gaps, heard } = await listen(
      open(path, () => nowMs),
      'topic',
    );
    const other = openRaw(path);
    nowMs += 100_000;
    await expect
      .poll(() => other.prepare('SELECT count(*) AS n FROM message').get()?.['n'], { timeout: 60_000 })
      .toBe(0);

    other.exec(`
      INSERT INTO message (origin, topic, realm, message, expires)
      VALUES ('other', 'topic', 'acme', 'm', ${nowMs + 60_000});
    `);

    await expect.poll(heard).toEqual([{ realm: 'acme', message: 'm' }]);
    expect(gaps).toEqual([]);
  });

  it('undoes a commit that fails while it is carried out', async () => {
    const path = freshPath();
    const store = open(path);
    const { heard } = await listen(store, 'topic');
    const other = openRaw(path);
    other.exec("CREATE TRIGGER fails BEFORE INSERT ON document BEGIN SELECT RAISE(ABORT, 'broken'); END");

    await expect(
      store.commit([
        { publish: 'topic', realm: 'acme', message: 'undone' },
        { index: keyIn('acme'), member: 'm', ttl: 60 },
        { put: keyIn('acme'), value: '', ttl: 60 },
      ]),
    ).rejects.toThrow('broken');
    await commitOk(store, { publish: 'topic', realm: 'acme', message: 'done' });

    await expect.poll(heard).toEqual([{ realm: 'acme', message: 'done' }]);
    expect(await store.list(keyIn('acme'), { limit: 5 })).toEqual({ members: [] });
  });

  it('is opened by several processes at once, the first time too', async () => {
    const path = freshPath();

    const codes = await Promise.all(
      Array.from({ length: 6 }, () => once(startWriter(path, 'open'), 'exit').then(([code]) => code)),
    );

    expect(codes).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it('is unavailable while another process holds the file, and goes on after', async () => {
    const path = freshPath();
    const store = open(path);
    const other = openRaw(path);
    other.exec('BEGIN IMMEDIATE');

    await expect(store.commit([{ put: keyIn('acme'), value: '' }])).rejects.toMatchObject({
      code: 'unavailable',
    });
    expect(await readOne(store, keyIn('acme'))).toBeUndefined();

    other.exec('ROLLBACK');
    await commitOk(store, { put: keyIn('acme'), value: '' });
  });

  it('keeps the process running while another one holds the file, and commits when it lets go', async () => {
    const path = freshPath();
    const store = open(path);
    const other = openRaw(path);
    other.exec('BEGIN IMMEDIATE');
    let turns = 0;
    const timer = setInterval(() => {
      turns += 1;
      if (turns === 10) other.exec('ROLLBACK');
    }, 1);

    const result = await store.commit([{ put: keyIn('acme'), value: 'v' }]);

    clearInterval(timer);
    expect(turns).toBeGreaterThanOrEqual(10);
    expect(result).toMatchObject({ ok: true });
  });

  it('makes a folder and a file for its owner only', async () => {
    const path = freshPath();

    const store = await openStore(`sqlite:${path}`, { clock: systemClock, logger });
    await commitOk(store, { put: keyIn('acme'), value: '' });

    const modes = [join(path, '..'), path, `${path}-wal`].map((file) => statSync(file).mode & 0o777);
    await store.close();
    expect(modes).toEqual([0o700, 0o600, 0o600]);
  });

  it('refuses a file that is no database, or one of a newer version', async () => {
    const [garbage, newer] = [freshPath(), freshPath()];
    await open(newer).close();
    openRaw(newer).exec('PRAGMA user_version = 99');
    await open(garbage).close();
    writeFileSync(garbage, 'no database '.repeat(1000));

    expect(() => createEmbeddedStore({ path: garbage, clock: systemClock })).toThrow(
      expect.objectContaining({ code: 'unavailable' }),
    );
    expect(() => createEmbeddedStore({ path: newer, clock: systemClock })).toThrow(
      expect.objectContaining({ code: 'invalid_input' }),
    );
  });

  it.each(['sqlite:', 'mysql://localhost', 'daypass.db', 'redis+sentinel://h/name', 'redis+cluster://h'])(
    'refuses the address %s',
    async (url) => {
      await expect(openStore(url, { clock: systemClock, logger })).rejects.toMatchObject({
        code: 'invalid_input',
      });
      expect(existsSync('daypass.db')).toBe(false);
    },
  );

  it('has nothing to warn of', async () => {
    expect(await open(freshPath()).warnings()).toEqual([]);
  });
});
