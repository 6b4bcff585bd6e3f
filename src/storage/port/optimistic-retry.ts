/** Commits that rest on documents which others change at the same moment. */
import { Failure } from '../../base/errors.ts';
import type { Committed, Refusal, Store, Write } from './port.ts';

/** The most tries. */
export const MAX_TRIES = 200;

type Outcome<Made> = { readonly outcome: Committed | Refusal; readonly made: Made };

/**
 * Commits `writes` together with contested steps. When only the contested steps are refused, they are made anew and
 * the commit is tried again. `step` in a refusal counts in `writes`. Rejects with `Failure('busy')` when others were
 * faster every time.
 */
export async function commitWithRetry<Made>(
  store: Store,
  writes: readonly Write[],
  make: () => Promise<readonly [contested: readonly Write[], made: Made]>,
): Promise<Outcome<Made>> {
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const [contested, made] = await make();
    const outcome = await store.commit([...writes, ...contested]);
    if (outcome.ok || outcome.step < writes.length || !isConflict(outcome)) return { outcome, made };
  }
  throw new Failure('busy', 'too much is happening to these tokens at once, try again later');
}

/** Whether the commit was refused because a document has changed since it was read. */
export function isConflict({ reason }: Refusal): boolean {
  return reason === 'exists' || reason === 'changed' || reason === 'missing';
}
