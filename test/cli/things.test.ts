/** Commands for the things of a realm, beside a running server. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CommandResult, runCommand, tryCommand } from '../support/command.ts';
import { postForm } from '../support/http.ts';
import { masterKey } from '../support/operator.ts';
import { acme, gateway, george } from '../support/realms.ts';
import { sharedRedis } from '../support/redis.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

describe.each(['sqlite', 'redis'] as const)('commands on a running server (%s)', (kind) => {
  const realm = `cli-${randomBytes(6).toString('hex')}`;
  let folder: string;
  let server: TestServer;
  let env: Record<string, string>;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'daypass-cli-'));
    const store = kind === 'redis' ? sharedRedis() : `sqlite:${join(folder, 'daypass.db')}`;
    env = { DAYPASS_STORE: store, DAYPASS_KEY: masterKey.toString('base64') };
    server = await startTestServer({ realms: [acme({ name: realm })], store });
  });

  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true });
  });

  const argumentsOf = (args: string) => [...args.split(' '), '--realm', realm];
  const run = (args: string, input = ''): Promise<CommandResult> =>
    runCommand(argumentsOf(args), { env, input });
  const tryRun = (args: string): Promise<CommandResult> => tryCommand(argumentsOf(args), { env });
  const login = (username: string, password: string) =>
    postForm(server.endpoint(realm, 'token'), { ...george, username, password });
  const isActive = async (token: string): Promise<unknown> =>
    (await postForm(server.endpoint(realm, 'token/introspect'), { token }, { auth: gateway })).json.active;

  async function addUser(name: string): Promise<string> {
    await run(`user add --user ${name} --role analyst`, 'first-Passwort-1\n');
    return (await login(name, 'first-Passwort-1')).json.access_token;
  }

  it('lists as JSON for programs, and without secrets', async () => {
    const realms = JSON.parse((await runCommand(['realm', 'list', '--json'], { env })).stdout);
    const clients = JSON.parse((await run('client list --json')).stdout);
    const roles = JSON.parse((await run('role list --json')).stdout);

    expect(realms).toContainEqual(expect.objectContaining({ name: realm, enabled: true }));
    expect(clients).toContainEqual(expect.objectContaining({ id: 'gateway', hasSecret: true }));
    expect(JSON.stringify(clients)).not.toContain('gateway-secret');
    expect(roles).toContainEqual(expect.objectContaining({ name: 'analyst' }));
  });

  it('keeps the terminal out of the hands of names', async () => {
    const name = `${realm}-shown`;
    await server.services.registry.putRealm({ name, displayName: 'a\u001b[31m\tb\u009bc' });

    const { stdout } = await runCommand(['realm', 'list'], { env });

    expect(stdout).toContain(`${name}\tstrict\tenabled\ta?[31m?b?c\n`);
    const json = (await runCommand(['realm', 'list', '--json'], { env })).stdout;
    expect(json).not.toMatch(/[^\n\P{Cc}]/u);
    expect(JSON.parse(json)).toContainEqual(
      expect.objectContaining({ displayName: 'a\u001b[31m\tb\u009bc' }),
    );
  });

  describe('clients', () => {
    it('are added with a secret that is told once, shown, given another, disabled and removed', async () => {
      const added = JSON.parse(
        (await run('client add --client made --grant client_credentials --role analyst --json')).stdout,
      );
      const token = (secret: string) =>
        postForm(
          server.endpoint(realm, 'token'),
          { grant_type: 'client_credentials' },
          { auth: ['made', secret] },
        );
      const first = await token(added.secret);
      const shown = await run('client show --client made');
      const rotated = (await run('client rotate-secret --client made')).stdout.trim();

      expect(first.status).toBe(200);
      expect(shown.stdout).toContain('hasSecret: true');
      expect(shown.stdout).not.toContain(added.secret);
      await expect.poll(async () => (await token(added.secret)).status).toBe(401);
      expect((await token(rotated)).status).toBe(200);

      await run('client disable --client made');
      await expect.poll(async () => (await token(rotated)).status).toBe(401);
      await run('client enable --client made');
      await expect.poll(async () => (await token(rotated)).status).toBe(200);
      const unasked = await tryRun('client remove --client made');
      const removed = await run('client remove --client made --yes');

      expect(unasked).toMatchObject({ code: 1, stderr: expect.stringContaining('--yes') });
      expect(removed.stdout).toBe('removed client made\n');
      await expect.poll(async () => (await token(rotated)).status).toBe(401);
    });

    it('are refused for all that is wrong with them', async () => {
      const result = await tryRun('client add --client bad --grant client_credentials --role analist');

      expect(result).toMatchObject({ code: 1, stderr: expect.stringContaining('did you mean "analyst"?') });
      expect(await tryRun('client show --client bad')).toMatchObject({ code: 1 });
    });
  });

  it('lists, finds and removes users, and ends their sessions', async () => {
    const token = await addUser('zoe');
    const listed = await run('user list --search zoe');
    const sessions = JSON.parse((await run('session list --user zoe --json')).stdout);

    expect(listed.stdout).toMatch(/^zoe\t[0-9a-f-]{36}\tenabled\t\tanalyst\n$/);
    expect(sessions).toHaveLength(1);

    await run(`session end --session ${sessions[0].id}`);
    expect(await isActive(token)).toBe(false);

    await run('user remove --user zoe --yes');
    expect((await run('user list --search zoe')).stdout).toBe('');
    expect((await login('zoe', 'first-Passwort-1')).status).toBe(400);
  });

  it('shows and removes a realm', async () => {
    const name = `${realm}-gone`;
    await server.services.registry.putRealm({ name });
    const shown = await runCommand(['realm', 'show', '--realm', name], { env });
    const removed = await runCommand(['realm', 'remove', '--realm', name, '--yes'], { env });

    expect(shown.stdout).toContain(`name: ${name}\nenabled: true\n`);
    expect(removed.stdout).toBe(`removed realm ${name}\n`);
    expect(await tryCommand(['realm', 'show', '--realm', name], { env })).toMatchObject({ code: 1 });
  });
});
