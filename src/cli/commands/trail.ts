import { Failure } from '../../base/errors.ts';
import { faultOf } from '../../guest/trail/trail-chain.ts';
import { type Command, type Input, print } from '../runtime/command.ts';
import { type Column, json, printJson, showList } from '../runtime/output.ts';
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
    ...json,
  },
  run: (input) =>
    withServices(async (services) => {
      const { name } = await getRealm(services, input.need('realm'));
      const id = input.need('token');
      const found = await services.guests.find(name, id);
      const { events, head, chain } = await services.guests.trail(name, id, found);
      if (events.length === 0) throw new Failure('not_found', `guest token "${id}" has no trail`);
      const fault = faultOf(id, { events: chain, head }, input.find('hash'));
      await tell(input, { events, head, ...(fault !== undefined && { fault }) });
      return fault === undefined ? 0 : 1;
    }),
};

type Told = {
  readonly events: readonly Event[];
  readonly head: { readonly seq: number; readonly hash: string } | null;
  readonly fault?: string;
};

async function tell(input: Input, told: Told): Promise<void> {
  if (input.has('json')) return printJson(told);
  const { events, head, fault } = told;
  await showList(input, events, columns);
  print(fault === undefined ? `whole: ends with ${head?.seq ?? 0} ${head?.hash ?? ''}` : `broken: ${fault}`);
}

type Event = Readonly<Record<string, unknown>>;

/** A dash for a value that is not known or not chained. */
const columns = ['seq', 'at', 'event', 'by', 'ip', 'reason', 'hash'].map(
  (name): Column<Event> => [name, (event) => event[name] ?? '-'],
);
