import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Check } from '../../src/doctor/doctor.ts';
import { runCommand, tryCommand } from '../support/command.ts';
import { freePort } from '../support/free-port.ts';
import { masterKey } from '../support/operator.ts';
import { acme } from '../support/realms.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

let folder: string;
let server: TestServer;
let env: Record<string, string>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'daypass-doctor-'));
  const store = `sqlite:${join(folder, 'daypass.db')}`;
  await mkdir(join(folder, 'realms'));
  await writeFile(join(folder, 'realms', 'acme.yaml'), JSON.stringify(acme()));
  server = await startTestServer({ realms: [acme()], store });
  env = {
    DAYPASS_STORE: store,
    DAYPASS_KEY: masterKey.toString('base64'),
    DAYPASS_CONFIG: folder,
    DAYPASS_URL: server.url,
  };
});

afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true });
});

async function examined(more: Record<string, string> = {}) {
  const { code, stdout } = await tryCommand(['doctor', '--json'], { env: { ...env, ...more } });
  const checks: readonly Check[] = JSON.parse(stdout);
  return { code, checks, of: (name: string) => checks.filter(({ check }) => check === name) };
}

describe('daypass doctor', () => {
  it('finds a server in order, but for what nobody has done yet', async () => {
    const { code, checks, of } = await examined();

    expect(code).toBe(0);
    expect(checks.filter(({ state }) => state !== 'ok').map(({ check }) => check)).toEqual(['administrator']);
    expect(of('public address')).toMatchObject([{ state: 'ok', found: `${server.url} leads here` }]);
    expect(of('administrator')).toMatchObject([{ cure: 'daypass admin create --user <name>' }]);

    await runCommand(['admin', 'create', '--user', 'root'], { env, input: 'a-good-Passwort-1\n' });

    expect((await examined()).of('administrator')).toMatchObject([{ state: 'ok' }]);
  });

  it('prints a line for each check', async () => {
    const { stdout } = await runCommand(['doctor'], { env });

    expect(stdout).toContain('ok\tmaster key\topens what the store holds\t\n');
  });

  it('looks at one realm alone', async () => {
    const { code, stdout } = await tryCommand(['doctor', '--realm', 'acme', '--json'], { env });
    const gone = await tryCommand(['doctor', '--realm', 'gone'], { env });

    expect(code).toBe(0);
    expect(JSON.parse(stdout).map(({ check }: Check) => check)).toEqual(
      expect.arrayContaining(['store', 'secrets', 'redirects']),
    );
    expect(gone).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('realm') });
  });

  it('tells that files and store differ', async () => {
    const other = join(folder, 'other');
    await mkdir(join(other, 'realms'), { recursive: true });
    await writeFile(join(other, 'realms', 'acme.yaml'), JSON.stringify(acme({ displayName: 'Other' })));

    const { code, of } = await examined({ DAYPASS_CONFIG: other });

    expect(code).toBe(0);
    expect(of('realm files')).toMatchObject([
      { state: 'warn', found: 'the store differs from realm acme (1)' },
    ]);
  });

  it('tells that nobody answers at the public address, or somebody else', async () => {
    const port = await freePort();
    const nobody = await examined({ DAYPASS_URL: `http://127.0.0.1:${port}` });
    const other = await examined({ DAYPASS_URL: server.url.replace('127.0.0.1', 'localhost') });

    expect(nobody.of('public address')).toMatchObject([{ state: 'warn' }]);
    expect(other).toMatchObject({ code: 1 });
    expect(other.of('public address')).toMatchObject([{ state: 'fail', cure: expect.any(String) }]);
  });

  it.each([
    ['settings', { PORT: 'x' }],
    ['realm files', { DAYPASS_CONFIG: '/nowhere' }],
    ['master key', { DAYPASS_KEY: Buffer.alloc(32, 9).toString('base64') }],
    ['store', { DAYPASS_STORE: 'redis://127.0.0.1:1' }],
  ])('fails when the %s cannot be used, and says what to do', async (name, more) => {
    const { code, of } = await examined(more);

    expect(code).toBe(1);
    expect(of(name)).toMatchObject([{ state: 'fail', cure: expect.any(String) }]);
  });
});
