import type { IncomingMessage } from 'node:http';
import { stateOf } from '../../http/request-state.ts';
import { networkOf } from '../../limits/network.ts';
import type { RealmContext } from './realm-context.ts';

/**
 * Takes what a request without credentials costs its network. Returns a function that gives it back, for a request
 * that has left nothing. Throws `TooMany`.
 */
export function takeOfStranger(
  { name, view, strangers }: Pick<RealmContext, 'name' | 'view' | 'strangers'>,
  request: IncomingMessage,
  bytes = 0,
): () => void {
  const most = view.quotas.strangersPerMinute;
  if (most === 'unlimited') return () => undefined;
  return strangers.take({ realm: name, network: networkOf(stateOf(request).source.ip ?? '') }, bytes, most);
}
