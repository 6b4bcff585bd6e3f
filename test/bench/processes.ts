/** The processes of a run: each on the core it is told, ended with the run. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { freePort } from '../support/free-port.ts';

/** What is measured has a core for itself; the load and Redis share the other. */
export const SUBJECT_CORE = 0;
export const LOAD_CORE = 1;

const started = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of started) child.kill('SIGKILL');
});

const canPin = availableParallelism() > 1 && isThere('taskset');

/** Whether cores are kept apart; otherwise the figures are only good for a glance. */
export function pinThisProcess(): boolean {
  if (canPin)
    execFileSync('taskset', ['-a', '-c', '-p', String(LOAD_CORE), String(process.pid)], { stdio: 'ignore' });
  return canPin;
}

/** `core`: one, or several as `0,1`. */
type StartOptions = { readonly core: number | string; readonly env?: Readonly<Record<string, string>> };

export function start(command: readonly string[], { core, env = {} }: StartOptions): ChildProcess {
  const [program = '', ...args] = canPin ? ['taskset', '-c', String(core), ...command] : command;
  const child = spawn(program, args, {
    cwd: fileURLToPath(new URL('../../', import.meta.url)),
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  started.add(child);
  child.once('exit', () => started.delete(child));
  return child;
}

export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

/** A node process of this folder. */
export function node(path: string, ...args: readonly string[]): readonly string[] {
  return [process.execPath, fileURLToPath(new URL(path, import.meta.url)), ...args];
}

/** A fresh one that writes nothing to disk; resolves to its address once it answers. */
export async function startRedis(): Promise<string> {
  const port = await freePort();
  const server = ['redis-server', 'valkey-server'].find(isThere);
  if (server === undefined)
    throw new Error('the bench needs redis-server: sudo apt-get install -y redis-server');
  const child = start(
    [server, '--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'],
    {
      core: LOAD_CORE,
    },
  );
  await printed(child, 'Ready to accept connections');
  return `redis://127.0.0.1:${port}`;
}

/** Resolves to all that was printed, once that contains `text`. */
export async function printed(child: ChildProcess, text: string): Promise<string> {
  let output = '';
  for await (const chunk of child.stdout?.setEncoding('utf8').iterator({ destroyOnReturn: false }) ?? []) {
    output += chunk;
    if (output.includes(text)) {
      child.stdout?.resume();
      return output;
    }
  }
  throw new Error(`${child.spawnargs.join(' ')} ended and printed:\n${output}`);
}

/** Seconds that it and its children have computed so far; in steps of 10 ms. */
export async function cpuSeconds({ pid }: Pick<ChildProcess, 'pid'>): Promise<number> {
  const children = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim();
  const pids = [pid, ...children.split(' ').filter(Boolean)];
  const seconds = await Promise.all(pids.map(ownSeconds));
  return seconds.reduce((sum, one) => sum + one, 0);
}

/** https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
async function ownSeconds(pid: number | string | undefined): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** MB that the process holds in memory. */
export async function residentMemory(child: ChildProcess): Promise<number> {
  const status = await readFile(`/proc/${child.pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
}

function isThere(program: string): boolean {
  try {
    execFileSync('which', [program], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
