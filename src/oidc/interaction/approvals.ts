/** CIBA requests that wait for a person's decision: lists and answers them at the account page. */
import { type BackchannelAuthenticationRequest, errors, type Provider } from 'oidc-provider';
import { epochSeconds } from '../../base/clock.ts';
import { Failure } from '../../base/errors.ts';
import type { RequestSource } from '../../observability/request-source.ts';
import type { RealmContext } from '../realm/realm-context.ts';
import { createKeyedReferences } from '../records/keyed-references.ts';
import type { SignedIn } from '../sessions/self-service.ts';
import { pendingRequestsOf } from './ciba.ts';
import { fillGrant, grantableOf } from './grant-builder.ts';

/** Times are seconds since the epoch. */
export type PendingApproval = {
  readonly id: string;
  readonly clientId: string;
  readonly scopes: readonly string[];
  readonly message: string | undefined;
  readonly expiresAt: number;
};

const MAX_PENDING = 50;

export type Approvals = ReturnType<typeof createApprovals>;

/** The session that somebody approves in; what it was worth at login, the approval is worth. */
type Session = Pick<SignedIn, 'uid' | 'startedAt' | 'context'> & { readonly source: RequestSource };

export function createApprovals(realm: RealmContext, provider: Provider) {
  const indexOf = (userId: string) => pendingRequestsOf(realm.name, userId);
  const find = requestFinder(realm, provider);

  async function list(userId: string): Promise<readonly PendingApproval[]> {
    const { members } = await realm.store.list(indexOf(userId), { limit: MAX_PENDING });
    const found = await Promise.all(members.map(async (id) => describe(id, await find(userId, id))));
    return found.filter((pending) => pending !== undefined);
  }

  async function approve(userId: string, id: string, session: Session): Promise<void> {
    const { uid, startedAt, context, source } = session;
    const request = await required(userId, id);
    const grant = await grantOf(realm, provider, request);
    await provider.backchannelResult(request, grant, {
      ...context,
      authTime: startedAt || epochSeconds(realm.clock),
      sessionUid: uid,
    });
    await forget(userId, id);
    emit('consent.given', request, source);
  }

  async function deny(userId: string, id: string, { source }: Pick<Session, 'source'>): Promise<void> {
    const request = await required(userId, id);
    await provider.backchannelResult(request, new errors.AccessDenied('the end-user denied the request'));
    await forget(userId, id);
    emit('consent.declined', request, source);
  }

  function emit(
    type: 'consent.given' | 'consent.declined',
    { accountId: user = '', clientId: client = '', scopes }: BackchannelAuthenticationRequest,
    source: RequestSource,
  ): void {
    realm.events.emit({ type, realm: realm.name, user, client, scope: [...scopes].join(' '), source });
  }

  async function required(userId: string, id: string): Promise<BackchannelAuthenticationRequest> {
    const request = await find(userId, id);
    if (request === undefined) throw new Failure('not_found', 'this request is not waiting any more');
    return request;
  }

  async function forget(userId: string, id: string): Promise<void> {
    await realm.store.commit([{ unindex: indexOf(userId), member: id }]);
  }

  return { list, approve, deny };
}

/** Finds a request of this user that was not answered yet. */
function requestFinder(realm: Pick<RealmContext, 'keys'>, provider: Provider) {
  const handles = createKeyedReferences(realm.keys.secret);
  return async function find(
    userId: string,
    id: string,
  ): Promise<BackchannelAuthenticationRequest | undefined> {
    const request = await provider.BackchannelAuthenticationRequest.find(handles.handle(id));
    const isOpen =
      request?.accountId === userId && request.grantId === undefined && request.error === undefined;
    return isOpen ? request : undefined;
  };
}

function describe(
  id: string,
  request: BackchannelAuthenticationRequest | undefined,
): PendingApproval | undefined {
  if (request === undefined) return undefined;
  const message = request.params?.['binding_message'];
  return {
    id,
    clientId: request.clientId ?? '',
    scopes: [...request.scopes],
    message: typeof message === 'string' ? message : undefined,
    expiresAt: request.exp ?? 0,
  };
}

async function grantOf(realm: RealmContext, provider: Provider, request: BackchannelAuthenticationRequest) {
  const { accountId = '', clientId = '', resource = [] } = request;
  const user = await realm.registry.findUser(realm.name, accountId);
  const client = await realm.findClient(clientId);
  if (user === undefined || client === undefined) throw new Failure('not_found', 'nobody waits any more');
  const grant = new provider.Grant({ accountId, clientId });
  const resources = typeof resource === 'string' ? [resource] : resource;
  fillGrant(grant, grantableOf(realm, { user, client, scopes: request.scopes, resources, claims: [] }));
  await grant.save();
  return grant;
}
