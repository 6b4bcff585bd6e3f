/** The command line as a process of its own, as an operator runs it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

export type CommandResult = {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
};

export type StartedCommand = {
  readonly process: ChildProcess;
  /** Standard output and error so far. */
  output(): string;
  readonly result: Promise<CommandResult>;
};

type Options = {
  /** Settings; nothing of this process's own ones is inherited. */
  readonly env?: Readonly<Record<string, string>>;
  /** What it reads from standard input. */
  readonly input?: string;
};

export function startCommand(
  args: readonly string[],
  { env = {}, input = '' }: Options = {},
): StartedCommand {
  const child = spawn(process.execPath, [main, ...args], {
    env: { PATH: process.env['PATH'] ?? '', ...env },
  });
  const text = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (chunk: string) => {
      text[name] += chunk;
    });
  }
  const end = () => child.kill('SIGKILL');
  process.once('exit', end);
  child.once('close', () => process.off('exit', end));
  child.stdin.end(input);
  const result = once(child, 'close').then(([code]) => ({ code, ...text }));
  return { process: child, output: () => text.stdout + text.stderr, result };
}

/** Runs a command that is to succeed; rejects with what it says when it does not. */
export async function runCommand(args: readonly string[], options: Options = {}): Promise<CommandResult> {
  const result = await tryCommand(args, options);
  if (result.code === 0) return result;
  throw new Error(`daypass ${args.join(' ')} ended with ${result.code}: ${result.stderr}`);
}

/** Runs a command that may fail. */
export function tryCommand(args: readonly string[], options: Options = {}): Promise<CommandResult> {
  return startCommand(args, options).result;
}
