import type { KoaContextWithOIDC } from 'oidc-provider';
import type { User } from '../../registry/model/model.ts';
import type { RealmContext } from '../realm/realm-context.ts';
import { createAccount, type DaypassAccount } from './claims.ts';

/** The library's account for a user of this realm, with the claims its profile and client call for. */
export function accountOf(
  realm: Pick<RealmContext, 'profile' | 'keys' | 'view'>,
  ctx: KoaContextWithOIDC,
  user: User,
): DaypassAccount {
  return createAccount(ctx, user, realm);
}

/** The library's `findAccount`: users that are disabled do not exist for it. */
export function accountFinder(realm: Pick<RealmContext, 'name' | 'profile' | 'keys' | 'registry' | 'view'>) {
  return async function findAccount(ctx: KoaContextWithOIDC, id: string) {
    const known = ctx.oidc.account;
    if (known?.accountId === id) return known;
    const user = await realm.registry.findUser(realm.name, id);
    return user?.enabled === true ? accountOf(realm, ctx, user) : undefined;
  };
}
