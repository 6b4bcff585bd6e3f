/** Real server processes, started from the command line as an operator does, and killed without a warning. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from './free-port.ts';
import { masterKey } from './operator.ts';

export type ServerProcess = {
  /** Where it listens, without a trailing slash. */
  readonly url: string;
  readonly adminUrl: string;
  /** Address of a protocol endpoint: `token`, `token/introspect`, `revoke`, `userinfo`… */
  endpoint(realm: string, name: string): string;
  /** Everything it has written to stdout and stderr, in all its lives. */
  output(): string;
  isRunning(): boolean;
  /** Ends it without a chance to finish anything. */
  kill9(): Promise<void>;
  /** Starts it again with the same settings, after its end. */
  start(): Promise<void>;
  /** Ends it and removes its folder. */
  stop(): Promise<void>;
};

type NamedRealm = { readonly name: string; readonly [field: string]: unknown };

export type ProcessOptions = {
  /** Store URL. */
  readonly store: string;
  /** Realm files as an operator would write them (parsed YAML). */
  readonly realms?: readonly NamedRealm[];
  readonly env?: Readonly<Record<string, string>>;
  /** The public base address; default: where it listens. Processes that share a store share it. */
  readonly publicUrl?: string;
  /** How far the clock of this process is ahead of the machine's. */
  readonly clockAheadMs?: number;
};

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const startMs = 15_000;

export async function startServerProcess(options: ProcessOptions): Promise<ServerProcess> {
  const folder = await mkdtemp(join(tmpdir(), 'daypass-process-'));
  await writeRealms(folder, options.realms ?? []);
  const [port, adminPort] = [await freePort(), await freePort()];
  const url = `http://127.0.0.1:${port}`;
  const adminUrl = `http://127.0.0.1:${adminPort}`;
  const output: string[] = [];
  let child: ChildProcess | undefined;

  const launch = () => {
    const launched = spawn(process.execPath, [...clockArguments(options.clockAheadMs ?? 0), main, 'serve'], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env['PATH'],
        HOME: folder,
        PORT: String(port),
        DAYPASS_URL: options.publicUrl ?? url,
        DAYPASS_STORE: options.store,
        DAYPASS_CONFIG: folder,
        DAYPASS_KEY: masterKey.toString('base64'),
        DAYPASS_ADMIN_PORT: String(adminPort),
        DAYPASS_STOP_DELAY: '0',
        ...options.env,
      },
    });
    launched.stdout.on('data', (chunk) => output.push(String(chunk)));
    launched.stderr.on('data', (chunk) => output.push(String(chunk)));
    return launched;
  };
  const isRunning = () => child !== undefined && child.exitCode === null && child.signalCode === null;
  const forget = () => child?.kill('SIGKILL');
  process.on('exit', forget);

  async function kill9(): Promise<void> {
    if (child === undefined || !isRunning()) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  async function start(): Promise<void> {
    child = launch();
    const deadline = performance.now() + startMs;
    while (!((await answers(`${adminUrl}/health/ready`)) && (await answers(url)))) {
      if (!isRunning() || performance.now() > deadline) {
        throw new Error(`the server did not start:\n${output.join('')}`);
      }
      await pause(20);
    }
  }

  async function stop(): Promise<void> {
    await kill9();
    process.off('exit', forget);
    await rm(folder, { recursive: true, force: true });
  }

  try {
    await start();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    url,
    adminUrl,
    endpoint: (realm, name) => `${url}/realms/${realm}/protocol/openid-connect/${name}`,
    output: () => output.join(''),
    isRunning,
    kill9,
    start,
    stop,
  };
}

/** Realm files below a configuration folder. JSON is YAML. */
export async function writeRealms(folder: string, realms: readonly NamedRealm[]): Promise<void> {
  await mkdir(join(folder, 'realms'));
  for (const realm of realms)
    await writeFile(join(folder, 'realms', `${realm.name}.yaml`), JSON.stringify(realm));
}

/** The whole process, libraries included, lives in another time. */
function clockArguments(aheadMs: number): readonly string[] {
  if (aheadMs === 0) return [];
  const patch = `const now = Date.now; Date.now = () => now() + ${aheadMs};`;
  return ['--import', `data:text/javascript,${encodeURIComponent(patch)}`];
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(1000) });
    await response.arrayBuffer();
    return response.status < 500;
  } catch {
    return false;
  }
}
