/** Limits wrong keys and secrets at the embed products' calls. */

import { annotate } from '../../../http/request-state.ts';
import type { AttemptSource } from '../../../limits/brute-force.ts';
import { isGenerated } from '../../../limits/generated.ts';
import { networkOf } from '../../../limits/network.ts';
import type { FacadeCall } from './facade.ts';

/**
 * Runs `check`, whose `undefined` means that `value` is a wrong credential for `target`. Rejects with `TooMany` for a
 * source that was wrong too often; then right credentials are refused too, unseen, except generated ones: the block
 * protects what can be guessed.
 */
export async function guardedAttempt<T>(
  { bruteForce, ctx, realm }: FacadeCall,
  { target, value }: { readonly target: string; readonly value: string },
  check: () => Promise<T | undefined> | T | undefined,
): Promise<T | undefined> {
  const network = networkOf(ctx.get('X-Forwarded-For'));
  const attemptSource: AttemptSource = { kind: 'api_key', realm: realm.view.name, target, network };
  const note = () => annotate(ctx.req, { wrong: attemptSource.kind });
  if (bruteForce.isBlocked(attemptSource) && !isGenerated(value)) {
    note();
    bruteForce.admit(attemptSource);
  }
  const found = await check();
  if (found !== undefined) return found;
  note();
  await bruteForce.wrong(attemptSource, value);
  return undefined;
}
