import { Failure } from '../../base/errors.ts';
import type { RealmContext } from '../../oidc/realm/realm-context.ts';
import type { Services } from '../../services.ts';
import { withServices } from './with-services.ts';

/** Runs `work` on an enabled realm as requests see it, with its keys. Rejects with `Failure` for any other. */
export function withRealm<T>(
  name: string,
  work: (realm: RealmContext, services: Services) => Promise<T>,
): Promise<T> {
  return withServices(async (services) => {
    const [{ createProviderPool }, { ui }] = await Promise.all([
      import('../../oidc/provider/provider-pool.ts'),
      import('../../surfaces/pages/screens.ts'),
    ]);
    const pool = createProviderPool({ ...services.settings, ...services, ui });
    const provider = await pool.find(name);
    if (provider === undefined) throw new Failure('not_found', `realm "${name}" does not exist`);
    if (provider === 'disabled') {
      throw new Failure('forbidden', `realm "${name}" is disabled: nothing in it is alive`);
    }
    return work(provider.realm, services);
  });
}
