import { z } from 'zod';
import type { Logger } from '../../observability/logger.ts';
import type { Store } from '../../storage/port/port.ts';
import { TOPIC } from './records.ts';

const changeSchema = z.object({
  what: z.enum(['realm', 'client', 'user', 'keys']),
  id: z.string().optional(),
});

/** One changed thing, as listeners and other processes hear of it. `id` names a client or user. */
export type Changed = Readonly<z.infer<typeof changeSchema>>;

/** Called for changes made in any process, sometimes twice for one. `id` names the client or user. */
export type ChangeListener = (realm: string, what: Changed['what'], id?: string) => void;

export type ChangeFeed = ReturnType<typeof createChangeFeed>;

/**
 * Delivers changes: those of this process before the caller of the change goes on, those of others through the store.
 */
export function createChangeFeed({ store, logger }: { store: Store; logger: Logger }) {
  const listeners = new Set<{
    onChange: ChangeListener;
    onGap: (() => void) | undefined;
    onDoubt: (() => void) | undefined;
  }>();

  const close = store.subscribe(TOPIC, {
    onMessage: ({ realm, message }) => hear(realm, message),
    onGap: forget,
    onDoubt: distrust,
  });

  function hear(realm: string, message: string): void {
    const changed = changeSchema.safeParse(JSON.parse(message));
    // A newer version may publish things that this one does not know.
    if (changed.success) announce(realm, changed.data);
    else forget();
  }

  function announce(realm: string, { what, id }: Changed): void {
    for (const { onChange } of listeners) onChange(realm, what, id);
  }

  function forget(): void {
    logger.info('changes of realms may have been missed: what was remembered is read again');
    for (const { onGap } of listeners) onGap?.();
  }

  function distrust(): void {
    logger.warn('changes of realms may be missed: nothing is remembered until they are heard again');
    for (const { onDoubt } of listeners) onDoubt?.();
  }

  /** `onDoubt`: changes may be missed from now on, until `onGap`. */
  function onChange(listener: ChangeListener, onGap?: () => void, onDoubt?: () => void): () => void {
    const entry = { onChange: listener, onGap, onDoubt };
    listeners.add(entry);
    return () => listeners.delete(entry);
  }

  return { announce, onChange, close };
}
