/** The first administrator of a new production server. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand, type StartedCommand, startCommand } from '../support/command.ts';
import { freePort } from '../support/free-port.ts';
import { postForm } from '../support/http.ts';

const isLink = /http:\S+\/account\/new-password\?link=\S+/;

describe('a new production server', () => {
  let folder: string;
  let env: Record<string, string>;
  let running: StartedCommand | undefined;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'daypass-set-up-'));
    await mkdir(join(folder, 'realms'));
    const port = await freePort();
    env = {
      NODE_ENV: 'production',
      PORT: String(port),
      DAYPASS_URL: `http://127.0.0.1:${port}`,
      DAYPASS_ADMIN_PORT: String(await freePort()),
      DAYPASS_STORE: `sqlite:${join(folder, 'daypass.db')}`,
      DAYPASS_CONFIG: folder,
      DAYPASS_KEY: Buffer.alloc(32, 9).toString('base64'),
      DAYPASS_STOP_DELAY: '0',
    };
  });

  afterAll(async () => {
    running?.process.kill('SIGKILL');
    await rm(folder, { recursive: true });
  });

  async function serve(until: RegExp): Promise<string> {
    running = startCommand(['serve'], { env });
    const { output } = running;
    await expect.poll(() => output()).toMatch(until);
    return output();
  }

  async function stop(): Promise<string> {
    running?.process.kill('SIGTERM');
    return (await running?.result)?.stdout ?? '';
  }

  it('prints a link by which the first administrator chooses a password, once', async () => {
    const [link = ''] = isLink.exec(await serve(isLink)) ?? [];
    const page = await (await fetch(link)).text();
    const csrf = /name="csrf" value="([^"]+)"/.exec(page)?.[1] ?? '';
    const form = {
      csrf,
      new_password: 'a long password of mine',
      repeat_password: 'a long password of mine',
    };

    expect((await postForm(link, form)).status).toBe(303);
    expect((await postForm(link, form)).status).toBe(404);
    await stop();

    await serve(/listening/);
    expect(await stop()).not.toMatch(isLink);
  });

  it('takes further administrators from the command line, and no bad password', async () => {
    const make = (user: string, input: string) =>
      runCommand(['admin', 'create', '--user', user], { env, input });

    expect((await make('root', 'another long password\n')).stdout).toContain('added root');
    await expect(make('root', 'another long password\n')).rejects.toThrow('another user has this');
    await expect(make('weak', 'password123\n')).rejects.toThrow('tried first');
    const { stdout } = await runCommand(['user', 'show', '--realm', 'daypass-admin', '--user', 'root'], {
      env,
    });
    expect(stdout).toContain('administrator');
  });
});
