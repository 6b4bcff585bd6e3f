/**
 * One revision of a realm as an OpenID provider. Immutable: a change of the realm makes a new one, and requests in
 * flight finish on the old one.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { Provider } from 'oidc-provider';
import { Failure } from '../../base/errors.ts';
import { isPreviousSecretOf } from '../../registry/model/client-secrets.ts';
import type { Client } from '../../registry/model/model.ts';
import { clientNode, endSession } from '../../revocation/nodes.ts';
import { createUnitOfWork, type UnitOfWork } from '../../storage/port/unit-of-work.ts';
import type { ClientAuthDeps } from '../client-auth/authenticate.ts';
import { takeDoubledSecretOnce } from '../client-auth/doubled-secret.ts';
import { takeClientByName } from '../client-auth/named-client.ts';
import { toMetadata } from '../clients/client-metadata.ts';
import { createInitialAccessToken, registerClient } from '../clients/registration.ts';
import { holdErrorsOfStrangers } from '../clients/trust.ts';
import { mountPipeline } from '../endpoints/pipeline.ts';
import { createFastPath, type FastPathRequest } from '../fast-path/fast-path.ts';
import { passwordGrant } from '../grants/password.ts';
import { tokenExchangeGrant } from '../grants/token-exchange.ts';
import { protocolStateOf } from '../http/protocol-state.ts';
import { type Approvals, createApprovals } from '../interaction/approvals.ts';
import { fillInUserCode } from '../interaction/device.ts';
import { createInteractions, type Interactions } from '../interaction/interactions.ts';
import { limitPollInterval } from '../interaction/poll-interval.ts';
import { adjustModels } from '../library/internals.ts';
import { remoteKeyFinder } from '../library/remote-keys.ts';
import { refreshHashOf } from '../profiles/refresh-shape.ts';
import { isFirstUse } from '../proofs/replay.ts';
import type { RealmContext } from '../realm/realm-context.ts';
import type { UiPort } from '../realm/ui-port.ts';
import { createAdapterFactory } from '../records/adapter.ts';
import { type Consents, createConsents } from '../records/consents.ts';
import { limitStrangerWrites } from '../records/stranger-writes.ts';
import { logoutWithoutSession } from '../sessions/logout.ts';
import { tellOfLogout } from '../sessions/logout-notices.ts';
import { createSelfService, type SelfService } from '../sessions/self-service.ts';
import { announceSession } from '../sessions/session-iframe.ts';
import { createSessions, type Sessions } from '../sessions/sessions.ts';
import { withdrawnHints } from '../sessions/withdrawn-hint.ts';
import { userOf } from '../tokens/token-claims.ts';
import { type ClientProblem, clientChecker } from './client-problem.ts';
import { configurationOf } from './configuration.ts';

export type RealmProvider = {
  readonly realm: RealmContext;
  readonly interactions: Interactions;
  /** What the library has against a client, which need not be in the registry. */
  problemOfClient(client: Client): ClientProblem | undefined;
  readonly sessions: Sessions;
  readonly consents: Consents;
  readonly approvals: Approvals;
  readonly selfService: SelfService;
  /**
   * Makes a token to register clients with for `ttl` seconds. Rejects with `Failure('invalid_input')` where
   * registration is off.
   */
  createInitialAccessToken(life: { readonly ttl: number }): Promise<string>;
  /** The parts that authenticate this realm's clients outside the library's endpoints. */
  readonly clientAuth: ClientAuthDeps;
  /** Answers the most frequent requests on the fast path; `false` leaves the request as it came. */
  tryFastPath(request: FastPathRequest): Promise<boolean>;
  /** Answers a request whose `url` is relative to the realm. */
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
};

export function createProvider(realm: RealmContext, ui: UiPort): RealmProvider {
  let made: Assembled | undefined;
  // The library's part takes milliseconds to build, and the fast path does without it.
  const parts = () => {
    made ??= assemble(realm, ui);
    return made;
  };
  const findRemoteKeys = remoteKeyFinder(() => parts().provider);
  return {
    realm,
    get sessions() {
      return parts().sessions;
    },
    get consents() {
      return parts().consents;
    },
    get approvals() {
      return parts().approvals;
    },
    get selfService() {
      return parts().selfService;
    },
    get interactions() {
      return parts().interactions;
    },
    problemOfClient: (client) => clientChecker(parts().provider, realm)(client),
    createInitialAccessToken: (life) => createInitialAccessToken(realm, parts().provider, life),
    clientAuth: { realm, findRemoteKeys },
    tryFastPath: createFastPath(realm, { provider: () => parts().provider, findRemoteKeys }),
    handle: (request, response) => parts().handle(request, response),
  };
}

type Assembled = ReturnType<typeof assemble>;

function assemble(realm: RealmContext, ui: UiPort) {
  const provider = configured(realm, ui);
  const consents = createConsents(realm.store, realm.name);
  const sessions = createSessions(realm, provider);
  return {
    provider,
    consents,
    sessions,
    handle: provider.callback(),
    approvals: createApprovals(realm, provider),
    selfService: createSelfService({ realm, provider, consents, sessions }),
    interactions: createInteractions({ realm, provider, consents, sessions }),
  };
}

function configured(realm: RealmContext, ui: UiPort): Provider {
  const provider: Provider = new Provider(realm.issuer, configurationOf(realm, adapterOf(realm), ui));
  // Addresses and cookies follow the public URL, which trusted-proxy.ts has put into the request's headers.
  provider.proxy = true;
  adjustModels(provider, {
    secret: realm.keys.secret,
    refreshHashOf: (presented) => refreshHashOf(presented, realm.keys.secret),
    sessionIdFor: (uid, clientId) => realm.profile.sessionIds.idOf(uid, clientId, realm.keys.secret),
    sessionEnded: async (uid) => {
      await realm.store.commit([endSession(realm.name, uid)]);
    },
    isPreviousSecret: async (clientId, given) => {
      const client = await realm.findClient(clientId);
      return client !== undefined && isPreviousSecretOf(client, given, realm.clock());
    },
    isFirstUse: (issuer, jti, expiresAt) => isFirstUse(realm, issuer, jti, expiresAt),
    // Introspection learns from them, without another round trip, what the token still gives.
    refreshExtras: (ctx) => ({ extra: { roles: userOf(ctx)?.roles ?? [] } }),
    tellOfLogout: (notice) => tellOfLogout(realm, notice),
  });
  for (const grant of [passwordGrant, tokenExchangeGrant]) {
    provider.registerGrantType(grant.name, grant.handler(realm), grant.parameters, grant.mayRepeat);
  }
  holdErrorsOfStrangers(provider);
  mountPipeline(provider, realm, ui);
  announceSession(provider, realm);
  limitPollInterval(provider, realm);
  provider.use(withdrawnHints(realm));
  provider.use(logoutWithoutSession(realm, ui));
  provider.use(fillInUserCode);
  provider.use(takeDoubledSecretOnce(realm));
  provider.use(takeClientByName(realm));
  return provider;
}

/**
 * Clients are cached. A client that lost a permission in another process was cut there: a write of this process that
 * relies on the cached client is refused, and the next request reads the client anew.
 */
function guardClient(realm: Pick<RealmContext, 'name' | 'registry'>, client: Client, unit: UnitOfWork): void {
  const readAt = realm.registry.readAt(client);
  if (readAt === undefined) return;
  unit.guard(realm.name, clientNode(client.id), readAt, () => {
    realm.registry.forgetClient(realm.name, client.id);
    return new Failure('unavailable', 'the client has just changed');
  });
}

function adapterOf(realm: RealmContext) {
  const { registry, name, store } = realm;
  const currentUnit = () =>
    (Provider.ctx && protocolStateOf(Provider.ctx).unit) ?? createUnitOfWork(store, { deferred: false });
  return createAdapterFactory({
    realm: name,
    secret: realm.keys.secret,
    unit: currentUnit,
    agent: () => Provider.ctx?.get('user-agent').slice(0, 256),
    findClientMetadata: async (id) => {
      const client = await realm.findClient(id);
      if (client?.enabled !== true) return undefined;
      guardClient(realm, client, currentUnit());
      return toMetadata(client, realm.view);
    },
    admitWrite: limitStrangerWrites(realm),
    registerClient: (id, metadata) => registerClient(realm, id, metadata),
    removeClient: async (id) => {
      await registry.removeClient(name, id);
      currentUnit().unguard(clientNode(id));
    },
  });
}
