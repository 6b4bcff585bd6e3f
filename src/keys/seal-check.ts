import { Failure } from '../base/errors.ts';
import type { Key, Store } from '../storage/port/port.ts';
import type { Sealer } from './seal.ts';

/** Lies in a realm of its own, whose name no realm can have. */
const place: Key = { realm: '_', kind: 'seal', id: 'check' };
const context = '_/seal/check';
const sample = 'daypass';

/**
 * Makes sure that this store is sealed with this master key; the first one that comes to a store is the store's. With
 * another one half of the secrets would open for one process and half for the next. Rejects with
 * `Failure('invalid_input')` then, and with `Failure('unavailable')` when the store does not answer.
 */
export async function checkSeal({ store, sealer }: { store: Store; sealer: Sealer }): Promise<void> {
  const value = sealer.seal(sample, context);
  const [found] = await store.read([place]);
  if (found !== undefined) return compare(sealer, found.value);
  await store.commit([{ put: place, value, onlyIf: 'keep' }]);
  const [kept] = await store.read([place]);
  compare(sealer, kept?.value ?? '');
}

function compare(sealer: Sealer, sealed: string): void {
  try {
    sealer.open(sealed, context);
  } catch (cause) {
    throw new Failure('invalid_input', 'DAYPASS_KEY is not the key that this store was sealed with', {
      cause,
    });
  }
}
