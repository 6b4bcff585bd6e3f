/** `backup` and `restore`: what was acknowledged before a backup is as it was, on another store. */
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { sha256 } from '../../src/base/hash.ts';
import { runCommand, tryCommand } from '../support/command.ts';
import { postForm } from '../support/http.ts';
import { masterKey } from '../support/operator.ts';
import { type ServerProcess, startServerProcess } from '../support/process.ts';
import { type Engine, openEmbedded, openRedis } from '../support/raw-store.ts';
import { acme, gateway, george, engine as service } from '../support/realms.ts';

const env = (store: string) => ({ DAYPASS_STORE: store, DAYPASS_KEY: masterKey.toString('base64') });

let folder: string;
let count = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'daypass-backup-'));
});

afterAll(() => rm(folder, { recursive: true }));

function newFile(): string {
  count += 1;
  return join(folder, `${count}.backup`);
}

async function opened(open: () => Promise<Engine>): Promise<Engine> {
  const engine = await open();
  onTestFinished(() => engine.stop());
  return engine;
}

async function started(store: string, realms: Parameters<typeof startServerProcess>[0]['realms'] = []) {
  const server = await startServerProcess({ store, realms, publicUrl: 'http://127.0.0.1:1' });
  onTestFinished(() => server.stop());
  return server;
}

function callsOf(server: ServerProcess) {
  const token = async (form: Record<string, string>, auth?: readonly [string, string]) =>
    postForm(server.endpoint('acme', 'token'), form, auth && { auth });
  return {
    token,
    serviceToken: async (): Promise<string> =>
      (await token({ grant_type: 'client_credentials' }, service)).json.access_token,
    login: async () => (await token(george)).json,
    refresh: (refresh_token: string) =>
      token({ grant_type: 'refresh_token', client_id: 'dc-ui', refresh_token }),
    revoke: (value: string) =>
      postForm(server.endpoint('acme', 'revoke'), { token: value }, { auth: service }),
    isActive: async (value: string): Promise<boolean> =>
      (await postForm(server.endpoint('acme', 'token/introspect'), { token: value }, { auth: gateway })).json
        .active,
  };
}

type Calls = ReturnType<typeof callsOf>;

/** Tokens that live and tokens that were revoked, one by one, with their user, and by a spent refresh token. */
async function prepare(calls: Calls, { url: store, ageSpending }: Engine) {
  const services = await Promise.all(Array.from({ length: 20 }, calls.serviceToken));
  const logins = [await calls.login(), await calls.login(), await calls.login()];
  const rotated = (await calls.refresh(logins[1].refresh_token)).json;
  // Beyond the time in which a client may repeat a request whose answer it lost.
  await ageSpending({ realm: 'acme', kind: 't', id: sha256(logins[1].refresh_token) }, 11_000);
  const add = ['user', 'add', '--realm', 'acme', '--user', 'carl', '--role', 'analyst'];
  await runCommand(add, { env: env(store), input: 'first-Passwort-1\n' });
  const cut = (await calls.token({ ...george, username: 'carl', password: 'first-Passwort-1' })).json;
  await runCommand(['user', 'disable', '--realm', 'acme', '--user', 'carl'], { env: env(store) });
  for (const value of services.slice(0, 10)) await calls.revoke(value);
  const values: string[] = [
    ...services,
    ...logins.map((login) => login.access_token),
    rotated.access_token,
    cut.access_token,
  ];
  const states = new Map<string, boolean>();
  for (const value of values) states.set(value, await calls.isActive(value));
  return { states, refreshable: logins[2].refresh_token, spent: logins[1].refresh_token };
}

/** Issues and revokes until it is told to stop; resolves to how much it did. */
function createLoad(calls: Calls) {
  let isStopped = false;
  let done = 0;
  const ended = Promise.all(
    Array.from({ length: 4 }, async () => {
      while (!isStopped) {
        const value = await calls.serviceToken();
        await calls.revoke(value);
        done += 1;
      }
    }),
  );
  return {
    done: () => done,
    async stop() {
      isStopped = true;
      await ended;
    },
  };
}

describe.each([
  ['sqlite', 'sqlite', openEmbedded, openEmbedded],
  ['redis', 'redis', openRedis, openRedis],
  ['sqlite', 'redis', openEmbedded, openRedis],
] as const)('a backup of %s, restored into %s', (_from, _to, openFrom, openTo) => {
  it('has every token and revocation of before, although tokens come and go meanwhile', async () => {
    const [from, to] = [await opened(openFrom), await opened(openTo)];
    const server = await started(from.url, [acme()]);
    const calls = callsOf(server);
    const { states, refreshable, spent } = await prepare(calls, from);
    const load = createLoad(calls);
    await expect.poll(load.done).toBeGreaterThan(20);
    const path = newFile();

    const taken = await runCommand(['backup', path], { env: env(from.url) });
    await load.stop();
    const restored = await runCommand(['restore', path], { env: env(to.url) });

    expect(taken.stdout).toMatch(/backup: \d+ records\n$/);
    expect(restored.stdout).toMatch(/^restored \d+ records/);
    expect(new Set(states.values())).toEqual(new Set([true, false]));
    const there = callsOf(await started(to.url));
    for (const [value, state] of states) expect(await there.isActive(value)).toBe(state);
    expect((await there.refresh(refreshable)).status).toBe(200);
    expect((await there.refresh(spent)).status).toBe(400);
    const again = await there.token({ ...george, username: 'carl', password: 'first-Passwort-1' });
    expect(again.status).toBe(400);
  });

  it('goes on as before: what is revoked there is dead, and what was issued before a cut stays dead', async () => {
    const [from, to] = [await opened(openFrom), await opened(openTo)];
    const calls = callsOf(await started(from.url, [acme({ displayName: 'a\u2028b' })]));
    const value = await calls.serviceToken();
    const path = newFile();
    await runCommand(['backup', path], { env: env(from.url) });
    await runCommand(['restore', path], { env: env(to.url) });
    const there = callsOf(await started(to.url));
    const isAlive = await there.isActive(value);

    await runCommand(['token', 'revoke-all', '--realm', 'acme', '--client', 'ds-engine'], {
      env: env(to.url),
    });

    expect(isAlive).toBe(true);
    expect(await there.isActive(value)).toBe(false);
    await expect.poll(async () => there.isActive(await there.serviceToken())).toBe(true);
    const listed = await runCommand(['user', 'list', '--realm', 'acme', '--search', 'george'], {
      env: env(to.url),
    });
    expect(listed.stdout).toContain('george.becker');
    const realms = await runCommand(['realm', 'list'], { env: env(to.url) });
    expect(realms.stdout).toContain('a\u2028b\n');
  });
});

describe('restore', () => {
  async function backupOf(store: string): Promise<string> {
    const path = newFile();
    await runCommand(['realm', 'list'], { env: env(store) });
    await runCommand(['backup', path], { env: env(store) });
    return path;
  }

  it.each([
    ['sqlite', openEmbedded],
    ['redis', openRedis],
  ] as const)('refuses a store that holds anything (%s)', async (_name, open) => {
    const path = await backupOf((await opened(open)).url);
    const full = await opened(open);
    await runCommand(['realm', 'list'], { env: env(full.url) });

    const result = await tryCommand(['restore', path], { env: env(full.url) });

    expect(result).toMatchObject({ code: 1, stderr: expect.stringContaining('not empty') });
  });

  it('refuses another key, and leaves the store empty', async () => {
    const path = await backupOf((await opened(openEmbedded)).url);
    const empty = await opened(openEmbedded);
    const other = { ...env(empty.url), DAYPASS_KEY: Buffer.alloc(32, 8).toString('base64') };

    const refused = await tryCommand(['restore', path], { env: other });
    const right = await tryCommand(['restore', path], { env: env(empty.url) });

    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('DAYPASS_KEY is not the key') });
    expect(right.code).toBe(0);
  });

  it('refuses a file that was cut off, changed, lengthened or is none, and leaves the store empty', async () => {
    const path = await backupOf((await opened(openEmbedded)).url);
    const lines = gunzipSync(await readFile(path))
      .toString()
      .split('\n');
    const empty = await opened(openEmbedded);
    const half = newFile();
    const files: Record<string, Buffer> = {
      half: (await readFile(path)).subarray(0, 40),
      unended: gzipSync(lines.slice(0, -2).join('\n')),
      changed: gzipSync(lines.join('\n').replace('"stamp":', '"stamp":1')),
      longer: gzipSync([...lines.slice(0, -1), lines[1], ''].join('\n')),
      none: Buffer.from('name: acme\n'),
      other: gzipSync('{"is":"something"}\n'),
    };

    for (const [what, content] of Object.entries(files)) {
      await writeFile(half, content);
      const result = await tryCommand(['restore', half], { env: env(empty.url) });
      expect(result, what).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/damaged or not whole|is no backup/),
      });
    }
    expect(await tryCommand(['restore', join(folder, 'nothing')], { env: env(empty.url) })).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('is not there'),
    });
    expect((await tryCommand(['restore', path], { env: env(empty.url) })).code).toBe(0);
  });

  it('refuses a backup of Redis for SQLite', async () => {
    const path = await backupOf((await opened(openRedis)).url);

    const result = await tryCommand(['restore', path], { env: env((await opened(openEmbedded)).url) });

    expect(result).toMatchObject({ code: 1, stderr: expect.stringContaining('into Redis only') });
  });
});

describe('backup', () => {
  it('is readable by its owner, holds no secret in the open, and replaces no file', async () => {
    const from = await opened(openEmbedded);
    await started(from.url, [acme()]);
    const path = newFile();
    await runCommand(['backup', path], { env: env(from.url) });
    const text = gunzipSync(await readFile(path)).toString();

    const again = await tryCommand(['backup', path], { env: env(from.url) });

    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(text).not.toContain(gateway[1]);
    expect(text).not.toContain(masterKey.toString('base64'));
    expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('is there already') });
    expect(gunzipSync(await readFile(path)).toString()).toBe(text);
  });

  it('wants the name of a file', async () => {
    expect(await tryCommand(['backup'])).toMatchObject({ code: 2 });
    expect(await tryCommand(['restore'])).toMatchObject({ code: 2 });
  });
});
