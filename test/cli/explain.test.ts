import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand, tryCommand } from '../support/command.ts';
import { postForm } from '../support/http.ts';
import { acme, engine } from '../support/realms.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

const DAYPASS_KEY = Buffer.alloc(32, 7).toString('base64');

describe('daypass explain', () => {
  let folder: string;
  let server: TestServer;
  let env: Record<string, string>;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'daypass-explain-'));
    const store = `sqlite:${join(folder, 'daypass.db')}`;
    env = { DAYPASS_STORE: store, DAYPASS_KEY };
    server = await startTestServer({ realms: [acme()], store });
  });

  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true });
  });

  const run = (args: string, input = '') =>
    runCommand(['explain', '--realm', 'acme', ...args.split(' ')], { env, input });

  it('says what has ended a token, which setting decides, and who set it', async () => {
    const form = { grant_type: 'client_credentials' };
    const { json } = await postForm(server.endpoint('acme', 'token'), form, { auth: engine });
    expect((await run('--token -', `${json.access_token}\n`)).stdout).toMatch(/^active\n/);

    await runCommand(['client', 'disable', '--realm', 'acme', '--client', 'ds-engine'], { env });

    const { stdout } = await run('--token -', `${json.access_token}\n`);
    expect(stdout).toMatch(/^inactive\n {2}revoked: everything of the client ds-engine was revoked/);
    expect(stdout).toMatch(/decided by clients\[ds-engine\]\.enabled, set by operator at \d{4}-/);
    expect(stdout).not.toContain(json.access_token);
  });

  it('answers for a redirect, a login, rights and a guest token, for people and for programs', async () => {
    expect((await run('--client dc-ui --redirect-uri http://localhost:3000/x')).stdout).toContain(
      'redirect.unregistered',
    );
    expect((await run('--login nobody')).stdout).toContain('user.unknown');
    const rights = JSON.parse(
      (await run('--client dc-ui --user george.becker --scope reports:write --json')).stdout,
    );
    expect(rights).toMatchObject({ verdict: 'narrowed', reasons: [{ rule: 'role.lacks' }] });
    const file = join(folder, 'mint.json');
    await writeFile(file, JSON.stringify({ subject: { tenant: 'a' }, resources: [] }));
    expect((await run(`--client portal --mint ${file}`)).stdout).toContain('mints.missing');
  });

  it('says what is missing of the command line', async () => {
    const tried = async (args: readonly string[]) => (await tryCommand(['explain', ...args], { env })).stderr;

    expect(await tried(['--realm', 'acme'])).toContain('--token, --login, or --client');
    expect(await tried(['--realm', 'acme', '--client', 'nobody'])).toContain('no such client');
    expect(await tried(['--realm', 'none', '--login', 'x'])).toContain('no such realm');
  });
});
