import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type StartedCommand, startCommand, tryCommand } from '../support/command.ts';
import { freePort } from '../support/free-port.ts';
import { get, postForm } from '../support/http.ts';
import { writeRealms } from '../support/process.ts';
import { startRedis } from '../support/redis.ts';

const WAIT = { timeout: 60_000, interval: 20 };

type Place = { readonly env: Record<string, string>; readonly url: string; readonly port: number };

async function newPlace(): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), 'daypass-serve-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const port = await freePort();
  const env = {
    PORT: String(port),
    DAYPASS_ADMIN_PORT: '0',
    DAYPASS_STORE: `sqlite:${join(folder, 'daypass.db')}`,
    DAYPASS_CONFIG: './config',
    DAYPASS_KEY: Buffer.alloc(32, 7).toString('base64'),
  };
  return { env, url: `http://localhost:${port}`, port };
}

async function serve({ env, port }: Place): Promise<StartedCommand> {
  const command = startCommand(['serve'], { env });
  onTestFinished(() => {
    command.process.kill('SIGKILL');
  });
  const answer = () => get(`http://127.0.0.1:${port}/`).catch(() => command.process.exitCode ?? undefined);
  await expect.poll(answer, WAIT).toBeDefined();
  expect(command.process.exitCode, command.output()).toBeNull();
  return command;
}

const serviceLogin = (url: string) =>
  postForm(
    `${url}/realms/acme/protocol/openid-connect/token`,
    { grant_type: 'client_credentials' },
    { auth: ['ds-engine', 'ds-engine-secret'] },
  );

describe('daypass serve', () => {
  it('prints lines for the demo realm that work as pasted', async () => {
    const place = await newPlace();
    const { output } = await serve(place);
    await expect.poll(output, WAIT).toContain('introspect');
    const [person = '', service = '', introspection = ''] = output()
      .split('\n')
      .filter((line) => line.startsWith('  curl '));

    const first = await paste(person);
    const second = await paste(service);
    const third = await paste(introspection.replace('"$TOKEN"', first.json.access_token));

    expect(first.json).toMatchObject({ scope: 'dashboards:read reports:read metrics:read' });
    expect(second.json).toMatchObject({ scope: 'reports:read python:execute' });
    expect(third.json).toMatchObject({ active: true, username: 'george.becker' });
  });

  it('logs what realm files changed, and names nobody', async () => {
    const { output } = await serve(await newPlace());
    // An empty line must not take the next one along: the greeting may come before a line of the log.
    const log = () => output().replaceAll(/^[^{\n].*$/gm, '');

    await expect.poll(log, WAIT).toContain('"created":["realm globex","client spa","client web","2 users"]');
    expect(log()).not.toMatch(/george|ada/);
  });

  it('makes the keys of new realms without being asked for them', async () => {
    const { output } = await serve(await newPlace());

    await expect.poll(output, WAIT).toMatch(/"realm":"globex","created":\[\{"kid"/);
  });

  it('starts with a new realm that is disabled, and refuses its callers without keys for it', async () => {
    const place = await newPlace();
    const folder = await mkdtemp(join(tmpdir(), 'daypass-realms-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    await writeRealms(folder, [{ name: 'off', enabled: false }, { name: 'on' }]);
    const { output, process } = await serve({ ...place, env: { ...place.env, DAYPASS_CONFIG: folder } });
    await expect.poll(output, WAIT).toMatch(/"realm":"on","created":\[\{"kid"/);

    const answer = await get(`http://127.0.0.1:${place.port}/realms/off/.well-known/openid-configuration`);

    expect(answer).toMatchObject({ status: 403, json: { error: 'access_denied' } });
    expect(process.exitCode).toBeNull();
  });

  it('finishes what is in flight when it is told to stop, takes nothing new, and ends', async () => {
    const place = await newPlace();
    const command = await serve(place);
    const body = 'grant_type=client_credentials&client_id=ds-engine&client_secret=ds-engine-secret';
    const socket = connect(place.port, '127.0.0.1');
    const answers: string[] = [];
    socket.setEncoding('utf8').on('data', (text: string) => answers.push(text));
    const head = [
      'POST /realms/acme/protocol/openid-connect/token HTTP/1.1',
      'Host: localhost',
      'Content-Type: application/x-www-form-urlencoded',
      `Content-Length: ${body.length}`,
      'Expect: 100-continue',
      'Connection: close',
    ];
    socket.write(`${head.join('\r\n')}\r\n\r\n`);
    await expect.poll(() => answers.join(''), WAIT).toContain('100 Continue');

    command.process.kill('SIGTERM');
    await expect.poll(() => isRefused(place.port), WAIT).toBe(true);
    socket.write(body);
    const { code } = await command.result;

    expect(answers.join('')).toContain('"access_token"');
    expect(code).toBe(0);
  });

  it('says in one line which port is in use', async () => {
    const place = await newPlace();
    await serve(place);

    const result = await tryCommand(['serve'], { env: place.env });

    expect(result.code).toBe(1);
    expect(result.stderr).toBe(
      `127.0.0.1:${place.port} is in use by another program (PORT, DAYPASS_ADMIN_PORT)\n`,
    );
  });

  it.each([
    [
      'a store that is not there',
      { DAYPASS_STORE: 'redis://127.0.0.1:1' },
      /^the store cannot be reached: .+\n$/,
    ],
    ['a setting that is wrong', { PORT: 'x' }, /^The configuration has 1 fault:\n {2}PORT: .+\n$/],
    ['demo secrets in production', { NODE_ENV: 'production' }, /acme\.yaml:\d+:\d+ demo: /],
  ])('does not start with %s, and says why', async (_what, env, message) => {
    const place = await newPlace();

    const result = await tryCommand(['serve'], { env: { ...place.env, ...env } });

    expect(result).toMatchObject({ code: 1, stderr: expect.stringMatching(message) });
  });
});

describe('daypass serve on Redis', () => {
  let redis: Awaited<ReturnType<typeof startRedis>>;

  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.stop());

  it('warns of how the store is set up', async () => {
    const place = await newPlace();
    const { output } = await serve({ ...place, env: { ...place.env, DAYPASS_STORE: redis.url } });

    await expect.poll(output, WAIT).toContain('Redis has appendonly no instead of yes');
  });

  it('runs several processes on one port and replaces one that dies', async () => {
    const place = await newPlace();
    const env = { ...place.env, DAYPASS_STORE: redis.url, DAYPASS_WORKERS: '2' };
    const command = await serve({ ...place, env });
    await expect.poll(command.output, WAIT).toContain('Demo realm');
    const before = await childrenOf(command.process.pid);

    process.kill(Number(before[0]), 'SIGKILL');
    await expect.poll(command.output, WAIT).toContain('another one takes its place');
    const answers = await Promise.all(Array.from({ length: 4 }, () => serviceLogin(place.url)));
    await expect
      .poll(async () => (await childrenOf(command.process.pid)).filter((pid) => !before.includes(pid)), WAIT)
      .toHaveLength(1);
    command.process.kill('SIGTERM');
    const { code } = await command.result;

    expect(before).toHaveLength(2);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(code).toBe(0);
  });

  it('ends when its workers cannot start', async () => {
    const place = await newPlace();
    await serve(place);
    const env = { ...place.env, DAYPASS_STORE: redis.url, DAYPASS_WORKERS: '2' };

    const result = await tryCommand(['serve'], { env });

    expect(result).toMatchObject({ code: 1, stderr: expect.stringContaining('is in use') });
  });
});

/** Sends what the curl line says. */
function paste(line: string) {
  const words = line.trim().split(' ');
  const after = (option: string) =>
    words.flatMap((word, at) => (word === option ? (words[at + 1] ?? '') : []));
  const [id, secret = ''] = after('-u')[0]?.split(':') ?? [];
  const url = words.find((word) => word.startsWith('http')) ?? '';
  return postForm(url, after('-d').join('&'), id === undefined ? {} : { auth: [id, secret] });
}

async function isRefused(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return false;
  } catch {
    return true;
  } finally {
    socket.destroy();
  }
}

/** https://man7.org/linux/man-pages/man5/proc_tid_children.5.html */
async function childrenOf(pid: number | undefined): Promise<readonly string[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return text.split(' ').filter((each) => each !== '');
}
