import type { Clock } from '../base/clock.ts';
import type { Logger } from '../observability/logger.ts';
import { storeAddress } from './port/address.ts';
import type { Store } from './port/port.ts';

type OpenDeps = { readonly clock: Clock; readonly logger: Logger };

/**
 * The engine that a store address names; the other one's code is not loaded. A Redis that is down is no failure: calls are `unavailable` until it is
 * back. What is no address is `Failure('invalid_input')`.
 */
export async function openStore(url: string, { clock, logger }: OpenDeps): Promise<Store> {
  const address = storeAddress(url);
  if (address.engine === 'redis') {
    const { createRedisStore } = await import('./redis/store.ts');
    return createRedisStore(address, logger);
  }
  const { createEmbeddedStore } = await import('./embedded/store.ts');
  return createEmbeddedStore({ path: address.path, clock });
}
