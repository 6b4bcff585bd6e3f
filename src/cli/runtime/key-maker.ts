import { signingAlgorithmsOf } from '../../oidc/realm/signing-algorithms.ts';
import type { Services } from '../../services.ts';

/**
 * Makes the signing keys of new realms in the background, one realm after the other, so that nobody's first request
 * has to wait for them; a request that comes first nevertheless makes, or waits for, the same ones.
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

  /** Resolves once nothing is being made any more. */
  function stop(): Promise<void> {
    isStopped = true;
    return work;
  }

  return { make, stop };
}
