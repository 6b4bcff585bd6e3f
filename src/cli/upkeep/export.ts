import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../../base/errors.ts';
import { environmentText, realmTextOf } from '../../config/realm-text.ts';
import { fileOf } from '../../registry/apply/export-realm.ts';
import type { Client, RealmFile, RealmSettings, User } from '../../registry/model/model.ts';
import type { Services } from '../../services.ts';
import { type Command, type Input, UsageError } from '../runtime/command.ts';
import { createProgress } from '../runtime/progress.ts';
import { everyPage, withServices } from '../runtime/with-services.ts';

export const exportRealm: Command = {
  about:
    'Writes a realm as a realm file: settings, clients, users with the hashes of their passwords, sections of embed\n' +
    'products. Applied to the same store it changes nothing; on an empty store it makes the same realm, without\n' +
    'sessions, tokens and signing keys (`backup` has those). With --out, <folder>/<realm>.yaml refers to secrets as\n' +
    `\${NAME}, and <folder>/<realm>.env has them; both are readable by you alone. On standard output secrets are\n` +
    'references too and hashes are left out, unless --secrets asks for all of them. Needs the store.',
  argument: 'realm',
  options: {
    out: { value: '<folder>', help: 'write two files there' },
    force: { help: 'replace files that are there' },
    secrets: { help: 'secrets and hashes in the text itself' },
  },
  examples: ['export acme --out ./config/realms', 'export acme > acme.yaml'],
  run(input) {
    const { argument: name } = input;
    if (name === undefined) throw new UsageError('name the realm: daypass export <realm>');
    return withServices(async (services) => {
      const file = await readRealm(services, name);
      const out = input.find('out');
      if (out === undefined) printFile(input, file);
      else await writeFiles(input, out, file);
      return 0;
    });
  },
};

/** What a realm file may hold (registry/model/model.ts). */
const MOST = { clients: 10_000, users: 100_000 } as const;

async function readRealm({ registry }: Services, name: string): Promise<RealmFile> {
  const settings: RealmSettings | undefined = await registry.readRealm(name);
  if (settings === undefined) throw new Failure('not_found', `realm "${name}" does not exist`);
  const progress = createProgress(`reading realm ${name}`);
  const clients: Client[] = [];
  const users: User[] = [];
  for await (const client of everyPage((page) => registry.listClients(name, page))) {
    clients.push(client);
    progress.add(1);
  }
  for await (const user of everyPage((page) => registry.listUsers(name, page))) {
    users.push(user);
    progress.add(1);
  }
  progress.end();
  refuseTooMany('clients', clients.length);
  refuseTooMany('users', users.length);
  return fileOf({ settings, clients, users });
}

function refuseTooMany(what: keyof typeof MOST, count: number): void {
  if (count <= MOST[what]) return;
  throw new Failure(
    'invalid_input',
    `a realm file holds at most ${MOST[what]} ${what}, this realm has ${count}`,
  );
}

function printFile(input: Input, file: RealmFile): void {
  const isPlain = input.has('secrets');
  const users = (file.users ?? []).map(({ passwordHash: _, ...rest }) => rest);
  const { yaml, secrets } = realmTextOf(isPlain ? file : { ...file, users }, { isPlain });
  process.stdout.write(yaml);
  if (isPlain) return;
  const told = `${secrets.size} secrets are references, and hashes of passwords are left out (--out, --secrets)`;
  process.stderr.write(`${told}\n`);
}

/** The file with the secrets comes first: there is never a file that refers to nothing. */
async function writeFiles(input: Input, folder: string, file: RealmFile): Promise<void> {
  const { yaml, secrets } = realmTextOf(file, { isPlain: input.has('secrets') });
  await mkdir(folder, { recursive: true });
  const path = join(folder, file.name);
  if (secrets.size > 0) await writeOwn(`${path}.env`, environmentText(secrets), input.has('force'));
  await writeOwn(`${path}.yaml`, yaml, input.has('force'));
  process.stderr.write(`wrote ${path}.yaml${secrets.size > 0 ? ` and ${path}.env` : ''}\n`);
}

/** Readable by its owner only, also when it was there with another mode. */
async function writeOwn(path: string, text: string, mayReplace: boolean): Promise<void> {
  try {
    await writeFile(path, text, { mode: 0o600, flag: mayReplace ? 'w' : 'wx' });
    await chmod(path, 0o600);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    throw new Failure('conflict', `${path} is there already: --force replaces it`, { cause: error });
  }
}
