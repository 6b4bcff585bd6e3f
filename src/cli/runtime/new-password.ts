import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { Failure } from '../../base/errors.ts';
import type { PasswordPolicy } from '../../registry/model/model.ts';
import { wordsOfFault } from '../../registry/passwords/password-faults.ts';
import type { PasswordOwner } from '../../registry/passwords/passwords.ts';
import type { Services } from '../../services.ts';

/** Reads a new password, and refuses one that the policy refuses. */
export async function askPassword(
  { passwords }: Pick<Services, 'passwords'>,
  policy: PasswordPolicy,
  owner: PasswordOwner,
): Promise<string> {
  const password = await readNewPassword();
  const faults = await passwords.check(password, policy, owner);
  if (faults.length === 0) return password;
  throw new Failure(
    'invalid_input',
    faults.map((fault) => `the password ${wordsOfFault(fault, policy)}`).join('\n'),
  );
}

/**
 * Reads a new password, never from the arguments, which every user of the machine can see. On a terminal it is asked
 * for twice.
 */
export async function readNewPassword(): Promise<string> {
  if (!process.stdin.isTTY) return firstLine();
  const password = await ask('New password: ');
  if ((await ask('Once more: ')) === password) return password;
  throw new Failure('invalid_input', 'the two are not the same');
}

/** Reads a secret that is there already, likewise: `what` is what it is called. */
export async function readSecret(what: string): Promise<string> {
  const value = process.stdin.isTTY ? await ask(`${what}: `) : await firstLine(what);
  if (value.trim() === '') throw new Failure('invalid_input', `standard input holds no ${what}`);
  return value.trim();
}

async function firstLine(what = 'password'): Promise<string> {
  for await (const line of createInterface({ input: process.stdin })) return line;
  throw new Failure('invalid_input', `standard input holds no ${what}`);
}

/** The typed text is not shown. */
async function ask(question: string): Promise<string> {
  const output = new Writable({ write: (_chunk, _encoding, done) => done() });
  const terminal = createInterface({ input: process.stdin, output, terminal: true });
  terminal.once('SIGINT', () => process.exit(130));
  process.stderr.write(question);
  try {
    return await terminal.question('');
  } finally {
    terminal.close();
    process.stderr.write('\n');
  }
}
