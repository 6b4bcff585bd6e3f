/** The rows of the account page. */

import type { RealmProvider } from '../../../oidc/provider/provider.ts';
import { ACCOUNT_CLIENT } from '../../../oidc/realm/internal-clients.ts';
import type { RealmContext } from '../../../oidc/realm/realm-context.ts';
import type { SignedIn } from '../../../oidc/sessions/self-service.ts';
import type { Client } from '../../../registry/model/model.ts';
import type { ScopeAsked } from '../ui/consent-facts.ts';
import type { AccountData } from './account-page.ts';

export async function sessionRows(
  { realm, sessions }: RealmProvider,
  who: SignedIn,
): Promise<AccountData['sessions']> {
  const list = await sessions.list(who.user.id, who.uid);
  return Promise.all(
    list.map(async (session) => ({
      id: session.uid,
      agent: session.agent,
      startedAt: session.startedAt,
      clientNames: await namesOf(realm, session.clientIds),
      isCurrent: session.uid === who.uid,
    })),
  );
}

export async function consentRows(
  { realm, consents }: RealmProvider,
  who: SignedIn,
): Promise<AccountData['consents']> {
  const list = await consents.list(who.user.id);
  return Promise.all(
    list.map(async ({ clientId, scope, givenAt }) => {
      const client = await realm.findClient(clientId);
      return {
        ...presentClient(client, clientId),
        clientId,
        isVerified: client?.registered === undefined,
        scopes: scopesOf(realm, scope.split(' ')),
        givenAt,
      };
    }),
  );
}

export async function pendingRows(
  { realm, approvals }: RealmProvider,
  who: SignedIn,
): Promise<AccountData['pending']> {
  const list = await approvals.list(who.user.id);
  return Promise.all(
    list.map(async (pending) => ({
      ...presentClient(await realm.findClient(pending.clientId), pending.clientId),
      id: pending.id,
      bindingMessage: pending.message,
      scopes: scopesOf(realm, pending.scopes),
      expiresAt: pending.expiresAt,
    })),
  );
}

async function namesOf(
  realm: Pick<RealmContext, 'findClient'>,
  clientIds: readonly string[],
): Promise<readonly string[]> {
  const shown = clientIds.filter((id) => id !== ACCOUNT_CLIENT);
  return Promise.all(shown.map(async (id) => presentClient(await realm.findClient(id), id).clientName));
}

function scopesOf(realm: Pick<RealmContext, 'view'>, names: readonly string[]): readonly ScopeAsked[] {
  const permissions = realm.view.apis.flatMap((api) => api.permissions);
  return names
    .filter((name) => name !== '')
    .map((name) => ({ name, description: permissions.find((one) => one.name === name)?.description }));
}

function presentClient(client: Client | undefined, id: string) {
  return { clientName: client?.clientName ?? id, clientLogo: client?.logoUri };
}
