import type { Clock } from '../base/clock.ts';
import type { Logger } from '../observability/logger.ts';
import { storeAddress } from './address.ts';
import { createEmbeddedStore } from './embedded/store.ts';
import { createRedisStore } from './redis/store.ts';
import type { Store } from './store.ts';

type OpenDeps = { readonly clock: Clock; readonly logger: Logger };

/**
 * The engine that a store address names. A Redis that is down is no failure: calls are `unavailable` until it is
 * back. What is no address is `Failure('invalid_input')`.
 */
export async function openStore(url: string, { clock, logger }: OpenDeps): Promise<Store> {
  const address = storeAddress(url);
  if (address.engine === 'redis') return createRedisStore(address, logger);
  return createEmbeddedStore({ path: address.path, clock });
}
