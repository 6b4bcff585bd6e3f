import type { IncomingMessage } from 'node:http';
import { networkOfRequest } from '../../http/caller.ts';
import { annotate } from '../../http/request-state.ts';
import { TooMany } from '../../limits/too-many.ts';
import type { Annotations } from '../../observability/annotations.ts';
import type { RealmContext } from './realm-context.ts';

export type StrangerLimit = NonNullable<Annotations['limit']>;

/** The realm's setting of each limit. */
const settings = {
  logins: 'loginsPerMinute',
  'pushed-requests': 'pushedRequestsPerMinute',
  'device-codes': 'deviceCodesPerMinute',
  registrations: 'registrationsPerMinute',
  proofs: 'proofsPerMinute',
} as const satisfies Readonly<Record<StrangerLimit, keyof RealmContext['view']['networkLimits']>>;

/**
 * Counts a request whose caller has shown no credential against the limit of its network. Resolves to a function that
 * gives it back. Rejects with `TooMany` when the network has had its share of this minute, with `Failure('unavailable')`
 * without a store.
 */
export async function takeOfStranger(
  { name: realm, view, quotas }: Pick<RealmContext, 'name' | 'view' | 'quotas'>,
  request: IncomingMessage,
  limit: StrangerLimit,
): Promise<() => void> {
  const quota = view.networkLimits[settings[limit]];
  if (quota === 'unlimited') return () => undefined;
  try {
    const taken = await quotas.take({ name: limit, realm, owner: networkOfRequest(request) }, quota);
    return taken.giveBack;
  } catch (error) {
    if (error instanceof TooMany) annotate(request, { limit });
    throw error;
  }
}
