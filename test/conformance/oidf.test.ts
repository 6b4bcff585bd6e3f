/** The realm file of oidf.md is one that the server takes. */
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { loadRealmFiles } from '../../src/config/realm-files.ts';
import { get } from '../support/http.ts';
import { startTestServer } from '../support/server.ts';

const [, yaml = ''] =
  /```yaml\n(.*?)```/s.exec(readFileSync(new URL('./oidf.md', import.meta.url), 'utf8')) ?? [];

it('runs the realm of the conformance suite as it is documented', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'daypass-oidf-'));
  await mkdir(join(folder, 'realms'));
  await writeFile(join(folder, 'realms', 'oidf.yaml'), yaml);
  const [realm] = await loadRealmFiles(folder, {});
  const server = await startTestServer({ realms: [realm?.file] });

  const metadata = await get(`${server.issuer('oidf')}/.well-known/openid-configuration`);
  const clients = await server.services.registry.listClients('oidf', { limit: 100 });

  await server.stop();
  expect(metadata.json).toMatchObject({ issuer: server.issuer('oidf') });
  expect(clients.items.map(({ id }) => id).toSorted()).toEqual([
    'basic-1',
    'basic-2',
    'basic-post',
    'ciba-1',
    'fapi-dpop',
    'fapi-mtls',
  ]);
});
