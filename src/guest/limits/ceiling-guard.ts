/** Refuses a mint under a ceiling that was narrowed after the ceiling was read. */

import { Failure } from '../../base/errors.ts';
import { ceilingNode } from '../../revocation/nodes.ts';
import type { Refusal, Write } from '../../storage/port/port.ts';
import type { GuestRealm, Minter } from './guest-realm.ts';

export function ceilingGuards({ name }: GuestRealm, { clientId, readAt }: Minter): readonly Write[] {
  return readAt === undefined ? [] : [{ guard: ceilingNode(clientId), realm: name, since: readAt }];
}

/**
 * The failure when a commit was refused for that. The ceiling as it is now is known in a moment, so the caller may
 * try again.
 */
export function ceilingFault({ step }: Refusal, writes: readonly Write[]): Failure | undefined {
  const write = writes[step];
  const isCeiling = write !== undefined && 'guard' in write && write.guard.startsWith(ceilingNode(''));
  return isCeiling ? new Failure('busy', 'what the client may mint has just changed, try again') : undefined;
}
