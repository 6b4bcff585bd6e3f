/** Who tries the server at a terminal reads lines for people; everything else gets JSON. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, it } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { masterKey } from '../support/operator.ts';

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
let child: ChildProcess | undefined;
let folder = '';

afterEach(async () => {
  child?.kill('SIGTERM');
  if (child?.exitCode === null) await once(child, 'close');
  await rm(folder, { recursive: true, force: true });
});

/** Starts a server and resolves to its output once it listens. `script` (util-linux) gives it a terminal. */
async function outputOf(command: readonly [string, ...string[]], env = {}): Promise<string> {
  folder = await mkdtemp(join(tmpdir(), 'daypass-terminal-'));
  await mkdir(join(folder, 'realms'));
  const [program, ...args] = command;
  const started = spawn(program, args, {
    cwd: folder,
    env: {
      PATH: process.env['PATH'] ?? '',
      PORT: String(await freePort()),
      DAYPASS_ADMIN_PORT: String(await freePort()),
      DAYPASS_STORE: `sqlite:${folder}/x.db`,
      DAYPASS_CONFIG: folder,
      DAYPASS_KEY: masterKey.toString('base64'),
      ...env,
    },
  });
  started.stdin.end();
  child = started;
  let text = '';
  return new Promise<string>((resolve, reject) => {
    started.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      if (text.includes('listening')) resolve(text);
    });
    started.once('close', () => reject(new Error(`it ended: ${text}`)));
  });
}

const serve = `exec ${process.execPath} ${main} serve`;

it('prints a line for people at a terminal', async () => {
  const output = await outputOf(['script', '-qefc', serve, '/dev/null']);

  expect(output).toMatch(/\d\d:\d\d:\d\d.*INFO.*listening/);
});

it('prints JSON at a terminal in production', async () => {
  const output = await outputOf(['script', '-qefc', serve, '/dev/null'], { NODE_ENV: 'production' });

  expect(output).toMatch(/\{"level":30,.*"msg":"listening"\}/);
});

it('prints JSON where nobody watches', async () => {
  const output = await outputOf([process.execPath, main, 'serve']);

  expect(output).toMatch(/\{"level":30,.*"msg":"listening"\}/);
});
