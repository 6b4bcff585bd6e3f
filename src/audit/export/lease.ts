/**
 * Which process delivers: the one that holds a document of the store, which expires when it is not renewed. What is
 * remembered of the work is written in the commit that renews it, so that two processes never write it at once.
 */
import type { Clock } from '../../base/clock.ts';
import type { Key, Stamp, Store, Write } from '../../storage/port/port.ts';

export type Lease = ReturnType<typeof createLease>;

/** Seconds for which a process holds it without a word. */
const LEASE_TTL = 15;
const RENEWED_AFTER_MS = 5000;

type LeaseDeps = { readonly store: Store; readonly clock: Clock };

/** `key` and everything written by `renew` lie in one realm. `holder`: unique for this process. */
export function createLease({ store, clock }: LeaseDeps, key: Key, holder: string) {
  let heldAt = Number.NEGATIVE_INFINITY;

  /** Takes it, or renews it from time to time. `false` when another process holds it. */
  async function hold(): Promise<boolean> {
    if (Math.abs(clock() - heldAt) < RENEWED_AFTER_MS) return true;
    const [document] = await store.read([key]);
    if (document !== undefined && document.value !== holder) return false;
    return write(document?.stamp ?? 'absent', []);
  }

  /** Writes something, if this process holds it still. */
  async function renew(writes: readonly Write[]): Promise<boolean> {
    const [document] = await store.read([key]);
    return document?.value === holder && (await write(document.stamp, writes));
  }

  async function write(onlyIf: 'absent' | Stamp, writes: readonly Write[]): Promise<boolean> {
    const outcome = await store.commit([{ put: key, value: holder, ttl: LEASE_TTL, onlyIf }, ...writes]);
    heldAt = outcome.ok ? clock() : Number.NEGATIVE_INFINITY;
    return outcome.ok;
  }

  /** Lets another process begin at once. */
  async function release(): Promise<void> {
    const [document] = await store.read([key]);
    if (document?.value === holder) await store.commit([{ remove: key }]);
  }

  return { hold, renew, release };
}
