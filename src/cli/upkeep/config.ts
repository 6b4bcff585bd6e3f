import { ConfigFaults } from '../../config/faults.ts';
import { loadSettings } from '../../config/load.ts';
import { loadRealmFiles } from '../../config/realm-files.ts';
import { faultsOfClients } from '../runtime/check-clients.ts';
import { type Command, print } from '../runtime/command.ts';

export const checkConfig: Command = {
  about:
    'Checks the settings in the environment and the realm files in <folder>/realms, and tells all faults at once.\n' +
    'The folder is DAYPASS_CONFIG when none is given. Touches neither the store nor the network.',
  argument: 'folder',
  async run({ argument }) {
    const settings = await faultsOf(async () => loadSettings());
    const folder = argument ?? settings.value?.configFolder;
    const realms = folder === undefined ? undefined : await faultsOf(() => loadRealmFiles(folder));
    const clients = realms?.value === undefined ? [] : await faultsOfClients(realms.value);
    const faults = [...settings.faults, ...(realms?.faults ?? []), ...clients];
    if (faults.length > 0) {
      const unread =
        realms === undefined ? ['realm files: not read, name their folder to check them too'] : [];
      throw new ConfigFaults([...faults, ...unread]);
    }
    print(`settings and ${realms?.value?.length ?? 0} realm files are in order`);
    return 0;
  },
};

async function faultsOf<T>(load: () => Promise<T>): Promise<{ value?: T; faults: readonly string[] }> {
  try {
    return { value: await load(), faults: [] };
  } catch (error) {
    if (error instanceof ConfigFaults) return { faults: error.faults };
    throw error;
  }
}
