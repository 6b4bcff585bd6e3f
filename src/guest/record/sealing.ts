/** Seals the secrets of policies and the values that are shown again. */
import { createSealer, type Sealer } from '../../keys/seal.ts';
import type { GuestRealm } from '../limits/guest-realm.ts';

const sealers = new WeakMap<Buffer, Sealer>();

/** A sealer for each realm, with a key of its own. */
export function sealerOf({ secret }: Pick<GuestRealm, 'secret'>): Sealer {
  const sealer = sealers.get(secret) ?? createSealer(secret);
  sealers.set(secret, sealer);
  return sealer;
}
