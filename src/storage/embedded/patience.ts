import { setTimeout } from 'node:timers/promises';
import { StoreFailure } from '../port/trouble.ts';

/** How long a call waits for another process to give back the lock; well inside the two seconds that the port allows. */
const PATIENCE_MS = 1000;
const PAUSE_MS = 20;

/**
 * Tries a call again as long as another process holds the lock. It waits on a timer: inside SQLite the whole process
 * would wait.
 */
export async function patiently<T>(call: () => T): Promise<T> {
  for (let left = PATIENCE_MS / PAUSE_MS; ; left -= 1) {
    try {
      return call();
    } catch (error) {
      if (left <= 0 || !(error instanceof StoreFailure && error.trouble === 'locked')) throw error;
    }
    await setTimeout(PAUSE_MS);
  }
}
