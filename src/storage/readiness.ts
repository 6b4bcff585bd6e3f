/**
 * Whether requests can be served: a read and a harmless commit, as requests do, and whether the store is still the one
 * that it was. The answer counts for a second, or until a call fails, so that many who ask cost no more than one.
 */
import type { Clock } from '../base/clock.ts';
import { isFailure } from '../base/errors.ts';
import type { Key, Store } from './port/port.ts';
import { StoreFailure, type StoreTrouble } from './port/trouble.ts';

export type Readiness =
  | { readonly status: 'up'; readonly store: 'up' }
  | { readonly status: 'down'; readonly store: 'down'; readonly reason: StoreTrouble };

const REMEMBERED_MS = 1000;
/** In the realm that no tokens are in. */
const KEY: Key = { realm: '_', kind: 'health', id: 'ready' };
const TTL = 60;
/** Lies there for ever once the store held something. */
const MARK: Key = { realm: '_', kind: 'health', id: 'filled' };

type Deps = {
  readonly store: Store;
  readonly clock: Clock;
  /** The index of what a store holds that is not empty. Absent: it is not asked whether it was emptied. */
  readonly content?: Key;
  /** Calls its argument for every call of the store that fails. */
  readonly onTrouble?: (listener: (trouble: StoreTrouble) => void) => void;
  /** Hears what is wrong with the store although it carries out calls. */
  readonly noteState?: (failure: StoreFailure | undefined) => void;
};

const states: ReadonlySet<StoreTrouble> = new Set(['store-emptied', 'file-replaced']);

export function createReadiness({ store, clock, content, onTrouble, noteState }: Deps) {
  let latest: { readonly askedAt: number; readonly answer: Promise<Readiness> } | undefined;
  let wasFilled = false;

  onTrouble?.((trouble) => {
    if (!states.has(trouble)) latest = undefined;
  });

  /**
   * Whether there is something in the store now. Throws for a store that this process has seen filled, and that has lost
   * the mark of it too: it was not emptied by Daypass, which leaves the mark.
   */
  async function isFilled(): Promise<{ readonly isMarked: boolean; readonly hasContent: boolean }> {
    const [[, mark], page] = await Promise.all([
      store.read([KEY, MARK]),
      content === undefined ? { members: [] } : store.list(content, { limit: 1 }),
      store.ping(),
    ]);
    const hasContent = page.members.length > 0;
    if (wasFilled && !hasContent && mark === undefined) throw new StoreFailure('store-emptied', undefined);
    return { isMarked: mark !== undefined, hasContent };
  }

  async function check(): Promise<void> {
    const { isMarked, hasContent } = await isFilled();
    await store.commit([
      { put: KEY, value: '', ttl: TTL },
      ...(hasContent && !isMarked ? [{ put: MARK, value: '' }] : []),
    ]);
    wasFilled ||= hasContent;
    noteState?.(undefined);
  }

  async function ask(): Promise<Readiness> {
    try {
      await check();
      return { status: 'up', store: 'up' };
    } catch (error) {
      if (error instanceof StoreFailure && states.has(error.trouble)) noteState?.(error);
      return { status: 'down', store: 'down', reason: reasonOf(error) };
    }
  }

  return function readiness(): Promise<Readiness> {
    const now = clock();
    if (latest === undefined || Math.abs(now - latest.askedAt) >= REMEMBERED_MS) {
      latest = { askedAt: now, answer: ask() };
    }
    return latest.answer;
  };
}

function reasonOf(error: unknown): StoreTrouble {
  if (error instanceof StoreFailure) return error.trouble;
  if (isFailure(error, 'unavailable')) return 'unreachable';
  throw error;
}
