import { Problem } from '../../../http/problem.ts';
import type { RealmContext } from '../../../oidc/realm/realm-context.ts';
import type { RealmCall } from '../shared/route.ts';

/** A disabled realm has no living token. */
export async function aliveRealm({ deps, realm }: Pick<RealmCall, 'deps' | 'realm'>): Promise<RealmContext> {
  const provider = await deps.pool.find(realm.name);
  if (provider === undefined || provider === 'disabled') {
    throw new Problem('conflict', 'the realm is disabled: nothing in it is alive');
  }
  return provider.realm;
}
