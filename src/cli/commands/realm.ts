import { type Command, print } from '../runtime/command.ts';
import { everyPage, withServices } from '../runtime/with-services.ts';

export const listRealms: Command = {
  about: 'Lists all realms: name, profile, whether it is enabled, and the name that people see.',
  run: () =>
    withServices(async ({ registry }) => {
      for await (const { name, profile, enabled, displayName = '' } of everyPage(registry.listRealms)) {
        print([name, profile, enabled ? 'enabled' : 'disabled', displayName].join('\t'));
      }
      return 0;
    }),
};
