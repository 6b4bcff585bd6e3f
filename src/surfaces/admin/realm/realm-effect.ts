/** What a change of a realm, or of its section for an embed product, cuts. */
import type { RealmSettings } from '../../../registry/model/model.ts';
import { realmEffects } from '../../../registry/store/effects.ts';
import { clientNode } from '../../../revocation/nodes.ts';
import { cutBy, effectText, longestJwtLife } from '../shared/effects.ts';
import type { RealmCall } from '../shared/route.ts';

type Call = Pick<RealmCall, 'deps' | 'realm'>;
type Settings = RealmSettings | undefined;

/** The words for it; `undefined` when it cut nothing. `after` is absent when the realm is removed. */
export function realmEffect({ deps, realm }: Call, before: Settings, after: Settings): string | undefined {
  const cut = cutBy(realmEffects(deps.narrowing, realm.name, { before, after }), '');
  if (cut !== 'all') return undefined;
  return effectText({ cut, what: 'realm', jwtLife: longestJwtLife(realm), now: deps.clock() });
}

export function sectionEffect(
  { deps, realm }: Call,
  product: string,
  { before, after }: { readonly before: Settings; readonly after: Settings },
): string | undefined {
  const writes = realmEffects(deps.narrowing, realm.name, { before, after });
  const cut = cutBy(writes, clientNode(`compat:${product}`));
  if (cut === undefined) return undefined;
  return effectText({ cut, what: 'section', jwtLife: undefined, now: deps.clock() });
}
