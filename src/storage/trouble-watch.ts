/** Tells the operator what is wrong with the store: a log line when it begins and ends, and a count of failed calls. */
import type { Logger } from '../observability/logger.ts';
import type { Store } from './port/port.ts';
import { StoreFailure, type StoreTrouble } from './port/trouble.ts';

type Kind = 'read' | 'write' | 'state';

export type TroubleListener = (trouble: StoreTrouble) => void;

export type TroubleWatch = {
  readonly store: Store;
  /** Calls the listener for every call that fails. */
  onTrouble(listener: TroubleListener): void;
  /** What is wrong with the store although it carries out calls, or `undefined` when nothing is. */
  noteState(failure: StoreFailure | undefined): void;
};

/** Reads and writes have troubles of their own: a full store still answers. */
export function watchTroubles(store: Store, logger: Pick<Logger, 'error' | 'info'>): TroubleWatch {
  const current = new Map<Kind, StoreTrouble>();
  const listeners: TroubleListener[] = [];

  /** Looks on, and hands the call itself over: every request makes one, and waits for nothing here. */
  function watched<T>(kind: Kind, call: Promise<T>): Promise<T> {
    const noteFailure = (error: unknown) => {
      if (error instanceof StoreFailure) note(kind, error);
    };
    if (current.has(kind)) call.then(() => noteRecovery(kind), noteFailure);
    else call.catch(noteFailure);
    return call;
  }

  function noteRecovery(kind: Kind): void {
    if (current.delete(kind))
      logger.info({ calls: kind === 'state' ? 'all' : kind }, 'the store can be used again');
  }

  function note(kind: Kind, { trouble, cause, message }: StoreFailure): void {
    for (const listener of listeners) listener(trouble);
    if (current.get(kind) === trouble) return;
    current.set(kind, trouble);
    if (kind === 'state') {
      logger.error({ calls: 'all', trouble }, message);
      return;
    }
    const reason = cause instanceof Error ? cause.message : undefined;
    logger.error({ calls: kind, trouble, reason }, 'the store cannot be used');
  }

  return {
    onTrouble: (listener) => void listeners.push(listener),
    noteState(failure) {
      if (failure === undefined) noteRecovery('state');
      else note('state', failure);
    },
    store: {
      ...store,
      read: (keys) => watched('read', store.read(keys)),
      list: (index, options) => watched('read', store.list(index, options)),
      commit: (writes) => watched('write', store.commit(writes)),
      count: (key, options) => watched(options.by === 0 ? 'read' : 'write', store.count(key, options)),
    },
  };
}
