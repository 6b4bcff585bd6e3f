import { passwordPolicy, user as userSchema } from '../../registry/model/model.ts';
import { parseInput } from '../../registry/model/parse-input.ts';
import { createAdministrator } from '../../surfaces/admin/start/administrators.ts';
import { type Command, print } from '../runtime/command.ts';
import { askPassword } from '../runtime/new-password.ts';
import { theOperator, withServices } from '../runtime/with-services.ts';

export const createAdmin: Command = {
  about:
    "Adds an administrator of all realms to the administrators' realm (DAYPASS_ADMIN_REALM), which is created where\n" +
    'there is none. The password is asked for, or read from the first line of standard input when that is no terminal.',
  options: {
    user: { value: '<name>', isRequired: true, help: 'user name' },
    email: { value: '<address>', help: 'e-mail address, good for logging in too' },
  },
  examples: ['admin create --user root'],
  run: (input) =>
    withServices(async (services) => {
      const { adminRealm } = services.settings;
      const email = input.find('email');
      const person = parseInput(userSchema, {
        username: input.need('user'),
        ...(email !== undefined && { email }),
      });
      const realm = await services.registry.findRealm(adminRealm);
      const password = await askPassword(services, realm?.passwords ?? passwordPolicy.parse({}), person);
      const registry = { ...services.registry, ...services.registry.by(theOperator) };
      const made = await createAdministrator(registry, adminRealm, {
        username: person.username,
        ...(email !== undefined && { email }),
        password,
      });
      print(`added ${made.username} (${made.id}) to realm "${adminRealm}"`);
      return 0;
    }),
};
