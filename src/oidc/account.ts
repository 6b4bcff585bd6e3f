import type { KoaContextWithOIDC } from 'oidc-provider';
import type { User } from '../registry/model.ts';
import { type ClaimsPolicy, createAccount, type DaypassAccount } from './claims.ts';
import type { RealmContext } from './realm-context.ts';

/** The library's account for a user of this realm, with the claims its profile and client call for. */
export function accountOf(realm: RealmContext, ctx: KoaContextWithOIDC, user: User): DaypassAccount {
  return createAccount(ctx, user, policyOf(realm));
}

/** The library's `findAccount`: users that are disabled do not exist for it. */
export function accountFinder(realm: RealmContext) {
  return async function findAccount(ctx: KoaContextWithOIDC, id: string) {
    const known = ctx.oidc.account;
    if (known?.accountId === id) return known;
    const user = await realm.registry.findUser(realm.name, id);
    return user?.enabled === true ? accountOf(realm, ctx, user) : undefined;
  };
}

function policyOf(realm: RealmContext): ClaimsPolicy {
  if (realm.view.profile === 'keycloak') {
    return { scopesInIdToken: () => true, idTokenExtras: keycloakIdToken };
  }
  return {
    scopesInIdToken: (ctx) => ctx.oidc.client?.['claims_in_id_token'] === true,
    idTokenExtras: () => ({}),
  };
}

function keycloakIdToken(ctx: KoaContextWithOIDC): Record<string, unknown> {
  const uid = ctx.oidc.entities.AccessToken?.sessionUid;
  return {
    typ: 'ID',
    azp: ctx.oidc.client?.clientId,
    ...(uid === undefined ? {} : { sid: uid, session_state: uid }),
  };
}
