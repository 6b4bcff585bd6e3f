import { readFile } from 'node:fs/promises';
import { Failure } from '../../base/errors.ts';
import { fromYaml } from '../../config/yaml-text.ts';
import { inRealm, place, withAdmin } from '../admin-calls/with-admin.ts';
import { everyItem, type Shown } from '../runtime/admin-calls.ts';
import { type Command, type Input, print, UsageError } from '../runtime/command.ts';
import { requireConsent, yes } from '../runtime/confirm.ts';
import { type Column, json, printJson, showList, showWhole } from '../runtime/output.ts';
import { withServices } from '../runtime/with-services.ts';

/** Seconds for which an invitation can be used. */
const INVITATION_TTL = 86_400;

const existing = {
  ...inRealm,
  client: { value: '<id>', isRequired: true, help: 'the client' },
} as const;

export const inviteClient: Command = {
  about:
    'Prints an initial access token: whoever has it may register clients with the realm for a day (RFC 7591), for\n' +
    'example the developer of an application. The realm must have `registration` in its settings. Needs the store.',
  options: inRealm,
  examples: ['client invite --realm acme'],
  run: (input) =>
    withServices(async (services) => {
      const [{ createProviderPool }, { ui }] = await Promise.all([
        import('../../oidc/provider/provider-pool.ts'),
        import('../../surfaces/pages/screens.ts'),
      ]);
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

const columns: readonly Column<Shown>[] = [
  ['id', ({ id }) => id],
  ['kind', (client) => (client['public'] === true ? 'public' : 'confidential')],
  ['state', ({ enabled }) => (enabled === true ? 'enabled' : 'disabled')],
  ['grants', ({ grants }) => grants],
];

export const listClients: Command = {
  about: 'Lists the clients of a realm: id, public or confidential, whether it is enabled, and its grants.',
  options: { ...inRealm, ...json, ...place },
  examples: ['client list --realm acme'],
  run: (input) =>
    withAdmin(input, async (admin) => {
      const params = { realm: input.need('realm') };
      await showList(input, everyItem(admin, 'listClients', { params }), columns);
      return 0;
    }),
};

export const showClient: Command = {
  about: 'Shows a client as a realm file would write it, without its secrets.',
  options: { ...existing, ...json, ...place },
  examples: ['client show --realm acme --client gateway'],
  run: (input) =>
    withAdmin(input, async (admin) => {
      showWhole(input, await admin.call('getClient', { params: paramsOf(input) }));
      return 0;
    }),
};

export const addClient: Command = {
  about:
    'Adds a client to a realm. One that authenticates by a secret gets one, which is printed this once. What the\n' +
    'options do not name comes from --file, a client as a realm file writes it.',
  options: {
    ...existing,
    client: { value: '<id>', help: 'the id of the new client; with --file it may be there' },
    file: { value: '<path>', help: 'YAML or JSON of one client' },
    public: { help: 'a client that cannot keep a secret' },
    name: { value: '<text>', help: 'the name that people see' },
    grant: { value: '<grant>', isRepeatable: true, help: 'such as client_credentials or authorization_code' },
    'redirect-uri': { value: '<address>', isRepeatable: true, help: 'where people come back to' },
    role: { value: '<role>', isRepeatable: true, help: 'a role of the realm' },
    introspects: { value: '<api>', isRepeatable: true, help: 'an API whose tokens it may introspect' },
    ...json,
    ...place,
  },
  examples: [
    'client add --realm acme --client billing --grant client_credentials --role service',
    'client add --realm acme --client spa --public --grant authorization_code --redirect-uri https://app.example/cb',
  ],
  run: (input) =>
    withAdmin(input, async (admin) => {
      const body = await clientOf(input);
      const made = await admin.call('createClient', { params: { realm: input.need('realm') }, body });
      if (input.has('json')) printJson(made);
      else
        print(
          `added client ${made['id']}${made['secret'] === undefined ? '' : `\nsecret\t${made['secret']}`}`,
        );
      return 0;
    }),
};

async function clientOf(input: Input): Promise<object> {
  const path = input.find('file');
  const written: unknown = path === undefined ? {} : fromYaml(await readFile(path, 'utf8'));
  if (typeof written !== 'object' || written === null) throw new UsageError(`${path} holds no client`);
  const lists = {
    grant: 'grants',
    'redirect-uri': 'redirectUris',
    role: 'roles',
    introspects: 'introspects',
  };
  const given = Object.entries(lists).filter(([option]) => input.has(option));
  const [id, clientName] = [input.find('client'), input.find('name')];
  return {
    ...written,
    ...(id !== undefined && { id }),
    ...(clientName !== undefined && { clientName }),
    ...(input.has('public') && { public: true }),
    ...Object.fromEntries(given.map(([option, member]) => [member, input.all(option)])),
  };
}

export const removeClient: Command = {
  about: 'Removes a client. Everything that was issued to it is dead at once.',
  options: { ...existing, ...yes, ...place },
  examples: ['client remove --realm acme --client billing --yes'],
  run: (input) =>
    withAdmin(input, async (admin) => {
      const params = paramsOf(input);
      await admin.call('getClient', { params });
      await requireConsent(input, `Remove client "${params.client}" of realm "${params.realm}"?`);
      await admin.call('removeClient', { params });
      print(`removed client ${params.client}`);
      return 0;
    }),
};

export const rotateSecret: Command = {
  about: 'Gives a client a new secret, which is printed this once. Its tokens live on.',
  options: {
    ...existing,
    overlap: { value: '<seconds>', help: 'how long the old secret counts beside the new one (0)' },
    ...json,
    ...place,
  },
  examples: ['client rotate-secret --realm acme --client gateway --overlap 86400'],
  run: (input) =>
    withAdmin(input, async (admin) => {
      const overlap = input.find('overlap') ?? '0';
      if (!/^\d{1,9}$/.test(overlap)) throw new UsageError('--overlap is a number of seconds');
      const body = { overlap: Number(overlap) };
      const made = await admin.call('rotateClientSecret', { params: paramsOf(input), body });
      if (input.has('json')) printJson(made);
      else print(`${made['secret']}`);
      return 0;
    }),
};

export const enableClient: Command = {
  about: 'Enables a disabled client. Tokens of before stay revoked.',
  options: { ...existing, ...place },
  run: (input) => switchClient(input, true),
};

export const disableClient: Command = {
  about: 'Disables a client: it gets no tokens any more, and all that was issued to it is dead at once.',
  options: { ...existing, ...place },
  run: (input) => switchClient(input, false),
};

function switchClient(input: Input, enabled: boolean): Promise<number> {
  return withAdmin(input, async (admin) => {
    const params = paramsOf(input);
    await admin.call('changeClient', { params, body: { enabled } });
    print(`${params.client} is ${enabled ? 'enabled' : 'disabled'}`);
    return 0;
  });
}

function paramsOf(input: Input) {
  return { realm: input.need('realm'), client: input.need('client') };
}
