/** Real Redis servers for tests: the one of the run, and fresh ones that may be stopped, killed and restarted. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { inject } from 'vitest';
import { freePort } from './free-port.ts';

declare module 'vitest' {
  interface ProvidedContext {
    redisUrl: string;
  }
}

export type RedisServer = {
  readonly url: string;
  readonly port: number;
  /** Of the process that runs now. */
  readonly pid: number;
  /** Ends the server and removes its folder. */
  stop(): Promise<void>;
  /** Ends the server without a chance to save anything; the folder stays. */
  kill9(): Promise<void>;
  /** Starts it again on the same port and folder, ending it in an orderly way first if it still runs. */
  restart(): Promise<void>;
};

type StartOptions = {
  readonly appendonly?: boolean;
  /** Further arguments: `['--requirepass', 'x']`. */
  readonly args?: readonly string[];
};

/** The server that all tests of a run share. It may hold other data: use a realm of your own, never flush it. */
export function sharedRedis(): string {
  return inject('redisUrl');
}

/** A fresh server on a free loopback port with a folder of its own. */
export async function startRedis({ appendonly = false, args = [] }: StartOptions = {}): Promise<RedisServer> {
  const folder = mkdtempSync(join(tmpdir(), 'redis-'));
  const port = await freePort();
  const settings = [
    '--port',
    `${port}`,
    '--bind',
    '127.0.0.1',
    '--dir',
    folder,
    '--save',
    '',
    '--appendonly',
  ];
  const command = redisBinary() ?? 'redis-server';
  const run = () => launch(command, [...settings, appendonly ? 'yes' : 'no', ...args]);
  const removeFolder = () => rmSync(folder, { recursive: true, force: true });
  let server = await run().catch((error: unknown) => {
    removeFolder();
    throw error;
  });

  const kill9 = () => end(server, 'SIGKILL');
  const forget = () => {
    server.kill('SIGKILL');
    removeFolder();
  };
  process.on('exit', forget);

  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    get pid() {
      return server.pid ?? 0;
    },
    kill9,
    async stop() {
      await kill9();
      process.off('exit', forget);
      removeFolder();
    },
    async restart() {
      await end(server, 'SIGTERM');
      server = await run();
    },
  };
}

/** `redis-server`, else `valkey-server`, else nothing. */
export function redisBinary(): string | undefined {
  return ['redis-server', 'valkey-server'].find(isInstalled);
}

export function isInstalled(command: string): boolean {
  try {
    execFileSync('which', [command], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

async function launch(command: string, args: readonly string[]): Promise<ChildProcess> {
  const server = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines: string[] = [];
  for await (const line of createInterface({ input: server.stdout })) {
    lines.push(line);
    if (line.includes('Ready to accept connections')) {
      server.stdout.resume();
      return server;
    }
  }
  throw new Error(`${command} did not start:\n${lines.join('\n')}`);
}

async function end(server: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const ended = once(server, 'exit');
  server.kill(signal);
  await ended;
}
