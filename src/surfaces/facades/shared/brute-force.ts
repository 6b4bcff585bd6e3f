/** Wrong keys and secrets of the embed products: who guesses is soon not listened to any more. */

import { annotate } from '../../../http/request-state.ts';
import type { AttemptSource } from '../../../limits/brute-force.ts';
import { networkOf } from '../../../limits/network.ts';
import type { FacadeCall } from './facade.ts';

/**
 * The outcome of `check`, whose `undefined` is a wrong credential for `target`. Rejects with `TooMany` for who was
 * wrong too often; right credentials are refused then as well, unseen, or it would not slow anybody down.
 */
export async function guardedAttempt<T>(
  { bruteForce, ctx, realm }: FacadeCall,
  target: string,
  check: () => Promise<T | undefined> | T | undefined,
): Promise<T | undefined> {
  const network = networkOf(ctx.get('X-Forwarded-For'));
  const attemptSource: AttemptSource = { kind: 'api_key', realm: realm.view.name, target, network };
  const note = () => annotate(ctx.req, { wrong: attemptSource.kind });
  if (bruteForce.isBlocked(attemptSource)) note();
  bruteForce.admit(attemptSource);
  const found = await check();
  if (found !== undefined) return found;
  note();
  await bruteForce.wrong(attemptSource);
  return undefined;
}
