import type { Clock } from '../base/clock.ts';
import { Failure } from '../base/errors.ts';
import type { Logger } from '../observability/logger.ts';
import { createEmbeddedStore } from './embedded/store.ts';
import { createRedisStore } from './redis/store.ts';
import type { Store } from './store.ts';

type OpenDeps = { readonly clock: Clock; readonly logger: Logger };

/**
 * The engine that a store address names: `sqlite:./path`, `redis://` or `rediss://` with
 * `[user][:password@]host[:port][/number]`. A Redis that is down is no failure: calls are `unavailable` until it is
 * back. Anything else is `Failure('invalid_input')`.
 */
export async function openStore(url: string, { clock, logger }: OpenDeps): Promise<Store> {
  switch (url.slice(0, url.indexOf(':') + 1)) {
    case 'sqlite:':
      return createEmbeddedStore({ path: pathOf(url), clock });
    case 'redis:':
    case 'rediss:':
      return createRedisStore({ url, logger });
    case 'redis+sentinel:':
    case 'redis+cluster:':
      throw new Failure('invalid_input', 'Redis Sentinel and Cluster are not supported yet');
    default:
      throw new Failure('invalid_input', 'the store address begins with sqlite:, redis:// or rediss://');
  }
}

/** `sqlite:./data/x.db`, `sqlite:/var/x.db` and `sqlite:///var/x.db`. */
function pathOf(url: string): string {
  const path = url.slice('sqlite:'.length).replace(/^\/\/(?=\/)/, '');
  if (path === '') throw new Failure('invalid_input', 'the store address names no file: sqlite:./path');
  return path;
}
