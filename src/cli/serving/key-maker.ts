import { signingAlgorithmsOf } from '../../oidc/realm/signing-algorithms.ts';
import type { Services } from '../../services.ts';

/**
 * Makes the signing keys of new realms in the background, one realm after the other, so that the first request to a
 * realm does not wait for them. A request that comes earlier makes the same keys, or waits for them.
 */
export function createKeyMaker({ registry, keyRing, logger }: Services) {
  let work = Promise.resolve();
  let isStopped = false;

  function make(realm: string): void {
    work = work.then(() => makeNow(realm));
  }

  async function makeNow(realm: string): Promise<void> {
    try {
      const view = isStopped ? undefined : await registry.findRealm(realm);
      if (view?.enabled) await keyRing.keysOf(realm, signingAlgorithmsOf(view));
    } catch (error) {
      logger.warn(
        { realm, err: error },
        'signing keys could not be made ahead: the first request tries again',
      );
    }
  }

  /** Resolves when no keys are being made any more. */
  function stop(): Promise<void> {
    isStopped = true;
    return work;
  }

  return { make, stop };
}
