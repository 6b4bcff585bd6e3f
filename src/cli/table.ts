/** Every command, by name: help, shell completion and the documentation are made from this. */
import { completionOf } from './completion.ts';
import type { Command } from './runtime/command.ts';

type Entry = { readonly summary: string; load(): Promise<Command> };

/** A command with its name. */
export type Named = { readonly name: string; readonly summary: string; readonly command: Command };

export const commands: Readonly<Record<string, Entry>> = {
  start: {
    summary: 'run the server (also: serve)',
    load: async () => (await import('./commands/serve.ts')).serve,
  },
  doctor: {
    summary: 'look whether everything is set up as it should be',
    load: async () => (await import('./upkeep/doctor.ts')).doctor,
  },
  'config check': {
    summary: 'tell everything that is wrong with settings and realm files',
    load: async () => (await import('./upkeep/config.ts')).checkConfig,
  },
  plan: {
    summary: 'tell what apply would change',
    load: async () => (await import('./upkeep/apply.ts')).plan,
  },
  apply: {
    summary: 'apply realm files to the store',
    load: async () => (await import('./upkeep/apply.ts')).apply,
  },
  export: {
    summary: 'write a realm as a realm file',
    load: async () => (await import('./upkeep/export.ts')).exportRealm,
  },
  backup: {
    summary: 'write the whole store into a file, while the server runs',
    load: async () => (await import('./upkeep/backup.ts')).backup,
  },
  restore: {
    summary: 'fill an empty store with a backup',
    load: async () => (await import('./upkeep/backup.ts')).restore,
  },
  login: {
    summary: 'sign in at a running server, for commands with --url',
    load: async () => (await import('./remote/login.ts')).login,
  },
  logout: {
    summary: 'sign out at a running server',
    load: async () => (await import('./remote/login.ts')).logout,
  },
  'admin create': {
    summary: 'add an administrator of all realms',
    load: async () => (await import('./commands/admin.ts')).createAdmin,
  },
  'realm list': {
    summary: 'list realms',
    load: async () => (await import('./commands/realm.ts')).listRealms,
  },
  'realm show': {
    summary: 'show the settings of a realm',
    load: async () => (await import('./commands/realm.ts')).showRealm,
  },
  'realm remove': {
    summary: 'remove a realm with everything in it',
    load: async () => (await import('./commands/realm.ts')).removeRealm,
  },
  'client list': {
    summary: 'list the clients of a realm',
    load: async () => (await import('./commands/client.ts')).listClients,
  },
  'client show': {
    summary: 'show a client',
    load: async () => (await import('./commands/client.ts')).showClient,
  },
  'client add': {
    summary: 'add a client',
    load: async () => (await import('./commands/client.ts')).addClient,
  },
  'client remove': {
    summary: 'remove a client',
    load: async () => (await import('./commands/client.ts')).removeClient,
  },
  'client rotate-secret': {
    summary: 'give a client a new secret',
    load: async () => (await import('./commands/client.ts')).rotateSecret,
  },
  'client disable': {
    summary: 'let a client get no tokens any more',
    load: async () => (await import('./commands/client.ts')).disableClient,
  },
  'client enable': {
    summary: 'let a disabled client get tokens again',
    load: async () => (await import('./commands/client.ts')).enableClient,
  },
  'client invite': {
    summary: 'make a token that lets somebody register clients',
    load: async () => (await import('./commands/client.ts')).inviteClient,
  },
  'user list': {
    summary: 'list the users of a realm',
    load: async () => (await import('./commands/user.ts')).listUsers,
  },
  'user show': {
    summary: 'show a user, and whether wrong passwords have locked it',
    load: async () => (await import('./commands/user.ts')).showUser,
  },
  'user add': { summary: 'add a user', load: async () => (await import('./commands/user.ts')).addUser },
  'user remove': {
    summary: 'remove a user',
    load: async () => (await import('./commands/user.ts')).removeUser,
  },
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
  'user unlock': {
    summary: 'lift the lock of wrong passwords',
    load: async () => (await import('./commands/user.ts')).unlockUser,
  },
  'role list': {
    summary: 'list the roles of a realm',
    load: async () => (await import('./commands/role.ts')).listRoles,
  },
  'session list': {
    summary: 'list the sessions of a user',
    load: async () => (await import('./commands/session.ts')).listSessions,
  },
  'session end': {
    summary: 'end a session',
    load: async () => (await import('./commands/session.ts')).endSession,
  },
  'keys list': {
    summary: 'list the signing keys of a realm',
    load: async () => (await import('./commands/keys.ts')).listKeys,
  },
  'keys rotate': {
    summary: 'change the signing keys of a realm',
    load: async () => (await import('./commands/keys.ts')).rotateKeys,
  },
  explain: {
    summary: 'tell why a token is inactive, and why something is refused',
    load: async () => (await import('./commands/explain.ts')).explainWhy,
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
  'token inspect': {
    summary: 'tell what a token is',
    load: async () => (await import('./commands/token-value.ts')).inspectToken,
  },
  'token introspect': {
    summary: 'show what introspection says of a token',
    load: async () => (await import('./commands/token-value.ts')).introspectToken,
  },
  'token explain': {
    summary: 'tell why a token is inactive (explain --token)',
    load: async () => (await import('./commands/explain.ts')).explainWhy,
  },
  'token revoke': {
    summary: 'revoke one token',
    load: async () => (await import('./commands/token-value.ts')).revokeToken,
  },
  'token revoke-all': {
    summary: 'revoke all tokens of a realm, client, user or session',
    load: async () => (await import('./commands/token.ts')).revokeAll,
  },
  'token trail': {
    summary: 'show and check what happened to a guest token',
    load: async () => (await import('./commands/trail.ts')).showTrail,
  },
  'guest mint': {
    summary: 'try what a guest token would be',
    load: async () => (await import('./commands/guest.ts')).mintGuest,
  },
  routes: {
    summary: 'list every address of the server, and who may call it',
    load: async () => (await import('./upkeep/routes.ts')).listRoutes,
  },
  completion: {
    summary: 'print what completes these commands in a shell',
    load: () => Promise.resolve(completionOf(allCommands)),
  },
};

/** Other names of commands. */
const aliases: Readonly<Record<string, string>> = { serve: 'start' };

/** Loads every command. */
export function allCommands(): Promise<readonly Named[]> {
  return Promise.all(
    Object.entries(commands).map(async ([name, { summary, load }]) => ({
      name,
      summary,
      command: await load(),
    })),
  );
}

/** The command that these words begin with, and how many of them are its name: one or two. */
export function commandIn([first = '', second = '']: readonly string[]):
  | { readonly name: string; readonly words: number }
  | undefined {
  const pair = `${first} ${second}`;
  if (Object.hasOwn(commands, pair)) return { name: pair, words: 2 };
  const name = Object.hasOwn(aliases, first) ? aliases[first] : first;
  return name !== undefined && Object.hasOwn(commands, name) ? { name, words: 1 } : undefined;
}
