/**
 * Clients of realm files that the protocol library would refuse at their first request: it is asked now, by providers
 * of the realms on an empty store that is gone afterwards.
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadSettings } from '../../config/load.ts';
import type { CheckableRealm } from '../../config/realm-files.ts';
import { createLogger } from '../../observability/logger.ts';
import { createProviderPool } from '../../oidc/provider/provider-pool.ts';
import { createServices, type Services } from '../../services.ts';
import { ui } from '../../surfaces/pages/screens.ts';

/** `file:line:column path: what` for each, as of other faults. Clients with other faults are left out. */
export async function faultsOfClients(realms: readonly CheckableRealm[]): Promise<readonly string[]> {
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

async function faultsOf(services: Services, realm: CheckableRealm): Promise<readonly string[]> {
  const { path, settings, clients, locate } = realm;
  await services.registry.applyRealm({ ...settings, name: NAME, enabled: true, clients: [], users: [] });
  const provider = await createProviderPool({ ...services.settings, ...services, ui }).find(NAME);
  if (provider === undefined || provider === 'disabled') return [];
  return clients.flatMap((client, index) => {
    const problem = client && provider.problemOfClient(client);
    if (client === undefined || problem === undefined) return [];
    const at = ['clients', index, ...(problem.member in client ? [problem.member] : [])];
    const { line, column } = locate(at);
    return [`${path}:${line}:${column} clients[${index}].${problem.member}: ${problem.message}`];
  });
}
