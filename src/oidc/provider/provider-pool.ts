/**
 * Providers of the realms in use, built on demand and kept in a bounded LRU. A changed realm gets a new provider at
 * its next request; nobody waits, and no request in flight is dropped.
 */
import { LRUCache } from 'lru-cache';
import type { KeyRing } from '../../keys/key-ring.ts';
import type { Api } from '../../registry/model/model.ts';
import type { RealmView } from '../../registry/model/realm-view.ts';
import { profileOf } from '../profiles/profile-of.ts';
import { internalClients } from '../realm/internal-clients.ts';
import { type OidcDeps, type RealmContext, realmApi } from '../realm/realm-context.ts';
import { signingAlgorithmsOf } from '../realm/signing-algorithms.ts';
import type { UiPort } from '../realm/ui-port.ts';
import { createProvider, type RealmProvider } from './provider.ts';

const MAX_PROVIDERS = 1000;

/** A provider with the algorithms that its realm needs keys for. */
type Pooled = {
  readonly provider: RealmProvider;
  readonly algorithms: ReturnType<typeof signingAlgorithmsOf>;
};

export type ProviderPool = ReturnType<typeof createProviderPool>;

export function createProviderPool(deps: OidcDeps & { readonly keyRing: KeyRing; readonly ui: UiPort }) {
  const providers = new LRUCache<string, Pooled>({ max: MAX_PROVIDERS });

  /** The provider of the realm as it is now; `undefined` when the realm does not exist. */
  async function find(name: string): Promise<RealmProvider | 'disabled' | undefined> {
    const view = await deps.registry.findRealm(name);
    if (view === undefined) return undefined;
    if (!view.enabled) return 'disabled';
    const known = providers.get(name);
    const isSame = known?.provider.realm.view.revision === view.revision;
    const algorithms = isSame ? known.algorithms : signingAlgorithmsOf(view);
    const keys = await deps.keyRing.keysOf(name, algorithms);
    if (isSame && known.provider.realm.keys.revision === keys.revision) return known.provider;
    const provider = createProvider(contextOf(deps, view, keys), deps.ui);
    providers.set(name, { provider, algorithms });
    return provider;
  }

  return { find };
}

function contextOf(deps: OidcDeps, view: RealmView, keys: RealmContext['keys']): RealmContext {
  const issuer = `${deps.publicUrl}/realms/${view.name}`;
  const profile = profileOf(view.profile);
  const own = realmApi(issuer, profile);
  const internal = internalClients(issuer);
  const apis = new Map<string, Api>(view.apisByAudience);
  if (view.defaultApi === undefined) apis.set(own.audience, own);
  return {
    ...deps,
    name: view.name,
    issuer,
    view,
    profile,
    keys,
    defaultApi: view.defaultApi ?? own,
    permissionNames: view.permissionNames,
    apiOf: (audience) => apis.get(audience),
    findClient: async (id) => internal.get(id) ?? (await deps.registry.findClient(view.name, id)),
  };
}
