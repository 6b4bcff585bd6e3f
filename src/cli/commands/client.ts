import { Failure } from '../../base/errors.ts';
import { createProviderPool } from '../../oidc/provider/provider-pool.ts';
import { ui } from '../../surfaces/pages/screens.ts';
import { type Command, print } from '../runtime/command.ts';
import { everyPage, getRealm, withServices } from '../runtime/with-services.ts';

const realm = { value: '<name>', isRequired: true, help: 'the realm' } as const;

/** Seconds for which an invitation can be used. */
const INVITATION_TTL = 86_400;

export const inviteClient: Command = {
  about:
    'Prints an initial access token: whoever has it may register clients with the realm for a day (RFC 7591), for\n' +
    'example the developer of an application. The realm must have `registration` in its settings.',
  options: { realm },
  run: (input) =>
    withServices(async (services) => {
      const name = input.need('realm');
      const provider = await createProviderPool({ ...services.settings, ...services, ui }).find(name);
      if (provider === undefined) throw new Failure('not_found', `realm "${name}" does not exist`);
      if (provider === 'disabled') throw new Failure('forbidden', `realm "${name}" is disabled`);
      const actor = { kind: 'operator' } as const;
      await services.changeLog.note({ realm: name, actor, deed: 'client.invite', to: { realm: name } });
      print(await provider.createInitialAccessToken({ ttl: INVITATION_TTL }));
      return 0;
    }),
};

export const listClients: Command = {
  about: 'Lists the clients of a realm: id, public or confidential, whether it is enabled, and its grants.',
  options: { realm },
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
