import { inRealm, place, withAdmin } from '../admin-calls/with-admin.ts';
import type { Shown } from '../runtime/admin-calls.ts';
import { type Command, print } from '../runtime/command.ts';
import { type Column, json, showList } from '../runtime/output.ts';

const columns: readonly Column<Shown>[] = [
  ['id', ({ id }) => id],
  ['started', ({ startedAt }) => startedAt],
  ['clients', ({ clients }) => clients],
  ['browser', ({ userAgent }) => userAgent],
];

export const listSessions: Command = {
  about: 'Lists the latest hundred sessions of a user, the newest first: id, beginning, clients, browser.',
  options: {
    ...inRealm,
    user: { value: '<name>', isRequired: true, help: 'user name or e-mail address' },
    ...json,
    ...place,
  },
  examples: ['session list --realm acme --user ada'],
  run: (input) =>
    withAdmin(input, async (admin) => {
      const realm = input.need('realm');
      const { id } = await admin.userOf(realm, input.need('user'));
      const { items } = await admin.call('listUserSessions', { params: { realm, user: id } });
      await showList(input, Array.isArray(items) ? items : [], columns);
      return 0;
    }),
};

export const endSession: Command = {
  about: 'Ends a session and every token of it, and tells the clients that asked to be told.',
  options: { ...inRealm, session: { value: '<id>', isRequired: true, help: 'the session' }, ...place },
  examples: ['session end --realm acme --session 3f0c…'],
  run: (input) =>
    withAdmin(input, async (admin) => {
      const session = input.need('session');
      await admin.call('endSession', { params: { realm: input.need('realm'), session } });
      print(`ended session ${session}`);
      return 0;
    }),
};
