import { Problem } from '../../../http/problem.ts';
import type { RealmProvider } from '../../../oidc/provider/provider.ts';
import type { RealmCall } from './route.ts';

/** What serves the realm of a call. A disabled realm has no living token and no session: it is refused with 409. */
export async function aliveProvider({
  deps,
  realm,
}: Pick<RealmCall, 'deps' | 'realm'>): Promise<RealmProvider> {
  const provider = await deps.pool.find(realm.name);
  if (provider === undefined || provider === 'disabled') {
    throw new Problem('conflict', 'the realm is disabled: nothing in it is alive');
  }
  return provider;
}
