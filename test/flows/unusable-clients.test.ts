/** Clients that the protocol library refuses: faults of the file when it is checked, and nobody's guess afterwards. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tryCommand } from '../support/command.ts';
import { postForm } from '../support/http.ts';
import { acme } from '../support/realms.ts';
import { useServer } from '../support/use-server.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'daypass-unusable-'));
  await mkdir(join(folder, 'realms'));
});
afterAll(() => rm(folder, { recursive: true }));

/** The faults of a realm file whose only client has these lines. */
async function check(lines: readonly string[]): Promise<string> {
  const client = ['id: odd', ...lines]
    .map((line, index) => `${index === 0 ? '  - ' : '    '}${line}\n`)
    .join('');
  await writeFile(join(folder, 'realms', 'odd.yaml'), `name: odd\nclients:\n${client}`);
  const { stdout, stderr } = await tryCommand(['config', 'check', folder]);
  return stdout + stderr;
}

const service = ['secret: odd-secret-odd', 'grants: [client_credentials]'];

describe('the check of realm files', () => {
  it.each<[string, readonly string[], string]>([
    [
      'CIBA without a way to deliver tokens',
      ['secret: odd-secret-odd', 'grants: ["urn:openid:params:grant-type:ciba"]'],
      'odd.yaml:5:14 clients[0].grants[0]: needs backchannelTokenDeliveryMode: poll',
    ],
    [
      'half an encryption',
      [...service, 'idTokenEncryptedResponseEnc: A128GCM'],
      'odd.yaml:3:5 clients[0].idTokenEncryptedResponseAlg: is needed where idTokenEncryptedResponseEnc is given: add it',
    ],
    [
      'an algorithm that there is not',
      [...service, 'idTokenSignedResponseAlg: XX'],
      'odd.yaml:6:31 clients[0].idTokenSignedResponseAlg: must be',
    ],
    [
      'a level that the realm does not have',
      [...service, "defaultAcrValues: ['9']"],
      'odd.yaml:6:23 clients[0].defaultAcrValues: can only have 1',
    ],
    [
      'pairwise subjects for two hosts',
      [
        'public: true',
        'grants: [authorization_code]',
        'subjectType: pairwise',
        'redirectUris: [https://a.example/cb, https://b.example/cb]',
      ],
      'odd.yaml:3:5 clients[0].sectorIdentifierUri: is needed for this client: add it',
    ],
  ])('tells of %s, with its place', async (_what, lines, fault) => {
    expect(await check(lines)).toContain(fault);
  });

  it('tells of them beside all other faults, and of files that are passed over', async () => {
    await writeFile(join(folder, 'realms', 'notes.yaml.bak'), 'x');

    const said = await check([
      ...service,
      'idTokenEncryptedResponseEnc: A128GCM\n  - { id: other, public: 1 }',
    ]);

    expect(said).toContain('notes.yaml.bak is passed over');
    expect(said).toContain('clients[1].public: must be true or false');
    expect(said).toContain('clients[0].idTokenEncryptedResponseAlg: is needed');
    await rm(join(folder, 'realms', 'notes.yaml.bak'));
  });

  it('takes what the library takes, and fetches nothing', async () => {
    const pairwise = ['subjectType: pairwise', 'sectorIdentifierUri: https://nowhere.invalid/sector'];

    expect(await check([...service, ...pairwise])).toContain('1 realm files are in order');
  });
});

describe('a client that the library refuses', () => {
  const server = useServer({
    realms: [
      acme({
        clients: [
          {
            id: 'odd',
            secret: 'odd-secret-odd',
            grants: ['authorization_code'],
            redirectUris: ['https://a.example/cb'],
            idTokenEncryptedResponseEnc: 'A128GCM',
          },
        ],
      }),
    ],
  });

  it('is unknown, and its right secret is no guess, however often it is sent', async () => {
    const form = { grant_type: 'authorization_code', code: 'x' };
    const ask = () => postForm(server.endpoint('acme', 'token'), form, { auth: ['odd', 'odd-secret-odd'] });
    const statuses = new Set<number>();

    for (let tries = 0; tries < 25; tries += 1) statuses.add((await ask()).status);

    expect([...statuses]).toEqual([401]);
  });
});
