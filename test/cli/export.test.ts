/** `export`: a realm as the file that makes it again. */
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { adminToken, head } from '../admin/support.ts';
import { runCommand, tryCommand } from '../support/command.ts';
import { masterKey } from '../support/operator.ts';
import { acme } from '../support/realms.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

const ada = '0f0e0d0c-0b0a-4900-8807-060504030201';
const hash = '$pbkdf2-sha256$i=27500$c2FsdHNhbHQ$0123456789012345678901234567890123456789012';

const settings = {
  name: 'built',
  displayName: `Built \${NOT_A_NAME} $\${x}`,
  apis: [
    { id: 'orders', audience: 'https://orders.example', permissions: [{ name: 'read' }], default: true },
    {
      id: 'bills',
      audience: 'https://bills.example',
      permissions: [{ name: 'pay' }],
      tokens: { format: 'jwt', ttl: 600 },
    },
  ],
  roles: [
    { name: 'clerk', permissions: ['orders:read'] },
    { name: 'boss', permissions: ['bills:pay'], includes: ['clerk'] },
  ],
  policies: [
    {
      kind: 'row',
      name: 'region',
      parameters: ['region'],
      template: { op: 'eq', col: 'r', value: '{{ region }}' },
    },
  ],
  lifetimes: { accessToken: 900 },
};
const clients = [
  { id: 'worker', secret: "it's a $ecret", grants: ['client_credentials'], roles: ['clerk'] },
  {
    id: 'app',
    public: true,
    grants: ['authorization_code'],
    redirectUris: ['https://app.example/cb'],
    enabled: false,
  },
];
const users = [
  {
    id: ada,
    username: 'ada',
    email: 'ada@acme.example',
    passwordHash: hash,
    roles: ['boss'],
    attributes: { b: [1, null], a: `\${x}` },
  },
];

const env = (store: string) => ({
  DAYPASS_STORE: store,
  DAYPASS_KEY: masterKey.toString('base64'),
});

let folder: string;
let server: TestServer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'daypass-export-'));
  server = await startTestServer({
    realms: [head, acme()],
    store: `sqlite:${join(folder, 'server.db')}`,
  });
});

afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true });
});

const served = () => env(`sqlite:${join(folder, 'server.db')}`);

/** The variables of a file as a shell reads it. */
function variablesOf(path: string): Record<string, string> {
  const text = execFileSync('sh', ['-c', `set -a; . ${path}; exec env -0`], { env: {} }).toString();
  return Object.fromEntries(
    text
      .split('\0')
      .flatMap((line) =>
        line === '' ? [] : [[line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]],
      ),
  );
}

/** Builds the realm by the admin API alone, one thing after the other and in another order than a file would have. */
async function buildOverHttp(): Promise<void> {
  const token = await adminToken(server, 'daypass-admin', 'root');
  async function send(method: string, path: string, body: object): Promise<void> {
    const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
    const response = await fetch(`${server.url}/admin/v1/realms${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': type, 'if-match': '*' },
      body: JSON.stringify(body),
    });
    expect(response.ok, `${method} ${path}: ${await response.text()}`).toBe(true);
  }
  await send('POST', '', { name: 'built' });
  await send('PATCH', '/built', { lifetimes: settings.lifetimes, displayName: settings.displayName });
  for (const api of settings.apis) await send('POST', '/built/apis', api);
  for (const role of settings.roles) await send('POST', '/built/roles', role);
  const [policy] = settings.policies;
  await send('POST', '/built/policies', {
    ...policy,
    template: Object.fromEntries(Object.entries(policy?.template ?? {}).reverse()),
  });
  for (const client of clients) await send('POST', '/built/clients', client);
  for (const user of users) await send('POST', '/built/users', user);
}

describe('daypass export', () => {
  it('gives the same text for a realm of the admin API and one of files', async () => {
    await buildOverHttp();
    const files = join(folder, 'files');
    await mkdir(join(files, 'realms'), { recursive: true });
    const written = JSON.stringify({ ...settings, clients, users }).replaceAll(`\${`, () => `$\${`);
    await writeFile(
      join(files, 'realms', 'built.yaml'),
      written.replaceAll(`$$$\${`, () => `$$\${`),
    );
    const other = env(`sqlite:${join(folder, 'other.db')}`);
    await runCommand(['apply', files], { env: other });

    const [api, applied] = await Promise.all(
      [served(), other].map((each) => runCommand(['export', 'built', '--secrets'], { env: each })),
    );

    expect(api?.stdout).toBe(applied?.stdout);
    expect(api?.stdout).toContain('name: built\n');
  });

  it.each(['acme', 'built', 'daypass-admin'])(
    'writes %s as files that change nothing, and make it anew',
    async (name) => {
      const out = join(folder, `out-${name}`);
      await runCommand(['export', name, '--out', join(out, 'realms')], { env: served() });
      const secrets = variablesOf(join(out, 'realms', `${name}.env`));
      const here = { ...secrets, ...served() };
      const there = { ...secrets, ...env(`sqlite:${join(folder, `${name}.db`)}`) };

      const checked = await runCommand(['config', 'check', out], { env: here });
      const same = await tryCommand(['plan', out, '--prune'], { env: here });
      const applied = await runCommand(['apply', out], { env: there });
      const again = await tryCommand(['plan', out, '--prune'], { env: there });
      const [first, second] = await Promise.all(
        [here, there].map((each) => runCommand(['export', name, '--secrets'], { env: each })),
      );

      expect(checked.stdout).toContain('1 realm files are in order');
      expect(same).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(new RegExp(`^${name}: \\d+ unchanged\n$`)),
      });
      expect(applied.stdout).toContain(`+ realm ${name}\n`);
      expect(again).toMatchObject({ code: 0 });
      expect(second?.stdout).toBe(first?.stdout);
    },
  );

  it('keeps secrets to the owner of the files, and replaces none unasked', async () => {
    const out = join(folder, 'own');
    const args = ['export', 'built', '--out', out];
    await runCommand(args, { env: served() });
    const unasked = await tryCommand(args, { env: served() });
    const asked = await tryCommand([...args, '--force'], { env: served() });
    const modes = await Promise.all(
      ['built.env', 'built.yaml'].map(async (file) => (await stat(join(out, file))).mode & 0o777),
    );
    const yaml = await readFile(join(out, 'built.yaml'), 'utf8');

    expect(modes).toEqual([0o600, 0o600]);
    expect(yaml).toContain(`secret: \${BUILT_WORKER_SECRET}\n`);
    expect(yaml).toContain(hash);
    expect(yaml).not.toContain('$ecret');
    expect(unasked).toMatchObject({ code: 1, stderr: expect.stringContaining('--force') });
    expect(asked.code).toBe(0);
  });

  it('prints neither secrets nor hashes unless asked for them', async () => {
    const { stdout, stderr } = await runCommand(['export', 'built'], { env: served() });
    const plain = await runCommand(['export', 'built', '--secrets'], { env: served() });

    expect(stdout).toContain(`secret: \${BUILT_WORKER_SECRET}\n`);
    expect(stdout).not.toContain('passwordHash');
    expect(stdout).not.toContain('$ecret');
    expect(stderr).toContain('--secrets');
    expect(plain.stdout).toContain('$ecret');
    expect(plain.stdout).toContain(hash);
  });

  it('says which realm is not there, and that one is to be named', async () => {
    expect(await tryCommand(['export', 'none'], { env: served() })).toMatchObject({
      code: 1,
      stderr: 'realm "none" does not exist\n',
    });
    expect(await tryCommand(['export'], { env: served() })).toMatchObject({ code: 2 });
  });
});
