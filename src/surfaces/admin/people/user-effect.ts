/** What a change of a user cuts. */
import type { User } from '../../../registry/model/model.ts';
import { userEffects } from '../../../registry/store/effects.ts';
import { userNode } from '../../../revocation/nodes.ts';
import { cutBy, effectText, longestJwtLife } from '../shared/effects.ts';
import type { RealmCall } from '../shared/route.ts';

/** To be called before the change: afterwards the sessions are gone. */
export async function userEffect({ deps, realm }: Pick<RealmCall, 'deps' | 'realm'>, id: string) {
  const provider = await deps.pool.find(realm.name);
  const isAlive = provider !== undefined && provider !== 'disabled';
  const sessions = isAlive ? (await provider.sessions.list(id)).length : undefined;
  let before: User | undefined;

  /** The user before the change: of several tries the last one counts. */
  function note(stored: User): void {
    before = stored;
  }

  /** The words for it; `undefined` when it cut nothing. `after` is absent when the user was removed. */
  function of(after: User | undefined, alsoCut = false): string | undefined {
    const node = userNode(id);
    const cut = alsoCut ? 'all' : cutBy(userEffects(realm.name, id, { before, after }), node);
    if (cut === undefined) return undefined;
    return effectText({ cut, what: 'user', sessions, jwtLife: longestJwtLife(realm), now: deps.clock() });
  }

  return { note, of };
}
