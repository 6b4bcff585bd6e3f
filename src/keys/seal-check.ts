import { Failure } from '../base/errors.ts';
import type { Key, Store } from '../storage/port/port.ts';
import type { Sealer } from './seal.ts';

/** The mark is stored in a realm of its own, whose name no real realm can have. */
const place: Key = { realm: '_', kind: 'seal', id: 'check' };
const context = '_/seal/check';
const sample = 'daypass';

/**
 * Checks that this store is sealed with this master key. The first process that opens a new store leaves a mark with
 * its key. With two keys in use, each process could open only a part of the secrets. Rejects with
 * `Failure('invalid_input')` for another key, with `Failure('unavailable')` when the store does not answer.
 */
export async function checkSeal({ store, sealer }: { store: Store; sealer: Sealer }): Promise<void> {
  const value = sealer.seal(sample, context);
  const [found] = await store.read([place]);
  if (found !== undefined) return compare(sealer, found.value);
  await store.commit([{ put: place, value, onlyIf: 'keep' }]);
  const [kept] = await store.read([place]);
  compare(sealer, kept?.value ?? '');
}

/** A text by which `isMarkOf` recognises the key later. Tells nothing of it. */
export function markOf(sealer: Sealer): string {
  return sealer.seal(sample, context);
}

export function isMarkOf(sealer: Sealer, mark: string): boolean {
  try {
    return sealer.open(mark, context) === sample;
  } catch {
    return false;
  }
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
