import { countedAs } from '../../authn/lockout.ts';
import { Failure } from '../../base/errors.ts';
import { didYouMean } from '../../config/faults.ts';
import { checkUser } from '../../registry/model/check-realm.ts';
import { type User, user as userSchema } from '../../registry/model/model.ts';
import { parseInput } from '../../registry/model/parse-input.ts';
import type { RealmView } from '../../registry/model/realm-view.ts';
import type { Services } from '../../services.ts';
import { type Command, print } from '../runtime/command.ts';
import { askPassword } from '../runtime/new-password.ts';
import { getRealm, withServices } from '../runtime/with-services.ts';

const realmOption = { value: '<name>', isRequired: true, help: 'the realm' } as const;
const existing = {
  realm: realmOption,
  user: { value: '<name>', isRequired: true, help: 'user name or e-mail address' },
} as const;

const whereFrom =
  'The password is asked for, or read from the first line of standard input when that is no terminal.';

export const addUser: Command = {
  about: `Adds a user to a realm. ${whereFrom}`,
  options: {
    realm: realmOption,
    user: { value: '<name>', isRequired: true, help: 'user name' },
    email: { value: '<address>', help: 'e-mail address, good for logging in too' },
    name: { value: '<text>', help: 'name of the person' },
    role: { value: '<role>', isRepeatable: true, help: 'a role of the realm' },
  },
  run: (input) =>
    withServices(async (services) => {
      const realm = await getRealm(services, input.need('realm'));
      const [email, name] = [input.find('email'), input.find('name')];
      const person = parseInput(userSchema, {
        username: input.need('user'),
        ...(email !== undefined && { email }),
        ...(name !== undefined && { name }),
        roles: [...input.all('role')],
      });
      refuseUnknownRoles(realm, person);
      const password = await askPassword(services, realm.passwords, person);
      const { id, username } = await services.registry.createUser(realm.name, { ...person, password });
      print(`added ${username} (${id})`);
      return 0;
    }),
};

export const setPassword: Command = {
  about: `Gives a user a new password and revokes all that was issued for that user before. ${whereFrom}`,
  options: existing,
  run: (input) =>
    withServices(async (services) => {
      const realm = await getRealm(services, input.need('realm'));
      const found = await getUser(services, realm.name, input.need('user'));
      const password = await askPassword(services, realm.passwords, found);
      await services.registry.updateUser(realm.name, found.id, (user) => ({ ...user, password }), true);
      print(`${found.username} has a new password; sessions and tokens of before are revoked`);
      return 0;
    }),
};

export const disableUser: Command = {
  about:
    'Disables a user: no login any more, and all sessions and tokens are revoked at once, on every process.',
  options: existing,
  run: (input) => switchUser(input.need('realm'), input.need('user'), false),
};

export const enableUser: Command = {
  about: 'Enables a disabled user. Sessions and tokens of before stay revoked.',
  options: existing,
  run: (input) => switchUser(input.need('realm'), input.need('user'), true),
};

export const showUser: Command = {
  about: 'Shows a user: name, id, e-mail address, whether enabled, whether locked and for how long, roles.',
  options: existing,
  run: (input) =>
    withServices(async (services) => {
      const realm = await getRealm(services, input.need('realm'));
      const user = await getUser(services, realm.name, input.need('user'));
      const seconds = await services.lockout.lockedFor({ realm, step: 'password', who: countedAs(user) });
      print(`user\t${user.username}\nid\t${user.id}\nemail\t${user.email ?? ''}`);
      print(`state\t${user.enabled ? 'enabled' : 'disabled'}`);
      print(`locked\t${seconds === 0 ? 'no' : `for ${seconds} s, by wrong passwords`}`);
      print(`roles\t${user.roles.join(' ')}`);
      return 0;
    }),
};

export const unlockUser: Command = {
  about: 'Lifts the lock that wrong passwords have put on a user. A new password lifts it too.',
  options: existing,
  run: (input) =>
    withServices(async (services) => {
      const realm = await getRealm(services, input.need('realm'));
      const found = await getUser(services, realm.name, input.need('user'));
      await services.registry.updateUser(realm.name, found.id, (user) => ({
        ...user,
        lockGeneration: (user.lockGeneration ?? 0) + 1,
      }));
      print(`${found.username} is not locked`);
      return 0;
    }),
};

/** By user name or e-mail address. */
export async function getUser({ registry }: Services, realm: string, login: string): Promise<User> {
  const found = await registry.findUserByLogin(realm, login);
  if (found === undefined) throw new Failure('not_found', `user "${login}" does not exist`);
  return found.user;
}

function switchUser(realmName: string, login: string, enabled: boolean): Promise<number> {
  return withServices(async (services) => {
    const realm = await getRealm(services, realmName);
    const found = await getUser(services, realm.name, login);
    await services.registry.updateUser(realm.name, found.id, (user) => ({ ...user, enabled }));
    print(`${found.username} is ${enabled ? 'enabled' : 'disabled'}`);
    return 0;
  });
}

function refuseUnknownRoles(realm: RealmView, person: Omit<User, 'id'>): void {
  const [problem] = checkUser(realm, person);
  if (problem === undefined) return;
  const { message, unknown } = problem;
  throw new Failure('invalid_input', message + (unknown ? didYouMean(unknown.given, unknown.known) : ''));
}
