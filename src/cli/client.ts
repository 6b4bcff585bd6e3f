import { type Command, print } from './command.ts';
import { everyPage, getRealm, withServices } from './with-services.ts';

export const listClients: Command = {
  about: 'Lists the clients of a realm: id, public or confidential, whether it is enabled, and its grants.',
  options: { realm: { value: '<name>', isRequired: true, help: 'the realm' } },
  run: (input) =>
    withServices(async (services) => {
      const { name } = await getRealm(services, input.need('realm'));
      for await (const client of everyPage((page) => services.registry.listClients(name, page))) {
        const kind = client.public === true ? 'public' : 'confidential';
        print([client.id, kind, client.enabled ? 'enabled' : 'disabled', client.grants.join(' ')].join('\t'));
      }
      return 0;
    }),
};
