/** The same for one realm: what its own administrators can do something about. */
import type { Client, RealmSettings } from '../registry/model/model.ts';
import { type Check, type Examined, signingKeyChecks, storeCheck } from './doctor.ts';

/** The most names that one finding tells. */
const NAMED = 10;

/** Reads every client of the realm, a page at a time. */
export async function examineRealm(
  examined: Pick<Examined, 'store' | 'registry' | 'keyRing'>,
  settings: RealmSettings,
): Promise<readonly Check[]> {
  const store = await storeCheck(examined);
  if (store.state === 'fail') return [store];
  const clients = await everyClient(examined, settings.name);
  return [
    store,
    ...(await signingKeyChecks(examined, [settings])),
    found(
      'secrets',
      clients.filter(({ previousSecret, previousSecretUntil }) => previousSecret && !previousSecretUntil),
      'a previous secret counts without an end',
      'end the overlap: DELETE …/clients/{client}/secret/previous',
    ),
    found(
      'roles',
      clients.filter(({ roles }) => roles.some((name) => !settings.roles.some((role) => role.name === name))),
      'has a role that the realm does not have',
      'take the role away, or make it again',
    ),
    found(
      'redirects',
      clients.filter(({ redirectUris }) => redirectUris.some(isPlainHttp)),
      'has a redirect URI without https',
      'register https addresses; http is for the machine of the person alone',
    ),
    apiCheck(settings),
  ];
}

/** One finding for all of them: with thousands of clients a list of findings would tell nothing. */
function found(check: string, clients: readonly Client[], what: string, cure: string): Check {
  if (clients.length === 0) return { check, state: 'ok', found: 'nothing to do' };
  const names = clients.slice(0, NAMED).map(({ id }) => id);
  const more = clients.length > NAMED ? ` and ${clients.length - NAMED} more` : '';
  return { check, state: 'warn', found: `${what}: ${names.join(', ')}${more}`, cure };
}

function apiCheck({ apis }: RealmSettings): Check {
  if (apis.length > 0) return { check: 'apis', state: 'ok', found: `${apis.length} APIs` };
  const cure = 'define an API: permissions are of APIs';
  return { check: 'apis', state: 'warn', found: 'the realm has no API: its tokens are for itself', cure };
}

function isPlainHttp(uri: string): boolean {
  return uri.startsWith('http:');
}

const PAGE = 500;

async function everyClient(
  { registry }: Pick<Examined, 'registry'>,
  realm: string,
): Promise<readonly Client[]> {
  const clients: Client[] = [];
  let after: string | undefined;
  do {
    const { items, next } = await registry.listClients(realm, {
      limit: PAGE,
      ...(after !== undefined && { after }),
    });
    clients.push(...items);
    after = next;
  } while (after !== undefined);
  return clients;
}
