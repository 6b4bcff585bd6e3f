import { createInterface } from 'node:readline/promises';
import { Failure } from '../../base/errors.ts';
import type { Input, Option } from './command.ts';

/** The option of every command that asks before it takes something away. */
export const yes = {
  yes: { help: 'do not ask; needed where there is no terminal to ask at' },
} as const satisfies Record<string, Option>;

/** Resolves when somebody at the terminal agrees, or has agreed by `--yes`. Rejects with `Failure` otherwise. */
export async function requireConsent(input: Pick<Input, 'has'>, question: string): Promise<void> {
  if (input.has('yes')) return;
  if (!process.stdin.isTTY)
    throw new Failure('forbidden', `${question} Say so by --yes: there is no terminal`);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  terminal.once('SIGINT', () => process.exit(130));
  const answer = await terminal.question(`${question} [y/N] `);
  terminal.close();
  if (!/^y(es)?$/i.test(answer.trim())) throw new Failure('forbidden', 'nothing was changed');
}
