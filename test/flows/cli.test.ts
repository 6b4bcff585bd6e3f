import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CommandResult, runCommand, startCommand, tryCommand } from '../support/command.ts';
import { get, postForm } from '../support/http.ts';
import { acme, engine, gateway, george } from '../support/realms.ts';
import { sharedRedis } from '../support/redis.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

/** Of the servers that the tests start: the command line must have the same. */
const DAYPASS_KEY = Buffer.alloc(32, 7).toString('base64');

describe.each(['sqlite', 'redis'] as const)('commands on a running server (%s)', (kind) => {
  const realm = `cli-${randomBytes(6).toString('hex')}`;
  let folder: string;
  let server: TestServer;
  let env: Record<string, string>;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'daypass-cli-'));
    const store = kind === 'redis' ? sharedRedis() : `sqlite:${join(folder, 'daypass.db')}`;
    env = { DAYPASS_STORE: store, DAYPASS_KEY };
    server = await startTestServer({ realms: [acme({ name: realm, registration: {} })], store });
  });

  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true });
  });

  const argumentsOf = (args: string) => [...args.split(' '), '--realm', realm];
  const run = (args: string, input = ''): Promise<CommandResult> =>
    runCommand(argumentsOf(args), { env, input });
  const tryRun = (args: string, input = ''): Promise<CommandResult> =>
    tryCommand(argumentsOf(args), { env, input });
  const login = (username: string, password: string) =>
    postForm(server.endpoint(realm, 'token'), { ...george, username, password });
  const serviceToken = () =>
    postForm(server.endpoint(realm, 'token'), { grant_type: 'client_credentials' }, { auth: engine });
  const isActive = async (token: string): Promise<unknown> =>
    (await postForm(server.endpoint(realm, 'token/introspect'), { token }, { auth: gateway })).json.active;

  async function addUser(name: string): Promise<string> {
    await run(`user add --user ${name} --role analyst`, 'first-Passwort-1\n');
    return (await login(name, 'first-Passwort-1')).json.access_token;
  }

  it('adds a user whose password comes from standard input', async () => {
    const result = await run('user add --user bob --email bob@acme.test --role analyst', 'Sup3r-Geheim-1\n');

    expect(result).toMatchObject({ code: 0, stdout: expect.stringContaining('added bob') });
    const answer = await login('bob@acme.test', 'Sup3r-Geheim-1');
    expect(answer.json).toMatchObject({ scope: 'dashboards:read reports:read metrics:read' });
  });

  it.each([
    ['a role that is not there', '--role analist', 'Sup3r-Geheim-1', 'did you mean "analyst"?'],
    ['a password that everybody tries', '', 'password123', 'most common passwords'],
    ['a password that is too short', '', 'x', 'fewer than 8 characters'],
    ['no password at all', '', '', 'holds no password'],
    ['an address that is none', '--email nobody', 'Sup3r-Geheim-1', 'email'],
  ])('adds no user with %s', async (_what, options, password, message) => {
    const result = await tryRun(`user add --user eve ${options}`.trim(), password);

    expect(result).toMatchObject({ code: 1, stderr: expect.stringContaining(message) });
    expect((await login('eve', 'Sup3r-Geheim-1')).status).toBe(400);
  });

  it('gives a user a new password and revokes what was issued before', async () => {
    const token = await addUser('carol');

    const result = await run('user set-password --user carol', 'second-Passwort-2\n');

    expect(result.code).toBe(0);
    expect(await isActive(token)).toBe(false);
    expect((await login('carol', 'first-Passwort-1')).status).toBe(400);
    expect((await login('carol', 'second-Passwort-2')).status).toBe(200);
  });

  it('locks a user out, and lets that user in again', async () => {
    const token = await addUser('dan');

    await run('user disable --user dan');

    expect(await isActive(token)).toBe(false);
    expect((await login('dan', 'first-Passwort-1')).status).toBe(400);

    await run('user enable --user dan');

    expect(await isActive(token)).toBe(false);
    expect((await login('dan', 'first-Passwort-1')).status).toBe(200);
  });

  it('revokes what one client got, and nothing of what it gets afterwards', async () => {
    const person = await addUser('erin');
    const service = (await serviceToken()).json.access_token;

    const result = await run('token revoke-all --client ds-engine');

    expect(result).toMatchObject({ code: 0, stdout: 'revoked: client ds-engine\n' });
    expect(await isActive(service)).toBe(false);
    expect(await isActive(person)).toBe(true);
    await expect.poll(async () => isActive((await serviceToken()).json.access_token)).toBe(true);
  });

  it('revokes what was issued for one user', async () => {
    const [one, other] = [await addUser('fay'), await addUser('gil')];

    await run('token revoke-all --user fay');

    expect(await isActive(one)).toBe(false);
    expect(await isActive(other)).toBe(true);
  });

  it('revokes what belongs to one session', async () => {
    await addUser('hal');
    const [first, second] = [await login('hal', 'first-Passwort-1'), await login('hal', 'first-Passwort-1')];

    await run(`token revoke-all --session ${first.json.session_state}`);

    expect(await isActive(first.json.access_token)).toBe(false);
    expect(await isActive(second.json.access_token)).toBe(true);
  });

  it('revokes everything of a realm', async () => {
    const tokens = [await addUser('ida'), (await serviceToken()).json.access_token];

    await run('token revoke-all');

    expect(await Promise.all(tokens.map(isActive))).toEqual([false, false]);
    await expect.poll(async () => isActive((await serviceToken()).json.access_token)).toBe(true);
  });

  it.each([
    ['a client', 'token revoke-all --client nobody', 'client "nobody" does not exist'],
    ['a user', 'token revoke-all --user nobody', 'user "nobody" does not exist'],
    ['a session', 'token revoke-all --session nothing', 'session "nothing" does not exist'],
    ['a user', 'user disable --user nobody', 'user "nobody" does not exist'],
  ])('says so when %s is not there', async (_what, args, message) => {
    expect(await tryRun(args)).toMatchObject({ code: 1, stderr: `${message}\n` });
  });

  it('rotates signing keys, which the server notices', async () => {
    const published = async (): Promise<readonly string[]> =>
      (await get(server.endpoint(realm, 'certs'))).json.keys.map(({ kid }: { kid: string }) => kid);
    const before = await published();
    const listed = await run('keys list');

    const result = await run('keys rotate --now');

    expect(listed.stdout).toMatch(/^ES256\tsigns\t.+\nES256\tnext\t.+\nRS256\tsigns\t.+\nRS256\tnext\t.+\n$/);
    expect(before.every((kid) => listed.stdout.includes(kid))).toBe(true);
    expect(result.stdout).toContain('ES256: a new key signs from now on');
    await expect.poll(async () => (await published()).filter((kid) => before.includes(kid)).length).toBe(2);
  });

  it('applies realm files and tells what that changed', async () => {
    const realms = join(folder, 'realms');
    await mkdir(realms, { recursive: true });
    const write = (secret: string) =>
      writeFile(join(realms, `${realm}-b.yaml`), JSON.stringify(acmeWith(`${realm}-b`, secret)));
    const apply = () => runCommand(['apply', folder], { env });

    await write('first-secret');
    const [created, unchanged] = [await apply(), await apply()];
    await write('other-secret');
    const updated = await apply();

    expect(created.stdout).toMatch(
      new RegExp(`\n${realm}-b: created realm ${realm}-b, client one; 0 unchanged\n$`),
    );
    expect(unchanged.stdout).toBe(`${realm}-b: 2 unchanged\n`);
    expect(updated.stdout).toBe(
      `~ client one\n    ~ secret: (hidden, changed)\n${realm}-b: updated client one; 1 unchanged\n`,
    );
  });

  it('invites somebody to register clients', async () => {
    const invitation = await run('client invite');
    const register = (token: string) =>
      fetch(`${server.issuer(realm)}/clients-registrations/openid-connect`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
        body: JSON.stringify({ redirect_uris: ['https://app.example/callback'] }),
      });

    expect(invitation.code).toBe(0);
    expect((await register(invitation.stdout.trim())).status).toBe(201);
    expect((await register('something-else')).status).toBe(401);
  });

  it('invites nobody to a realm without registration', async () => {
    await server.services.registry.updateRealm(realm, ({ registration: _, ...rest }) => rest);

    const result = await tryRun('client invite');

    expect(result).toMatchObject({ code: 1, stderr: expect.stringContaining('has no registration') });
  });

  it('lists keys of a disabled realm and makes none', async () => {
    const { registry } = server.services;
    const off = `${realm}-off`;
    await registry.putRealm({ name: off, enabled: false });
    const keys = (command: string) => tryCommand(['keys', command, '--realm', off], { env });

    expect(await keys('list')).toMatchObject({ code: 0, stdout: expect.stringContaining('no keys yet') });
    expect(await keys('rotate')).toMatchObject({ code: 1, stderr: expect.stringContaining('is disabled') });
  });

  it('finishes its work when nobody reads what it has to say', async () => {
    const realms = join(folder, 'unread');
    await mkdir(join(realms, 'realms'), { recursive: true });
    for (const each of ['c', 'd']) {
      await writeFile(
        join(realms, 'realms', `${realm}-${each}.yaml`),
        JSON.stringify(acmeWith(`${realm}-${each}`, 'first-secret')),
      );
    }

    const command = startCommand(['apply', realms], { env });
    command.process.stdout?.destroy();

    expect(await command.result).toMatchObject({ code: 0, stderr: '' });
    const [found] = (await server.services.registry.listClients(`${realm}-d`, { limit: 1 })).items;
    expect(found?.id).toBe('one');
  });

  it('lists realms and clients', async () => {
    const realms = await runCommand(['realm', 'list'], { env });
    const clients = await run('client list');

    expect(realms.stdout).toContain(`${realm}\tstrict\tenabled\t`);
    expect(clients.stdout).toContain('dc-ui\tpublic\tenabled\tpassword authorization_code refresh_token\n');
    expect(clients.stdout).toContain('gateway\tconfidential\tenabled\t\n');
  });
});

it.each(['realm list', 'apply', 'start', 'serve'])(
  'daypass %s refuses a store that another key has sealed',
  async (args) => {
    const folder = await mkdtemp(join(tmpdir(), 'daypass-cli-'));
    const env = {
      DAYPASS_STORE: `sqlite:${join(folder, 'daypass.db')}`,
      DAYPASS_CONFIG: './config',
      PORT: '0',
      DAYPASS_ADMIN_PORT: '0',
    };
    await runCommand(['realm', 'list'], { env: { ...env, DAYPASS_KEY } });

    const other = randomBytes(32).toString('base64');
    const result = await tryCommand(args.split(' '), { env: { ...env, DAYPASS_KEY: other } });

    expect(result).toMatchObject({
      code: 1,
      stderr: 'DAYPASS_KEY is not the key that this store was sealed with\n',
    });
    expect(await runCommand(['realm', 'list'], { env: { ...env, DAYPASS_KEY } })).toMatchObject({ code: 0 });
    await rm(folder, { recursive: true });
  },
);

function acmeWith(name: string, secret: string) {
  return { name, clients: [{ id: 'one', secret, grants: ['client_credentials'] }] };
}
