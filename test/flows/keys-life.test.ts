/** How long signing keys stay: as long as anything signed with them may live, and no longer than their realm. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeProtectedHeader } from 'jose';
import { expect, it, onTestFinished } from 'vitest';
import { realmFile } from '../../src/registry/model/model.ts';
import { runCommand } from '../support/command.ts';
import { get, postForm } from '../support/http.ts';
import { masterKey } from '../support/operator.ts';
import { startServerProcess } from '../support/process.ts';
import { acme, engine, warehouse } from '../support/realms.ts';
import { startTestServer } from '../support/server.ts';

const LONGEST = 5_184_000;
const clients = [
  {
    id: 'ds-engine',
    secret: 'ds-engine-secret',
    grants: ['client_credentials'],
    roles: ['engine'],
    accessTokenTtl: LONGEST,
  },
];

type Endpoint = (realm: string, name: string) => string;

async function newToken(endpoint: Endpoint): Promise<string> {
  const form = { grant_type: 'client_credentials', resource: warehouse };
  return (await postForm(endpoint('acme', 'token'), form, { auth: engine })).json.access_token;
}

async function published(endpoint: Endpoint): Promise<readonly unknown[]> {
  const { json } = await get(endpoint('acme', 'certs'));
  return json.keys.map(({ kid }: { kid: string }) => kid);
}

it('a rotation lets no token fail, however long it may live', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'daypass-keys-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const store = `sqlite:${join(folder, 'daypass.db')}`;
  const at = async <T>(seconds: number, work: (endpoint: Endpoint) => Promise<T>): Promise<T> => {
    const options = { store, realms: [acme({ clients })], clockAheadMs: seconds * 1000 };
    const server = await startServerProcess(options);
    try {
      return await work(server.endpoint);
    } finally {
      await server.stop();
    }
  };

  const { kid } = decodeProtectedHeader(await at(0, newToken));
  const env = { DAYPASS_STORE: store, DAYPASS_KEY: masterKey.toString('base64') };
  expect(await runCommand(['keys', 'rotate', '--realm', 'acme'], { env })).toMatchObject({ code: 0 });
  const { kid: next } = decodeProtectedHeader(await at(700, newToken));
  const nearItsEnd = await at(LONGEST - 60, published);
  const afterIt = await at(LONGEST + 1000, published);

  expect(next).not.toBe(kid);
  expect(nearItsEnd).toContain(kid);
  expect(afterIt).not.toContain(kid);
});

it('a realm that is made anew under an old name has keys of its own', async () => {
  const server = await startTestServer({ realms: [acme({ clients })] });
  onTestFinished(() => server.stop());
  const { registry } = server.services;
  const before = await published(server.endpoint);

  await registry.removeRealm('acme');
  const gone = await get(server.endpoint('acme', 'certs'));
  await registry.applyRealm(realmFile.parse(acme({ clients })));
  const after = await published(server.endpoint);

  expect(gone.status).toBe(404);
  expect(after.filter((kid) => before.includes(kid))).toEqual([]);
});
