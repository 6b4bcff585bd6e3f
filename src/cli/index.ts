/** The command line: finds the command, words its failures, and sets the exit code. */
import { version } from '../base/version.ts';
import { didYouMean } from '../config/faults.ts';
import { explain } from './failures.ts';
import { parseInput, print, UsageError } from './runtime/command.ts';
import { helpOf } from './runtime/help.ts';
import { commandIn, commands } from './table.ts';

/** Exit codes: 2 for wrong usage, 1 for any other failure; of `plan` also 2 for changes. */
export async function run(args: readonly string[]): Promise<number> {
  // The reader of the output may have closed it (`| head -1`): the command finishes all the same.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
  if (args[0] === '--version' || args[0] === '-V') {
    print(version);
    return 0;
  }
  const isHelp = args[0] === 'help';
  const words = isHelp ? args.slice(1) : args;
  const found = commandIn(words);
  if (found === undefined) return helpOn(words, isHelp);
  return runCommand(found.name, isHelp ? ['--help'] : words.slice(found.words));
}

async function runCommand(name: string, args: readonly string[]): Promise<number> {
  try {
    const command = await commands[name]?.load();
    if (command === undefined) throw new UsageError(`there is no command ${name}`);
    const input = parseInput(command, args);
    if (input !== 'help') return await command.run(input);
    process.stdout.write(helpOf(name, command));
    return 0;
  } catch (error) {
    if (error instanceof UsageError) return fail(`${error.message}\nSee: daypass ${name} --help`, 2);
    const message = explain(error);
    if (message === undefined) throw error;
    fail(message, 1);
    // Exits, because what was opened before the failure would keep the process alive.
    process.exit(1);
  }
}

/** Lists all commands, or those of a kind (`daypass user`). */
function helpOn(args: readonly string[], isHelp: boolean): number {
  const words = args.filter((arg) => !arg.startsWith('-'));
  const group = Object.keys(commands).filter((name) => name.startsWith(`${words[0]} `));
  const isGroup = group.length > 0 && words.length === 1;
  const names = isGroup ? group : Object.keys(commands);
  if (words.length > 0 && !isGroup && !isHelp) {
    const given = words.slice(0, 2).join(' ');
    return fail(`there is no command ${given}${didYouMean(given, names)}\nSee: daypass help`, 2);
  }
  const width = Math.max(...names.map((name) => name.length)) + 3;
  print('daypass <command> [--help]');
  print('daypass --version\n');
  for (const name of names) print(`  ${name.padEnd(width)}${commands[name]?.summary}`);
  return 0;
}

function fail(message: string, code: number): number {
  process.stderr.write(`${message}\n`);
  return code;
}
