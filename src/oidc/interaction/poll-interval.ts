/**
 * The poll interval of clients that wait for a person (RFC 8628 §3.5, OpenID CIBA Core §11), which the library does
 * not enforce.
 */
import { errors, type Provider } from 'oidc-provider';
import { sha256 } from '../../base/hash.ts';
import { watchPolls } from '../library/internals.ts';
import type { RealmContext } from '../realm/realm-context.ts';

/** Seconds between two polls, as clients are told. */
const INTERVAL = 5;
/** Seconds within which a second poll is too soon: clients' timers and the network are not exact. */
const TOLERATED = 4;

export function limitPollInterval(provider: Provider, realm: Pick<RealmContext, 'name' | 'store'>): void {
  provider.on('device_authorization.success', (_ctx, body) => {
    body['interval'] = INTERVAL;
  });
  // Only a poll that would be answered "pending" is told to slow down: an answer that exists is not held back.
  watchPolls(provider, async (value) => {
    if (await isTooSoon(realm, value)) throw new errors.SlowDown();
  });
}

async function isTooSoon(realm: Pick<RealmContext, 'name' | 'store'>, value: string): Promise<boolean> {
  const put = { realm: realm.name, kind: 'polled', id: sha256(value) };
  const outcome = await realm.store.commit([{ put, value: '', ttl: TOLERATED, onlyIf: 'absent' }]);
  return !outcome.ok;
}
