/** What a change of a client cuts. */
import type { Client } from '../../../registry/model/model.ts';
import { clientEffects } from '../../../registry/store/effects.ts';
import { clientNode } from '../../../revocation/nodes.ts';
import { cutBy, effectText, longestJwtLife } from '../shared/effects.ts';
import type { RealmCall } from '../shared/route.ts';

export function clientEffect({ deps, realm }: Pick<RealmCall, 'deps' | 'realm'>, id: string) {
  let before: Client | undefined;

  /** The client before the change: of several tries the last one counts. */
  function note(stored: Client): void {
    before = stored;
  }

  /** The words for it; `undefined` when it cut nothing. `after` is absent when the client was removed. */
  function of(after: Client | undefined): string | undefined {
    const writes = clientEffects(deps.narrowing, realm.name, { id, before, after });
    const cut = cutBy(writes, clientNode(id));
    if (cut === undefined) return undefined;
    return effectText({ cut, what: 'client', jwtLife: longestJwtLife(realm), now: deps.clock() });
  }

  return { note, of };
}
