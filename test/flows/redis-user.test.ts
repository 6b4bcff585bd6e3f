/** A user of Redis with exactly the rights of the operator's guide, and users that lack some. */
import { readFile } from 'node:fs/promises';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tryCommand } from '../support/command.ts';
import { postForm } from '../support/http.ts';
import { george } from '../support/realms.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { call, guestRealm, introspect, mintGuest } from './guest-support.ts';

let redis: RedisServer;
let operator: Redis;
const log: string[] = [];
const cleanups: (() => unknown)[] = [];

beforeEach(async () => {
  redis = await startRedis();
  operator = new Redis(redis.url);
  log.length = 0;
});
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
  operator.disconnect();
  await redis.stop();
});

/** Runs a line as `redis-cli` does. */
async function run(line: string): Promise<unknown> {
  const [command = '', ...words] = line.trim().split(' ');
  return operator.call(command, ...words);
}

/** The line of the guide. */
async function documented(): Promise<string> {
  const guide = await readFile(new URL('../../docs/operations.md', import.meta.url), 'utf8');
  return /^ {4}(ACL SETUSER daypass on >password .*)$/m.exec(guide)?.[1] ?? 'ACL WHOAMI';
}

const storeUrl = () => `redis://daypass:password@127.0.0.1:${redis.port}`;

async function start(): Promise<TestServer> {
  const server = await startTestServer({
    store: storeUrl(),
    realms: [guestRealm()],
    log,
    env: { DAYPASS_LOG: 'info' },
  });
  cleanups.push(() => server.stop());
  return server;
}

const complaints = () => log.map((line) => JSON.parse(line)).filter(({ missing }) => missing !== undefined);
const cureIn = ({ msg }: { msg: string }) => /Give it: (ACL SETUSER .*)$/.exec(msg)?.[1] ?? 'ACL WHOAMI';
const readiness = async ({ adminUrl }: TestServer) => (await fetch(`${adminUrl}/health/ready`)).json();

const up = { status: 'up', store: 'up' };
const down = { status: 'down', store: 'down', reason: 'no-permission' };

describe('a user of Redis', () => {
  it('needs no more than the guide gives it', async () => {
    await run(await documented());
    const server = await start();
    const login = await postForm(server.endpoint('acme', 'token'), { ...george, scope: 'openid' });
    const guest = (await mintGuest(server)).json;
    const before = await introspect(server, guest.token);
    const revoked = await call(server, 'DELETE', `/guest-tokens/${guest.id}`);
    const after = await introspect(server, guest.token);
    const listed = await call(server, 'GET', '/guest-tokens');
    const swept = await postForm(server.endpoint('acme', 'revoke'), {
      token: login.json.refresh_token,
      client_id: 'dc-ui',
    });
    const env = { DAYPASS_STORE: storeUrl(), DAYPASS_KEY: Buffer.alloc(32, 7).toString('base64') };
    const cut = await tryCommand(['token', 'revoke-all', '--realm', 'acme', '--client', 'portal'], { env });

    expect([login.status, before.json.active, revoked.status, after.json.active]).toEqual([
      200,
      true,
      204,
      false,
    ]);
    expect([listed.status, swept.status, cut.code, cut.stderr]).toEqual([200, 200, 0, '']);
    expect(await readiness(server)).toEqual(up);
    expect(complaints()).toEqual([]);
    expect((await server.services.store.warnings()).join()).not.toContain('could not check');
    // Redis remembers whatever it refused.
    expect(await operator.call('ACL', 'LOG')).toEqual([]);
  });

  it.each([
    ['-publish', ['+publish', '&dp*']],
    ['resetchannels', ['&dp*']],
    ['-zadd -zrem', ['+zadd', '~dp*', '+zrem']],
    ['resetkeys ~dp:* ~dpn:* ~dps:* ~dpi:*', ['~dp*']],
    ['-set', ['+set', '~dp*']],
    ['-subscribe', ['+subscribe', '+unsubscribe', '&dp*']],
    ['-@scripting', expect.arrayContaining(['+@scripting', '+@read', '~dp*', '&dp*'])],
  ])('that was given %s is told once what it lacks, and the line cures it', async (change, missing) => {
    await run(await documented());
    const server = await start();
    expect(await readiness(server)).toEqual(up);

    await run(`ACL SETUSER daypass ${change}`);
    await operator.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await operator.call('CLIENT', 'KILL', 'TYPE', 'pubsub');

    await expect.poll(complaints, { timeout: 10_000 }).toHaveLength(1);
    const [complaint] = complaints();
    expect(complaint).toMatchObject({ level: 50, missing });

    await run(cureIn(complaint));

    await expect.poll(() => readiness(server), { timeout: 10_000 }).toEqual(up);
    await expect.poll(async () => (await mintGuest(server)).status, { timeout: 10_000 }).toBe(201);
    expect(complaints()).toHaveLength(1);
  });

  it('that lacks the channels ends the start with the line that cures it, and no stack trace', async () => {
    await run(await documented());
    await run('ACL SETUSER daypass resetchannels');
    const key = Buffer.alloc(32, 7).toString('base64');
    const env = { DAYPASS_STORE: storeUrl(), DAYPASS_KEY: key, PORT: '0', DAYPASS_ADMIN_PORT: '0' };

    const { code, stdout, stderr } = await tryCommand(['serve'], { env });

    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^[^\n]*the store cannot be used: its user may not run what Daypass needs[^\n]*\n$/,
    );
    const told = stdout.split('\n').filter((line) => line.includes('Give it: ACL SETUSER daypass &dp*'));
    expect(told).toHaveLength(1);
    expect(`${stdout}${stderr}`).not.toMatch(/\n\s+at /);
  });

  it('that may not publish revokes nothing by halves, and readiness tells', async () => {
    await run(await documented());
    const server = await start();
    const { id, token } = (await mintGuest(server)).json;
    await run('ACL SETUSER daypass resetchannels');

    const refused = await call(server, 'DELETE', `/guest-tokens/${id}`);
    await expect.poll(() => readiness(server), { timeout: 10_000 }).toEqual(down);
    const still = await introspect(server, token);
    await run('ACL SETUSER daypass &dp*');
    await expect.poll(() => readiness(server), { timeout: 10_000 }).toEqual(up);
    const done = await call(server, 'DELETE', `/guest-tokens/${id}`);

    expect([refused.status, still.json.active, done.status]).toEqual([503, true, 204]);
    expect((await introspect(server, token)).json.active).toBe(false);
    expect(complaints().map(({ missing }) => missing)).toEqual([['&dp*']]);
  });
});
