import { Failure } from '../../../base/errors.ts';
import type { Question } from '../../../oidc/interaction/interactions.ts';
import type { RealmContext } from '../../../oidc/realm/realm-context.ts';
import { permittedFor } from '../../../oidc/tokens/resources.ts';
import type { Client, User } from '../../../registry/model/model.ts';
import type { AuthorizationDetail, ScopeAsked } from '../ui/consent-facts.ts';
import type { ConsentData } from '../ui/render.ts';

/** What a person is asked to agree to: not more than they can give. */
export function consentData(
  realm: Pick<RealmContext, 'view' | 'permissionNames' | 'apiOf'>,
  question: Question,
  user: User,
): Omit<ConsentData, 'action' | 'csrf'> {
  const { client, params } = question;
  const { lifetimes } = realm.view;
  const offline = question.scopes.includes('offline_access');
  const redirectUri = params['redirect_uri'];
  return {
    client: {
      name: client.clientName ?? client.id,
      logo: client.logoUri,
      website: client.clientUri,
      policy: client.policyUri,
      tos: client.tosUri,
      isVerified: client.registered === undefined,
    },
    redirectUri: typeof redirectUri === 'string' ? redirectUri : undefined,
    userName: user.name ?? user.username,
    scopes: askedScopes(realm, question, client, user),
    authorizationDetails: question.details.map(asDetail),
    lasts: { seconds: offline ? lifetimes.offlineMax : lifetimes.sessionMax, offline },
  };
}

function askedScopes(
  realm: Pick<RealmContext, 'view' | 'permissionNames' | 'apiOf'>,
  question: Question,
  client: Client,
  user: User,
): readonly ScopeAsked[] {
  const apis = question.resources.flatMap((resource) => realm.apiOf(resource) ?? []);
  const permitted = apis.flatMap((api) => {
    const names = permittedFor(realm, api, client, user.roles);
    return api.permissions.filter((permission) => names.has(permission.name));
  });
  return question.scopes.flatMap((name) => {
    const permission = permitted.find((one) => one.name === name);
    if (permission !== undefined) return { name, description: permission.description };
    return realm.permissionNames.has(name) ? [] : { name };
  });
}

function asDetail(detail: unknown): AuthorizationDetail {
  if (typeof detail === 'object' && detail !== null && 'type' in detail && typeof detail.type === 'string') {
    return { ...detail, type: detail.type };
  }
  throw new Failure('invalid_input', 'authorization_details cannot be shown');
}
