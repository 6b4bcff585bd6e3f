/** The products whose calls are answered, a folder each. */
import { databrain } from './databrain/databrain.ts';
import { informer } from './informer/informer.ts';
import { semaphor } from './semaphor/semaphor.ts';
import type { Facade } from './shared/facade.ts';

export const facades: readonly Facade[] = [databrain, semaphor, informer];
