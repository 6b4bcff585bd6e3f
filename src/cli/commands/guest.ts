import { readFile } from 'node:fs/promises';
import { epochSeconds } from '../../base/clock.ts';
import { Failure } from '../../base/errors.ts';
import { fromYaml } from '../../config/yaml-text.ts';
import { parseGrant } from '../../guest/grant/grant.ts';
import { isRefused } from '../../guest/grant/refusal.ts';
import { minterOf } from '../../guest/guests.ts';
import { presentMinted } from '../../guest/json/present.ts';
import type { Minter } from '../../guest/limits/guest-realm.ts';
import { guestRealmOf } from '../../oidc/realm/guest-realm.ts';
import type { RealmContext } from '../../oidc/realm/realm-context.ts';
import { problemOf } from '../../surfaces/guest-api/refusals.ts';
import { inRealm } from '../admin-calls/with-admin.ts';
import { type Command, UsageError } from '../runtime/command.ts';
import { printJson } from '../runtime/output.ts';
import { withRealm } from '../runtime/with-realm.ts';

export const mintGuest: Command = {
  about:
    'Tells what a guest token would be for a request of a client: what is granted, what is narrowed by its ceiling, and\n' +
    'why it would be refused. The file holds the JSON that the client would send to /guest-tokens. Nothing is written\n' +
    'or counted. Only dry runs are for the command line: a token belongs to the client that asks for it. Needs the\n' +
    'store; `explain --mint` tells the same of a running server.',
  argument: 'file',
  options: {
    ...inRealm,
    client: { value: '<id>', isRequired: true, help: 'the client that would ask' },
    'dry-run': { help: 'needed: nothing else is done here' },
  },
  examples: ['guest mint --dry-run --realm acme --client portal request.json'],
  run(input) {
    if (!input.has('dry-run'))
      throw new UsageError('only with --dry-run: tokens are minted by their clients');
    const { argument: path } = input;
    if (path === undefined) throw new UsageError('name the file with the request');
    return withRealm(input.need('realm'), async (realm) => {
      const minter = await getMinter(realm, input.need('client'));
      const guestRealm = guestRealmOf(realm);
      const parsed = parseGrant(await requestIn(path), guestRealm.policy);
      if (isRefused(parsed)) throw problemOf(parsed);
      const minted = await realm.guests.mint({
        realm: guestRealm,
        minter,
        asked: { ...parsed.grant, dry_run: true },
        audiences: parsed.audiences,
        source: { by: 'operator' },
        isTrial: true,
      });
      if (isRefused(minted)) throw problemOf(minted);
      printJson(presentMinted(minted, { issuer: realm.issuer, now: epochSeconds(realm.clock) }));
      return 0;
    });
  },
};

async function getMinter(realm: RealmContext, id: string): Promise<Minter> {
  const client = await realm.findClient(id);
  if (client === undefined) throw new Failure('not_found', `client "${id}" does not exist`);
  if (!client.enabled) throw new Failure('forbidden', `client "${id}" is disabled`);
  const minter = minterOf(client, realm.registry.readAt(client));
  if (minter === undefined) throw new Failure('forbidden', `client "${id}" has no mints section`);
  return minter;
}

/** YAML holds all of JSON. */
async function requestIn(path: string): Promise<unknown> {
  const text = await readFile(path, 'utf8');
  try {
    return fromYaml(text);
  } catch (cause) {
    throw new Failure('invalid_input', `${path} holds no JSON`, { cause });
  }
}
