/** The command line: finds the command, words its failures, and sets the exit code. */
import { version } from '../base/version.ts';
import { didYouMean } from '../config/faults.ts';
import { explain } from './failures.ts';
import { type Command, helpOf, parseInput, print, UsageError } from './runtime/command.ts';

type Entry = { readonly summary: string; load(): Promise<Command> };

const commands: Readonly<Record<string, Entry>> = {
  serve: { summary: 'run the server', load: async () => (await import('./commands/serve.ts')).serve },
  apply: {
    summary: 'apply realm files to the store',
    load: async () => (await import('./commands/apply.ts')).apply,
  },
  'admin create': {
    summary: 'add an administrator of all realms',
    load: async () => (await import('./commands/admin.ts')).createAdmin,
  },
  'config check': {
    summary: 'tell everything that is wrong with settings and realm files',
    load: async () => (await import('./commands/config.ts')).checkConfig,
  },
  routes: {
    summary: 'list every address of the server, and who may call it',
    load: async () => (await import('./commands/routes.ts')).listRoutes,
  },
  'realm list': {
    summary: 'list realms',
    load: async () => (await import('./commands/realm.ts')).listRealms,
  },
  'client invite': {
    summary: 'make a token that lets somebody register clients',
    load: async () => (await import('./commands/client.ts')).inviteClient,
  },
  'client list': {
    summary: 'list the clients of a realm',
    load: async () => (await import('./commands/client.ts')).listClients,
  },
  'user add': { summary: 'add a user', load: async () => (await import('./commands/user.ts')).addUser },
  'user set-password': {
    summary: 'give a user a new password',
    load: async () => (await import('./commands/user.ts')).setPassword,
  },
  'user disable': {
    summary: 'lock a user out, at once and everywhere',
    load: async () => (await import('./commands/user.ts')).disableUser,
  },
  'user enable': {
    summary: 'let a disabled user log in again',
    load: async () => (await import('./commands/user.ts')).enableUser,
  },
  'user show': {
    summary: 'show a user, and whether wrong passwords have locked it',
    load: async () => (await import('./commands/user.ts')).showUser,
  },
  'user unlock': {
    summary: 'lift the lock of wrong passwords',
    load: async () => (await import('./commands/user.ts')).unlockUser,
  },
  'keys list': {
    summary: 'list the signing keys of a realm',
    load: async () => (await import('./commands/keys.ts')).listKeys,
  },
  'keys rotate': {
    summary: 'change the signing keys of a realm',
    load: async () => (await import('./commands/keys.ts')).rotateKeys,
  },
  'token revoke-all': {
    summary: 'revoke all tokens of a realm, client, user or session',
    load: async () => (await import('./commands/token.ts')).revokeAll,
  },
  'audit list': {
    summary: 'list what happened in a realm, and who did it',
    load: async () => (await import('./commands/audit.ts')).listAudit,
  },
  'audit export': {
    summary: 'print the audit log of a realm as lines of JSON',
    load: async () => (await import('./commands/audit.ts')).exportAudit,
  },
  'audit verify': {
    summary: 'check that nothing of the audit log was removed or changed',
    load: async () => (await import('./commands/audit.ts')).verifyAudit,
  },
  'token trail': {
    summary: 'show and check what happened to a guest token',
    load: async () => (await import('./commands/trail.ts')).showTrail,
  },
};

/** Exit codes: 2 for wrong usage, 1 for any other failure. */
export async function run(args: readonly string[]): Promise<number> {
  // The reader of the output may have closed it (`| head -1`): the command finishes all the same.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
  if (args[0] === '--version' || args[0] === '-V') {
    print(version);
    return 0;
  }
  const name = nameOf(args);
  if (name === undefined) return helpOn(args);
  try {
    const command = await commands[name]?.load();
    if (command === undefined) return helpOn(args);
    const input = parseInput(command, args.slice(name.split(' ').length));
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

/** The name of a command has one word or two. */
function nameOf([first = '', second = '']: readonly string[]): string | undefined {
  return [`${first} ${second}`, first].find((name) => Object.hasOwn(commands, name));
}

function helpOn(args: readonly string[]): number {
  const words = args.filter((arg) => !arg.startsWith('-'));
  const isAsked = words.length === 0 || words[0] === 'help';
  const group = Object.keys(commands).filter((name) => name.startsWith(`${words[isAsked ? 1 : 0]} `));
  const isGroup = group.length > 0 && words.length === (isAsked ? 2 : 1);
  const names = isGroup ? group : Object.keys(commands);
  if (!isAsked && !isGroup) {
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
