/** How many tokens a client may mint: as many as the realm allows, or fewer. Each client has a quota of its own. */
import type { Quotas } from '../../limits/quotas.ts';
import type { LimitState } from '../../limits/too-many.ts';
import type { Quota } from '../../registry/model/model.ts';
import type { GuestRealm, Minter } from './guest-realm.ts';

const NAME = 'guest-tokens';

type Minting = { readonly realm: GuestRealm; readonly minter: Minter };

/**
 * Runs `make` and counts what it makes against the minter's quota; a failure is not counted. `limit` is absent
 * without a quota. Rejects with `TooMany` before anything is made, and with whatever `make` rejects with.
 */
export async function counted<T>(
  quotas: Quotas,
  { realm, minter }: Minting,
  make: () => Promise<T>,
): Promise<{ readonly made: T; readonly limit: LimitState | undefined }> {
  const quota = lesser(realm.quota, minter.ceiling.perMinute ?? 'unlimited');
  if (quota === 'unlimited') return { made: await make(), limit: undefined };
  const limited = { name: NAME, realm: realm.name, owner: minter.clientId };
  const taken = await quotas.take(limited, quota);
  try {
    return { made: await make(), limit: taken.limit };
  } catch (error) {
    taken.giveBack();
    throw error;
  }
}

function lesser(one: Quota, other: Quota): Quota {
  if (one === 'unlimited') return other;
  return other === 'unlimited' ? one : Math.min(one, other);
}
