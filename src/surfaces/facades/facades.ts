import type { Context } from 'koa';
import { databrain } from './databrain/databrain.ts';
import { informer } from './informer/informer.ts';
import { semaphor } from './semaphor/semaphor.ts';
import type { FacadeCall } from './shared/facade.ts';

const facades = [databrain, semaphor, informer];

/** Answers what lies at an address (relative to the realm) of one of the products; `false` for everything else. */
export async function answerFacades(call: FacadeCall, path: string): Promise<boolean> {
  for (const facade of facades) if (await facade.answer(call, path)) return true;
  return false;
}

/** Says in the product's words that the store cannot be reached. */
export function tellOutage(ctx: Context, path: string): void {
  facades.find((facade) => facade.knows(path))?.tell(ctx, 'unavailable');
}

/** True for the paths of the products. */
export function isFacadePath(path: string): boolean {
  return facades.some((facade) => facade.knows(path));
}
