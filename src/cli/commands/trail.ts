import { Failure } from '../../base/errors.ts';
import { faultOf } from '../../guest/trail/trail-chain.ts';
import { type Command, print } from '../runtime/command.ts';
import { getRealm, withServices } from '../runtime/with-services.ts';

export const showTrail: Command = {
  about:
    'Shows what happened to a guest token, oldest first, and checks that nothing of it was changed, moved, put in or\n' +
    'taken out. The end could be cut off unseen, so compare it with the log: --hash is that of the last event there.\n' +
    'Works for as long as the realm keeps trails (guests.trailDays), also when the token is forgotten. The exit code is 1\n' +
    'when the trail is broken.',
  options: {
    realm: { value: '<name>', isRequired: true, help: 'the realm' },
    token: { value: '<id>', isRequired: true, help: 'the id of the guest token (gt_…), not its value' },
    hash: { value: '<hash>', help: 'of an event in the log, which must be in the trail' },
  },
  run: (input) =>
    withServices(async (services) => {
      const { name } = await getRealm(services, input.need('realm'));
      const id = input.need('token');
      const found = await services.guests.find(name, id);
      const { events, head, chain } = await services.guests.trail(name, id, found);
      if (events.length === 0) throw new Failure('not_found', `guest token "${id}" has no trail`);
      for (const event of events) print(rowOf(event));
      const fault = faultOf(id, { events: chain, head }, input.find('hash'));
      print(
        fault === undefined ? `whole: ends with ${head?.seq ?? 0} ${head?.hash ?? ''}` : `broken: ${fault}`,
      );
      return fault === undefined ? 0 : 1;
    }),
};

const columns = ['seq', 'at', 'event', 'by', 'ip', 'reason', 'hash'];

/** A dash for a value that is not known or not chained. */
function rowOf(event: Readonly<Record<string, unknown>>): string {
  return columns.map((name) => String(event[name] ?? '-')).join('\t');
}
