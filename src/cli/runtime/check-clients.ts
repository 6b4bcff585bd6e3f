/**
 * Clients of realm files that the protocol library would refuse at their first request: it is asked now, by providers
 * of the realms on an empty store that is gone afterwards.
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadSettings } from '../../config/load.ts';
import type { LoadedRealm } from '../../config/realm-files.ts';
import { createLogger } from '../../observability/logger.ts';
import { createProviderPool } from '../../oidc/provider/provider-pool.ts';
import { client as clientSchema } from '../../registry/model/model.ts';
import { createServices, type Services } from '../../services.ts';
import { ui } from '../../surfaces/pages/screens.ts';

/** `file:line:column path: what` for each, as of other faults. */
export async function faultsOfClients(realms: readonly LoadedRealm[]): Promise<readonly string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'daypass-check-'));
  try {
    const settings = loadSettings({ DAYPASS_STORE: `sqlite:${join(folder, 'check.db')}` });
    const services = await createServices({ ...settings, key: randomBytes(32) }, createLogger('silent'));
    const faults: string[] = [];
    for (const realm of realms) faults.push(...(await faultsOf(services, realm)));
    await services.close();
    return faults;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** All realms are one after the other under one name, so that keys are made once. */
const NAME = 'check';

async function faultsOf(services: Services, { path, file, locate }: LoadedRealm): Promise<readonly string[]> {
  const clients = (file.clients ?? []).map((input) => clientSchema.parse(input));
  await services.registry.applyRealm({ ...file, name: NAME, enabled: true, clients: [], users: [] });
  const provider = await createProviderPool({ ...services.settings, ...services, ui }).find(NAME);
  if (provider === undefined || provider === 'disabled') return [];
  return clients.flatMap((client, index) => {
    const problem = provider.problemOfClient(client);
    if (problem === undefined) return [];
    const at = ['clients', index, ...(problem.member in client ? [problem.member] : [])];
    const { line, column } = locate(at);
    return [`${path}:${line}:${column} clients[${index}].${problem.member}: ${problem.message}`];
  });
}
