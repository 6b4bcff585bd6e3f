/** Commands on a running server, in the name of whoever has signed in by device code. */
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { head, tenant } from '../admin/support.ts';
import { kindOf } from '../support/authorization.ts';
import { startCommand, tryCommand } from '../support/command.ts';
import { postForm } from '../support/http.ts';
import { useServer } from '../support/use-server.ts';
import { createVisitor, signIn } from '../support/visitor.ts';

const PASSWORD = 'a-good-Passwort-1';
const server = useServer({
  realms: [
    {
      ...head,
      users: [
        { username: 'root', password: PASSWORD, roles: ['all'] },
        { username: 'nobody', password: PASSWORD },
      ],
    },
    tenant('acme'),
  ],
});

let folder: string;
let env: Record<string, string>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'daypass-remote-'));
  env = { XDG_CONFIG_HOME: folder, HOME: folder };
});

afterAll(() => rm(folder, { recursive: true }));

const kept = () => join(folder, 'daypass', 'logins.json');
const run = (args: string, input = '') =>
  tryCommand([...args.split(' '), '--url', server.url], { env, input });

/** Runs `daypass login`, and agrees in a browser as this person. */
async function login(username: string, decide: 'yes' | 'no' = 'yes') {
  const command = startCommand(['login', '--url', server.url], { env });
  await expect.poll(command.output).toMatch(/compare the code/);
  const code = /code: (\S+)/.exec(command.output())?.[1] ?? '';
  const visitor = createVisitor(server.url);
  const page = await visitor.open('/realms/daypass-admin/device');
  const compared = await visitor.submit(page, { user_code: code });
  expect(compared.text).toContain('Daypass command line');
  if (decide === 'no') {
    await visitor.submit(compared, { abort: 'yes' });
    return command.result;
  }
  const confirmed = await visitor.submit(compared, { confirm: 'yes' });
  const done = await signIn(visitor, confirmed, { username, password: PASSWORD });
  expect(kindOf(done), done.text).toBeUndefined();
  return command.result;
}

describe('commands with --url', () => {
  it('ask who is calling to sign in first', async () => {
    const result = await run('realm list');

    expect(result).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`daypass login --url ${server.url}`),
    });
  });

  it('do what they do on a store, in the name of the person', async () => {
    const signedIn = await login('root');

    expect(signedIn).toMatchObject({ code: 0, stdout: `signed in at ${server.url}, realm daypass-admin\n` });
    expect((await stat(kept())).mode & 0o777).toBe(0o600);

    const realms = await run('realm list');
    const client = await run('client add --realm acme --client made --grant client_credentials --json');
    const user = await run('user add --realm acme --user zoe --email zoe@acme.test', `${PASSWORD}\n`);
    const shown = JSON.parse((await run('user show --realm acme --user ZOE@acme.test --json')).stdout);
    const disabled = await run('user disable --realm acme --user zoe');
    const roles = await run('role list --realm acme');
    const keys = await run('keys list --realm acme');
    const sessions = await run('session list --realm acme --user zoe --json');
    const removed = await run('client remove --realm acme --client made --yes');

    expect(realms.stdout).toContain('acme\tstrict\tenabled\t');
    expect(JSON.parse(client.stdout)).toMatchObject({ id: 'made', secret: expect.stringMatching(/^dpc_/) });
    expect(user.stdout).toContain('added zoe');
    expect(shown).toMatchObject({ username: 'zoe', email: 'zoe@acme.test' });
    expect(disabled.stdout).toBe('zoe is disabled\n');
    expect(roles.stdout).toContain('realm-admin\t');
    expect(keys.code).toBe(0);
    expect(JSON.parse(sessions.stdout)).toEqual([]);
    expect(removed.stdout).toBe('removed client made\n');
    expect(await server.services.registry.readClient('acme', 'made')).toBeUndefined();
  });

  it('find what happened, and why, on the server', async () => {
    const listed = await run('audit list --realm acme --kind client.created --limit 1');
    const exported = await run('audit export --realm acme --object client:made');
    const why = await run('explain --realm acme --login zoe');

    expect(listed.stdout.trim().split('\t').slice(1, 5)).toEqual([
      'client.created',
      'success',
      expect.stringMatching(/^user:/),
      'client:made',
    ]);
    const kinds = exported.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).kind);
    expect(kinds).toEqual(expect.arrayContaining(['client.created', 'client.removed']));
    expect(why.stdout).toMatch(/user\.disabled: .*\n.*decided by users\[zoe\]\.enabled, set by user /);
  });

  it('look whether a realm is set up as it should be', async () => {
    const { code, stdout } = await run('doctor --realm acme --json');
    const table = await run('doctor --realm acme');
    const every = await run('doctor');
    const gone = await run('doctor --realm gone');

    const checks = JSON.parse(stdout);
    expect(code).toBe(0);
    expect(checks).toContainEqual({ check: 'store', state: 'ok', found: expect.any(String) });
    expect(table.stdout.split('\n')).toHaveLength(checks.length + 1);
    expect(every).toMatchObject({ code: 2, stderr: expect.stringContaining('--realm <name>') });
    expect(gone).toMatchObject({ code: 1, stdout: '', stderr: 'there is no such realm\n' });
  });

  it('show and revoke a token by its value', async () => {
    const value = (
      await postForm(
        server.endpoint('acme', 'token'),
        { grant_type: 'client_credentials' },
        { auth: ['ds-engine', 'ds-engine-secret'] },
      )
    ).json.access_token;

    const before = await run('token introspect --realm acme', `${value}\n`);
    const revoked = await run('token revoke --realm acme', `${value}\n`);
    const after = await run('token introspect --realm acme', `${value}\n`);
    const unknown = await run('token revoke --realm acme', 'dpa_unknown\n');

    expect(JSON.parse(before.stdout)).toMatchObject({ active: true, client_id: 'ds-engine' });
    expect(revoked).toMatchObject({ code: 0, stdout: 'revoked\n' });
    expect(after).toMatchObject({ code: 1, stdout: '{\n  "active": false\n}\n' });
    expect(unknown).toMatchObject({ code: 1, stderr: 'the realm has no such token\n' });
    expect(JSON.stringify([before, revoked, after, unknown])).not.toContain(value);
  });

  it('say what the server refuses, and where', async () => {
    const bad = await run('client add --realm acme --client bad --grant client_credentials --role analist');
    const gone = await run('client show --realm acme --client gone');
    const nobody = await run('user show --realm acme --user gone');

    expect(bad).toMatchObject({ code: 1, stderr: expect.stringContaining('did you mean "analyst"?') });
    expect(gone).toMatchObject({ code: 1, stderr: 'there is no such client\n' });
    expect(nobody).toMatchObject({ code: 1, stderr: 'user "gone" does not exist\n' });
  });

  it('refresh a token that has ended, and keep the new one', async () => {
    const logins = JSON.parse(await readFile(kept(), 'utf8'));
    const ended = { ...logins[server.url], expiresAt: 1, accessToken: 'dpa_ended' };
    await writeFile(kept(), JSON.stringify({ ...logins, [server.url]: ended }));

    const result = await run('realm list');

    expect(result.code).toBe(0);
    const after = JSON.parse(await readFile(kept(), 'utf8'))[server.url];
    expect(after.accessToken).not.toBe('dpa_ended');
    expect(after.refreshToken).not.toBe(ended.refreshToken);
  });

  it('use no file that others may read', async () => {
    await chmod(kept(), 0o644);

    const result = await run('realm list');

    await chmod(kept(), 0o600);
    expect(result).toMatchObject({ code: 1, stderr: expect.stringContaining('chmod 600') });
  });

  it('are over after logout, also for whoever has copied the token', async () => {
    const copied = await readFile(kept());

    const out = await run('logout');
    await writeFile(kept(), copied);
    const again = await run('realm list');

    expect(out.stdout).toBe(`signed out at ${server.url}\n`);
    expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('not signed in') });
    expect(JSON.parse(await readFile(kept(), 'utf8'))).toEqual({});
  });

  it('may no more than the person who signed in', async () => {
    await login('nobody');

    const result = await run('realm list');

    expect(result.code).toBe(1);
    expect(result.stdout).toBe('');
  });

  it('tell that somebody said no', async () => {
    const result = await login('root', 'no');

    expect(result).toMatchObject({ code: 1, stderr: expect.stringContaining('refused in the browser') });
  });

  it.each([
    ['http://id.example.com', 'must be https'],
    ['ftp://127.0.0.1', 'http or https'],
    ['https://user:word@id.example.com', 'no user name'],
  ])('send nothing to %s', async (url, message) => {
    const result = await tryCommand(['realm', 'list', '--url', url], { env });

    expect(result).toMatchObject({ code: 2, stderr: expect.stringContaining(message) });
  });

  it('tell that a server cannot be reached', async () => {
    const result = await tryCommand(['login', '--url', 'http://127.0.0.1:1'], { env });

    expect(result).toMatchObject({ code: 1, stderr: 'http://127.0.0.1:1 cannot be reached\n' });
  });
});
