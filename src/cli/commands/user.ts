import { Failure } from '../../base/errors.ts';
import type { User } from '../../registry/model/model.ts';
import type { Services } from '../../services.ts';
import { inRealm, place, withAdmin } from '../admin-calls/with-admin.ts';
import { everyItem, type Shown } from '../runtime/admin-calls.ts';
import { type Command, type Input, print } from '../runtime/command.ts';
import { requireConsent, yes } from '../runtime/confirm.ts';
import { readNewPassword } from '../runtime/new-password.ts';
import { type Column, json, printJson, showList, showOne } from '../runtime/output.ts';

const existing = {
  ...inRealm,
  user: { value: '<name>', isRequired: true, help: 'user name or e-mail address' },
} as const;

const whereFrom =
  'The password is asked for, or read from the first line of standard input when that is no terminal.';

const columns: readonly Column<Shown>[] = [
  ['user', ({ username }) => username],
  ['id', ({ id }) => id],
  ['state', ({ enabled }) => (enabled === true ? 'enabled' : 'disabled')],
  ['email', ({ email }) => email],
  ['roles', ({ roles }) => roles],
];

export const listUsers: Command = {
  about: 'Lists the users of a realm: user name, id, whether enabled, e-mail address, roles.',
  options: {
    ...inRealm,
    search: { value: '<text>', help: 'only those whose user name or e-mail address begins so' },
    ...json,
    ...place,
  },
  examples: ['user list --realm acme --search ada'],
  run: (input) =>
    withAdmin(input, async (admin) => {
      const search = input.find('search');
      const query = search === undefined ? {} : { search };
      const params = { realm: input.need('realm') };
      await showList(input, everyItem(admin, 'listUsers', { params, query }), columns);
      return 0;
    }),
};

export const addUser: Command = {
  about: `Adds a user to a realm. ${whereFrom}`,
  options: {
    ...inRealm,
    user: { value: '<name>', isRequired: true, help: 'user name' },
    email: { value: '<address>', help: 'e-mail address, good for logging in too' },
    name: { value: '<text>', help: 'name of the person' },
    role: { value: '<role>', isRepeatable: true, help: 'a role of the realm' },
    ...json,
    ...place,
  },
  examples: ['user add --realm acme --user ada --email ada@acme.example --role analyst'],
  run: (input) =>
    withAdmin(input, async (admin) => {
      const realm = input.need('realm');
      const [email, name] = [input.find('email'), input.find('name')];
      const body = {
        username: input.need('user'),
        ...(email !== undefined && { email }),
        ...(name !== undefined && { name }),
        roles: [...input.all('role')],
        password: await readNewPassword(),
      };
      const made = await admin.call('createUser', { params: { realm }, body });
      if (input.has('json')) printJson(made);
      else print(`added ${made['username']} (${made['id']})`);
      return 0;
    }),
};

export const removeUser: Command = {
  about: 'Removes a user. Its sessions and tokens are dead at once.',
  options: { ...existing, ...yes, ...place },
  examples: ['user remove --realm acme --user ada --yes'],
  run: (input) =>
    withAdmin(input, async (admin) => {
      const realm = input.need('realm');
      const { id, username } = await admin.userOf(realm, input.need('user'));
      await requireConsent(input, `Remove user "${username}" of realm "${realm}"?`);
      await admin.call('removeUser', { params: { realm, user: id } });
      print(`removed user ${username}`);
      return 0;
    }),
};

export const setPassword: Command = {
  about: `Gives a user a new password and revokes all that was issued for that user before. ${whereFrom}`,
  options: { ...existing, ...place },
  examples: ['user set-password --realm acme --user ada < new-password.txt'],
  run: (input) =>
    withAdmin(input, async (admin) => {
      const realm = input.need('realm');
      const { id, username } = await admin.userOf(realm, input.need('user'));
      const body = { password: await readNewPassword() };
      await admin.call('setUserPassword', { params: { realm, user: id }, body });
      print(`${username} has a new password; sessions and tokens of before are revoked`);
      return 0;
    }),
};

export const disableUser: Command = {
  about:
    'Disables a user: no login any more, and all sessions and tokens are revoked at once, on every process.',
  options: { ...existing, ...place },
  run: (input) => switchUser(input, false),
};

export const enableUser: Command = {
  about: 'Enables a disabled user. Sessions and tokens of before stay revoked.',
  options: { ...existing, ...place },
  run: (input) => switchUser(input, true),
};

export const showUser: Command = {
  about: 'Shows a user: name, id, e-mail address, whether enabled, whether locked and for how long, roles.',
  options: { ...existing, ...json, ...place },
  examples: ['user show --realm acme --user ada@acme.example'],
  run: (input) =>
    withAdmin(input, async (admin) => {
      const realm = input.need('realm');
      const { id } = await admin.userOf(realm, input.need('user'));
      const user = await admin.call('getUser', { params: { realm, user: id } });
      const { lockedFor } = user;
      showOne(input, user, [
        ['user', user['username']],
        ['id', id],
        ['email', user['email']],
        ['state', user['enabled'] === true ? 'enabled' : 'disabled'],
        ['locked', lockedFor === undefined ? 'no' : `for ${lockedFor} s, by wrong passwords`],
        ['roles', user['roles']],
      ]);
      return 0;
    }),
};

export const unlockUser: Command = {
  about: 'Lifts the lock that wrong passwords have put on a user. A new password lifts it too.',
  options: { ...existing, ...place },
  run: (input) =>
    withAdmin(input, async (admin) => {
      const realm = input.need('realm');
      const { id, username } = await admin.userOf(realm, input.need('user'));
      await admin.call('unlockUser', { params: { realm, user: id } });
      print(`${username} is not locked`);
      return 0;
    }),
};

/** By user name or e-mail address. */
export async function getUser({ registry }: Services, realm: string, login: string): Promise<User> {
  const found = await registry.findUserByLogin(realm, login);
  if (found === undefined) throw new Failure('not_found', `user "${login}" does not exist`);
  return found.user;
}

function switchUser(input: Input, enabled: boolean): Promise<number> {
  return withAdmin(input, async (admin) => {
    const realm = input.need('realm');
    const { id, username } = await admin.userOf(realm, input.need('user'));
    await admin.call('changeUser', { params: { realm, user: id }, body: { enabled } });
    print(`${username} is ${enabled ? 'enabled' : 'disabled'}`);
    return 0;
  });
}
