import { loadSettings } from '../../config/load.ts';
import { orFaults, passedOverText, readRealmFiles } from '../../config/realm-files.ts';
import type { Applied } from '../../registry/apply/apply.ts';
import { type Command, print } from '../runtime/command.ts';
import { withServices } from '../runtime/with-services.ts';

export const apply: Command = {
  about:
    'Applies the realm files in <folder>/realms to the store, and says what that changed. What the files do not\n' +
    'name is left alone. The folder is DAYPASS_CONFIG when none is given. Nothing is applied when a file has a fault.',
  argument: 'folder',
  async run({ argument }) {
    const files = orFaults(await readRealmFiles(argument ?? loadSettings().configFolder));
    const { realms, passedOver } = files;
    for (const file of passedOver) print(passedOverText(file));
    return withServices(async ({ registry }) => {
      for (const { name, file } of realms) print(`${name}: ${summaryOf(await registry.applyRealm(file))}`);
      return 0;
    });
  },
};

function summaryOf({ created, updated, unchanged }: Applied): string {
  const parts = [
    ...(created.length > 0 ? [`created ${named(created)}`] : []),
    ...(updated.length > 0 ? [`updated ${named(updated)}`] : []),
    `${unchanged} unchanged`,
  ];
  return parts.join('; ');
}

/** A file may bring thousands of users. */
const MAX_NAMED = 50;

function named(labels: readonly string[]): string {
  const more = labels.length - MAX_NAMED;
  return labels.slice(0, MAX_NAMED).join(', ') + (more > 0 ? ` and ${more} more` : '');
}
