import type { KoaContextWithOIDC } from 'oidc-provider';
import type { User } from '../../registry/model/model.ts';
import type { RealmContext } from '../realm/realm-context.ts';
import { type ClaimsPolicy, createAccount, type DaypassAccount } from './claims.ts';
import { sessionIdFor } from './session-ids.ts';

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
    idTokenExtras: (ctx) => strictIdToken(realm, ctx),
  };
}

/** So that what is made from an ID token can end with its session, whether or not the client is told of logouts. */
function strictIdToken(realm: RealmContext, ctx: KoaContextWithOIDC): Record<string, unknown> {
  const { client, entities } = ctx.oidc;
  const uid = entities.AccessToken?.sessionUid;
  return uid === undefined || client === undefined ? {} : { sid: sessionIdFor(realm, uid, client.clientId) };
}

function keycloakIdToken(ctx: KoaContextWithOIDC): Record<string, unknown> {
  const uid = ctx.oidc.entities.AccessToken?.sessionUid;
  return {
    typ: 'ID',
    azp: ctx.oidc.client?.clientId,
    ...(uid === undefined ? {} : { sid: uid, session_state: uid }),
  };
}
