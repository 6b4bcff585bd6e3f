/**
 * Removes a realm. It is dead at once; clearing away a large one takes minutes, and goes on after the answer. When the
 * process ends before that, the realm is still there, disabled: the same call goes on where it stopped.
 */
import { setTimeout } from 'node:timers/promises';
import { z } from 'zod';
import { effectHeader } from '../shared/effects.ts';
import { requireMatch } from '../shared/etag.ts';
import { refuseOwnEnd } from '../shared/granting.ts';
import type { Answer, RealmCall } from '../shared/route.ts';
import { realmEffect } from './realm-effect.ts';
import { withoutCompat } from './settings.ts';

export const removalShown = z.strictObject({
  removed: z.string(),
  isCleared: z.boolean(),
  effect: z.string(),
});

/** How long the answer waits for the end, in milliseconds. */
const PATIENCE_MS = 5_000;

export async function removeRealm(call: RealmCall): Promise<Answer> {
  const { realm, caller, changes, ctx, deps } = call;
  if (caller.realm === realm.name) refuseOwnEnd();
  let effect = '';
  await changes.updateRealm(realm.name, (before) => {
    requireMatch(ctx, deps.tag(withoutCompat(before)));
    effect = realmEffect(call, before, undefined) ?? '';
    return { ...before, enabled: false };
  });
  const removal = changes.removeRealm(realm.name);
  deps.background.run(async () => {
    await removal.catch((error: unknown) => {
      deps.logger.error(
        { realm: realm.name, err: error },
        'a realm could not be cleared away: remove it again',
      );
    });
  });
  const isCleared = await Promise.race([removal, setTimeout(PATIENCE_MS, undefined, { ref: false })]);
  const body = { removed: realm.name, isCleared: isCleared !== undefined, effect };
  return { status: body.isCleared ? 200 : 202, body, headers: effectHeader(effect) };
}
