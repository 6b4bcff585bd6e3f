import type { Clock } from '../base/clock.ts';
import type { Logger } from '../observability/logger.ts';
import { storeAddress } from './port/address.ts';
import type { Store } from './port/port.ts';

type OpenDeps = { readonly clock: Clock; readonly logger: Logger };

/**
 * Opens the engine that an address names; the code of the other one is not loaded. An unreachable Redis is no failure
 * here: calls are `unavailable` until it is back. Throws `Failure('invalid_input')` for what is no address.
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
