import type { IncomingMessage } from 'node:http';
import type { WorkSource } from '../../base/work-queue.ts';
import { stateOf } from '../../http/request-state.ts';
import { networkOf } from '../../limits/network.ts';
import type { RealmContext } from './realm-context.ts';

/** Who waits for the expensive work of a request: its realm and network, as long as the connection is open. */
export function workSourceOf({ name }: Pick<RealmContext, 'name'>, request: IncomingMessage): WorkSource {
  return {
    realm: name,
    network: networkOf(stateOf(request).source.ip ?? ''),
    isGone: () => request.socket.destroyed,
  };
}
