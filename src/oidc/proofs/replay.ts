import { epochSeconds } from '../../base/clock.ts';
import { sha256 } from '../../base/hash.ts';
import type { Key } from '../../storage/port/port.ts';
import type { RealmContext } from '../realm/realm-context.ts';

/** True for exactly one of several requests with the same `jti`, also at the same moment. */
export async function isFirstUse(
  realm: Pick<RealmContext, 'name' | 'store' | 'clock'>,
  issuer: string,
  jti: string,
  expiresAt: number,
): Promise<boolean> {
  const key: Key = { realm: realm.name, kind: 'replay', id: sha256(`${issuer}\n${jti}`) };
  const ttl = Math.max(1, expiresAt - epochSeconds(realm.clock));
  const outcome = await realm.store.commit([{ put: key, value: '1', ttl, onlyIf: 'absent' }]);
  return outcome.ok;
}
