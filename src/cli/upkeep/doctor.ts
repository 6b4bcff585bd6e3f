import { z } from 'zod';
import { Failure } from '../../base/errors.ts';
import { ConfigFaults } from '../../config/faults.ts';
import { loadSettings } from '../../config/load.ts';
import { loadMasterKey } from '../../config/master-key.ts';
import { loadRealmFiles } from '../../config/realm-files.ts';
import type { Settings } from '../../config/settings.ts';
import { type Check, examine } from '../../doctor/doctor.ts';
import { createLogger } from '../../observability/logger.ts';
import type { RealmFile } from '../../registry/model/model.ts';
import { createServices, type Services } from '../../services.ts';
import { checkSchema } from '../../surfaces/admin/realm/doctor-routes.ts';
import { place, withAdmin } from '../admin-calls/with-admin.ts';
import { type Command, type Input, UsageError } from '../runtime/command.ts';
import { json, printJson, showList } from '../runtime/output.ts';

export const doctor: Command = {
  about:
    'Looks whether everything is set up as it should be: settings, realm files against the store, the store and its\n' +
    'settings, the master key, clocks, signing keys, an administrator, the public address. Each is ok, warn or fail,\n' +
    'with what to do about it. Changes nothing. The exit code is 1 when something fails. With --realm only that realm\n' +
    'is looked at. With --url it must be given: settings, files and store of a server are for its own machine.',
  options: { realm: { value: '<name>', help: 'only this realm' }, ...place, ...json },
  examples: [
    'doctor',
    'doctor --json | jq ".[] | select(.state != \\"ok\\")"',
    'doctor --url https://id.example.com --realm acme',
  ],
  async run(input) {
    const checks = await checksFor(input);
    if (input.has('json')) printJson(checks);
    else {
      await showList(input, checks, [
        ['state', ({ state }) => state],
        ['check', ({ check }) => check],
        ['found', ({ found }) => found],
        ['cure', ({ cure }) => cure],
      ]);
    }
    return checks.some(({ state }) => state === 'fail') ? 1 : 0;
  },
};

type ShownCheck = z.output<typeof checkSchema>;

async function checksFor(input: Input): Promise<readonly ShownCheck[]> {
  const realm = input.find('realm');
  if (realm === undefined) {
    if (input.find('url') !== undefined) throw new UsageError('with --url, say --realm <name>');
    return everyCheck();
  }
  const { items } = await withAdmin(input, (admin) => admin.call('examineRealm', { params: { realm } }));
  return z.array(checkSchema).parse(items);
}

async function everyCheck(): Promise<readonly Check[]> {
  const { value: settings, checks } = await checked('settings', async () => loadSettings());
  if (settings === undefined) return checks;
  const files = await checked('realm files', () => filesOf(settings));
  return [...files.checks, ...(await checkStore(settings, files.value))];
}

/** What was loaded, or a check for each fault. */
async function checked<T>(
  check: string,
  load: () => Promise<T>,
): Promise<{ readonly value?: T; readonly checks: readonly Check[] }> {
  try {
    return { value: await load(), checks: [] };
  } catch (error) {
    if (!(error instanceof ConfigFaults)) throw error;
    const cure = 'mend it; `daypass config check` tells all faults';
    return { checks: error.faults.map((found) => ({ check, state: 'fail', found, cure })) };
  }
}

async function filesOf({ configFolder }: Settings): Promise<readonly RealmFile[]> {
  return (await loadRealmFiles(configFolder)).map(({ file }) => file);
}

async function checkStore(
  settings: Settings,
  files: readonly RealmFile[] | undefined,
): Promise<readonly Check[]> {
  try {
    const key = await loadMasterKey(settings);
    const services = await createServices({ ...settings, key }, createLogger('silent'));
    return await examineAndClose(services, files);
  } catch (error) {
    if (!(error instanceof Failure || error instanceof ConfigFaults)) throw error;
    const cure = 'see docs/operations.md';
    return [{ check: 'store', state: 'fail', found: error.message, cure }];
  }
}

async function examineAndClose(
  services: Services,
  files: readonly RealmFile[] | undefined,
): Promise<readonly Check[]> {
  try {
    const { publicUrl, production, adminRealm } = services.settings;
    const found = { ...services, publicUrl, production, adminRealm, issuerAt };
    return await examine(files === undefined ? found : { ...found, files });
  } finally {
    await services.close();
  }
}

const PATIENCE_MS = 3000;

async function issuerAt(url: string): Promise<string | undefined> {
  try {
    const response = await fetch(`${url}/.well-known/openid-configuration`, {
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    const body: unknown = await response.json();
    return typeof body === 'object' && body !== null && 'issuer' in body ? String(body.issuer) : '';
  } catch {
    return undefined;
  }
}
