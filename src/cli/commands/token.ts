import { Failure } from '../../base/errors.ts';
import { sessionPointer } from '../../oidc/records/record-placement.ts';
import type { RealmView } from '../../registry/model/realm-view.ts';
import { TOPIC } from '../../registry/store/records.ts';
import { LASTING_CUT_TTL } from '../../revocation/life.ts';
import { clientNode, endSession, realmNode, userNode } from '../../revocation/nodes.ts';
import type { Services } from '../../services.ts';
import type { Write } from '../../storage/port/port.ts';
import { type Command, type Input, print, UsageError } from '../runtime/command.ts';
import { getRealm, theOperator, withServices } from '../runtime/with-services.ts';
import { getUser } from './user.ts';

const scopes = ['client', 'user', 'session'] as const;

export const revokeAll: Command = {
  about:
    'Revokes everything issued before now in a realm, or for one client, user or session of it: access, refresh\n' +
    'and guest tokens, sessions, consents given in them. What is issued afterwards is not affected. One write, at\n' +
    'once on every process.',
  options: {
    realm: { value: '<name>', isRequired: true, help: 'the realm' },
    client: { value: '<id>', help: 'only what this client got' },
    user: { value: '<name>', help: 'only what was issued for this user (user name or e-mail address)' },
    session: { value: '<id>', help: 'only this session (session_state of its token responses); it ends' },
  },
  examples: ['token revoke-all --realm acme --client ds-engine'],
  run(input) {
    const given = scopes.filter((scope) => input.has(scope));
    if (given.length > 1) throw new UsageError(`either --${given.join(' or --')}, not both`);
    return withServices(async (services) => {
      const realm = await getRealm(services, input.need('realm'));
      const what = given[0] ?? 'realm';
      const write = await revocation(services, realm, input);
      const to = { [what]: input.need(what) };
      await services.changeLog.note({ realm: realm.name, actor: theOperator, deed: 'tokens.revoke', to });
      const result = await services.store.commit([write, announcement(realm, input)]);
      if (!result.ok) throw new Failure('conflict', `the store refused to revoke: ${result.reason}`);
      print(`revoked: ${what} ${input.find(what)}`);
      return 0;
    });
  },
};

async function revocation(services: Services, { name }: RealmView, input: Input): Promise<Write> {
  const session = input.find('session');
  if (session !== undefined) return endSession(name, await knownSession(services, name, session));
  return { cut: await nodeOf(services, name, input), realm: name, ttl: LASTING_CUT_TTL };
}

/**
 * An unknown id is most likely a typo, or the `sid` by which one client knows the session. To print "revoked" would
 * be wrong.
 */
async function knownSession({ store }: Services, realm: string, uid: string): Promise<string> {
  const [pointer] = await store.read([sessionPointer(realm, uid)]);
  if (pointer !== undefined) return uid;
  throw new Failure('not_found', `session "${uid}" does not exist`);
}

/**
 * A decision that rests on a client read before the cut is refused, so all processes are told to read the client
 * again. `cut` is not the name of a single thing: then they drop all cached clients.
 */
function announcement({ name: realm }: RealmView, input: Input): Write {
  const client = input.find('client');
  const message = client === undefined ? { what: 'cut' } : { what: 'client', id: client };
  return { publish: TOPIC, realm, message: JSON.stringify(message) };
}

async function nodeOf(services: Services, realm: string, input: Input): Promise<string> {
  const client = input.find('client');
  const user = input.find('user');
  if (user !== undefined) return userNode((await getUser(services, realm, user)).id);
  if (client === undefined) return realmNode;
  if (!(await isClient(services, realm, client))) {
    throw new Failure('not_found', `client "${client}" does not exist`);
  }
  return clientNode(client);
}

/** The section of an embed product is a client of its own, `compat:databrain` for example. */
async function isClient({ registry }: Services, realm: string, id: string): Promise<boolean> {
  if ((await registry.findClient(realm, id)) !== undefined) return true;
  const sections = (await registry.findRealm(realm))?.compat ?? {};
  return Object.keys(sections).some((name) => id === `compat:${name}`);
}
