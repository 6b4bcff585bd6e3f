import { inRealm, place, withAdmin } from '../admin-calls/with-admin.ts';
import { everyItem, type Shown } from '../runtime/admin-calls.ts';
import type { Command } from '../runtime/command.ts';
import { type Column, json, showList } from '../runtime/output.ts';

const columns: readonly Column<Shown>[] = [
  ['name', ({ name }) => name],
  ['permissions', ({ permissions }) => permissions],
  ['includes', ({ includes }) => includes],
];

export const listRoles: Command = {
  about: 'Lists the roles of a realm: name, permissions, and the roles that it includes.',
  options: { ...inRealm, ...json, ...place },
  examples: ['role list --realm acme'],
  run: (input) =>
    withAdmin(input, async (admin) => {
      const params = { realm: input.need('realm') };
      await showList(input, everyItem(admin, 'listRoles', { params }), columns);
      return 0;
    }),
};
