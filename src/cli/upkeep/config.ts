import { ConfigFaults } from '../../config/faults.ts';
import { loadSettings } from '../../config/load.ts';
import { passedOverText, readRealmFiles } from '../../config/realm-files.ts';
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
    const files = folder === undefined ? unread : await checkFiles(folder);
    const faults = [...settings.faults, ...files.faults];
    for (const file of files.passedOver) print(passedOverText(file));
    if (faults.length > 0) throw new ConfigFaults([...faults, ...files.notes]);
    print(`settings and ${files.count} realm files are in order`);
    return 0;
  },
};

const unread = {
  count: 0,
  faults: [],
  passedOver: [],
  notes: ['realm files: not read, name their folder to check them too'],
};

async function checkFiles(folder: string) {
  const { value: read, faults } = await faultsOf(() => readRealmFiles(folder));
  const ofClients = await faultsOfClients(read?.checkable ?? []);
  return {
    count: read?.realms.length ?? 0,
    faults: [...faults, ...(read?.faults ?? []), ...ofClients],
    passedOver: read?.passedOver ?? [],
    notes: [],
  };
}

async function faultsOf<T>(load: () => Promise<T>): Promise<{ value?: T; faults: readonly string[] }> {
  try {
    return { value: await load(), faults: [] };
  } catch (error) {
    if (error instanceof ConfigFaults) return { faults: error.faults };
    throw error;
  }
}
