/** `plan` and `apply`: files against the store. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand, tryCommand } from '../support/command.ts';
import { masterKey, openOperator } from '../support/operator.ts';
import { type Engine, openEmbedded, openRedis } from '../support/raw-store.ts';

const SECRETS = [
  'first-secret-1',
  'second-secret-2',
  'first-Passwort-1',
  'second-Passwort-2',
  'compat-key-0123456789',
];

type File = Record<string, unknown>;

const file = (name: string, more: File = {}): File => ({
  name,
  displayName: 'Acme',
  apis: [
    { id: 'orders', audience: 'https://orders.example', permissions: [{ name: 'read' }, { name: 'write' }] },
  ],
  roles: [{ name: 'reader', permissions: ['orders:read'] }],
  clients: [{ id: 'one', secret: SECRETS[0], grants: ['client_credentials'], roles: ['reader'] }],
  users: [{ username: 'ada', password: SECRETS[2], roles: ['reader'] }],
  compat: { semaphor: { projects: [], dashboards: [{ id: 'sales', secret: SECRETS[4] }] } },
  ...more,
});

describe.each([
  ['sqlite', openEmbedded],
  ['redis', openRedis],
] as const)('plan and apply (%s)', (_kind, open) => {
  let engine: Engine;
  let folder: string;
  let env: Record<string, string>;
  let count = 0;

  beforeAll(async () => {
    engine = await open();
    folder = await mkdtemp(join(tmpdir(), 'daypass-plan-'));
    env = { DAYPASS_STORE: engine.url, DAYPASS_KEY: masterKey.toString('base64') };
  });

  afterAll(async () => {
    await engine.stop();
    await rm(folder, { recursive: true });
  });

  /** A realm of its own for each test, and its folder. */
  function newRealm() {
    count += 1;
    const name = `plan-${count}`;
    const place = join(folder, name);
    return {
      name,
      place,
      async write(content: File) {
        await mkdir(join(place, 'realms'), { recursive: true });
        await writeFile(join(place, 'realms', `${name}.yaml`), JSON.stringify(content));
      },
      plan: (...args: string[]) => tryCommand(['plan', place, ...args], { env }),
      apply: (...args: string[]) => tryCommand(['apply', place, ...args], { env }),
    };
  }

  it('tells what is new, writes nothing, and says the same once it is applied', async () => {
    const { name, write, plan, apply } = newRealm();
    await write(file(name));

    const before = await plan();
    const stillThere = await plan();
    const applied = await apply();
    const after = await plan();

    expect(before.code).toBe(2);
    expect(before.stdout).toContain(`+ realm ${name}\n`);
    expect(before.stdout).toContain(
      '+ client one\n    + secret: (hidden)\n    + grants: ["client_credentials"]\n',
    );
    expect(stillThere).toEqual(before);
    expect(applied).toMatchObject({ code: 0, stdout: before.stdout });
    expect(after).toMatchObject({ code: 0, stdout: `${name}: 3 unchanged\n` });
  });

  it('shows changed fields as a difference, and hides what is secret', async () => {
    const { name, write, plan, apply } = newRealm();
    await write(file(name));
    await apply();
    await write(
      file(name, {
        displayName: 'Acme Inc.',
        roles: [{ name: 'reader', permissions: ['orders:read', 'orders:write'] }],
        clients: [{ id: 'one', secret: SECRETS[1], grants: ['client_credentials'], roles: ['reader'] }],
        users: [{ username: 'ada', password: SECRETS[3], roles: [] }],
        compat: {
          semaphor: { projects: [], dashboards: [{ id: 'sales', secret: 'compat-key-9876543210' }] },
        },
      }),
    );

    const { code, stdout } = await plan();
    const { stdout: text } = await plan('--json');

    expect(code).toBe(2);
    expect(stdout).toContain('    - displayName: "Acme"\n    + displayName: "Acme Inc."\n');
    expect(stdout).toContain(
      '    - roles.reader.permissions: ["orders:read"]\n    + roles.reader.permissions: ["orders:read","orders:write"]\n',
    );
    expect(stdout).toContain('~ client one\n    ~ secret: (hidden, changed)\n');
    expect(stdout).toContain('    ~ password: (hidden, changed)\n');
    expect(stdout).toContain('    ~ compat.semaphor.dashboards.sales.secret: (hidden, changed)\n');
    expect(JSON.parse(text)).toMatchObject([
      { realm: name, unchanged: 0, changes: [{ kind: 'updated' }, {}, {}] },
    ]);
    for (const secret of [...SECRETS, 'compat-key-9876543210', '$argon2id$']) {
      expect(stdout + text).not.toContain(secret);
    }
    expect((await apply()).stdout).toBe(stdout);
    expect((await plan()).code).toBe(0);
  });

  it('names what no file names, and removes it only when asked', async () => {
    const { name, write, plan, apply } = newRealm();
    await write(file(name));
    await apply();
    const operator = await openOperator(engine.url);
    const { registry } = operator;
    await registry.createClient(name, { id: 'stray', secret: 'stray-secret-1' });
    await registry.createClient(name, { id: 'self', public: true, registered: { client_name: 'x' } });
    await registry.createUser(name, { username: 'eve' });
    await registry.updateRealm(name, (settings) => ({
      ...settings,
      roles: [...settings.roles, { name: 'stray', permissions: [], includes: [] }],
    }));

    const named = await plan();
    const unasked = await apply('--prune');
    const planned = await plan('--prune');
    const pruned = await apply('--prune', '--yes');

    expect(named).toMatchObject({ code: 0 });
    expect(named.stdout).toBe(`${name}: 3 unchanged; not in the file: role stray, client stray, user eve\n`);
    expect(unasked).toMatchObject({ code: 1, stderr: expect.stringContaining('--yes') });
    expect(planned).toMatchObject({ code: 2, stdout: pruned.stdout });
    expect(pruned.stdout).toContain('- client stray\n');
    expect(pruned.stdout).toContain('- user eve\n');
    expect((await registry.readRealm(name))?.roles.map((role) => role.name)).toEqual(['reader']);
    expect(await registry.readClient(name, 'stray')).toBeUndefined();
    expect(await registry.readClient(name, 'self')).toBeDefined();
    expect((await plan('--prune')).code).toBe(0);
    await operator.close();
  });

  it('prunes no list that the file does not have, and no realm without a file', async () => {
    const { name, write, plan, apply } = newRealm();
    await write(file(name));
    await apply();
    await write({ name, displayName: 'Acme' });

    const { code, stdout } = await plan('--prune');

    expect({ code, stdout }).toEqual({ code: 0, stdout: `${name}: 1 unchanged\n` });
    expect((await runCommand(['realm', 'list'], { env })).stdout).toContain(name);
  });

  it('fails with 1 when a file has a fault', async () => {
    const { name, write, plan } = newRealm();
    await write({ name, clientz: [] });

    expect(await plan()).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('clientz') });
  });
});
