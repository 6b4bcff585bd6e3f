import { inRealm, place, withAdmin } from '../admin-calls/with-admin.ts';
import type { Shown } from '../runtime/admin-calls.ts';
import { everyItem } from '../runtime/admin-calls.ts';
import { type Command, print } from '../runtime/command.ts';
import { requireConsent, yes } from '../runtime/confirm.ts';
import { type Column, json, showList, showWhole } from '../runtime/output.ts';

const columns: readonly Column<Shown>[] = [
  ['name', ({ name }) => name],
  ['profile', ({ profile }) => profile],
  ['state', ({ enabled }) => (enabled === true ? 'enabled' : 'disabled')],
  ['shown as', ({ displayName }) => displayName],
];

export const listRealms: Command = {
  about: 'Lists all realms: name, profile, whether it is enabled, and the name that people see.',
  options: { ...json, ...place },
  examples: ['realm list', 'realm list --json | jq -r ".[].name"'],
  run: (input) =>
    withAdmin(input, async (admin) => {
      await showList(input, everyItem(admin, 'listRealms'), columns);
      return 0;
    }),
};

export const showRealm: Command = {
  about:
    'Shows the settings of a realm, without clients, users and sections of embed products. `export` shows them all.',
  options: { ...inRealm, ...json, ...place },
  examples: ['realm show --realm acme'],
  run: (input) =>
    withAdmin(input, async (admin) => {
      const params = { realm: input.need('realm') };
      showWhole(input, await admin.call('getRealm', { params }));
      return 0;
    }),
};

export const removeRealm: Command = {
  about:
    'Removes a realm with its clients, users, keys and tokens. What was issued in it is dead at once. Where a realm\n' +
    'file names it, the next start makes an empty one of the same name.',
  options: { ...inRealm, ...yes, ...place },
  examples: ['realm remove --realm trial --yes'],
  run: (input) =>
    withAdmin(input, async (admin) => {
      const realm = input.need('realm');
      await admin.call('getRealm', { params: { realm } });
      await requireConsent(input, `Remove realm "${realm}" with everything in it?`);
      const { isCleared } = await admin.call('removeRealm', { params: { realm } });
      print(`removed realm ${realm}${isCleared === false ? '; it is dead, and is being cleared away' : ''}`);
      return 0;
    }),
};
