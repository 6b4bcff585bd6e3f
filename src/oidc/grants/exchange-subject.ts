/**
 * The subject of an exchange for another API: a living access token of this realm, of a user or a service, that the
 * client may use. Dead, bound to somebody else and not this client's to exchange are one answer (RFC 8693 §2.2.2).
 */
import { errors, type KoaContextWithOIDC } from 'oidc-provider';
import { epochSeconds } from '../../base/clock.ts';
import { Failure } from '../../base/errors.ts';
import { sha256 } from '../../base/hash.ts';
import type { Client, User } from '../../registry/model/model.ts';
import { parentNode } from '../../revocation/guest-nodes.ts';
import { clientNode, nodesOf, tokenKey } from '../../revocation/nodes.ts';
import { mayIntrospect, subjectOf } from '../../tokens/introspection.ts';
import type { TokenRecord } from '../../tokens/record.ts';
import { isHeldBy, type Possession, usableToken } from '../../tokens/usable.ts';
import { unitOf } from '../http/protocol-state.ts';
import type { RealmContext } from '../realm/realm-context.ts';
import { consentModeOf } from '../records/consents.ts';
import { notExchangeable } from './token-types.ts';

/** How often a token can be exchanged onwards: each time lengthens `act` and the list of nodes that it hangs under. */
const MAX_EXCHANGES = 8;

export type ExchangeSubject = {
  readonly record: TokenRecord;
  /** The nodes that the new token hangs under, besides those of its own client, user, session and grant. */
  readonly under: readonly string[];
  /** Whom the token is about. */
  readonly owner: { readonly user: User } | { readonly service: Client };
  /** The audience of each API and the permissions that the person agreed to; absent where nobody is asked. */
  readonly agreed?: (audience: string) => ReadonlySet<string>;
};

type Realm = Pick<RealmContext, 'name' | 'view' | 'registry' | 'clock' | 'findClient'>;
type Shown = { readonly value: string; readonly client: Client; readonly proven: Possession };

export async function exchangeSubject(
  realm: Realm,
  ctx: KoaContextWithOIDC,
  { value, client, proven }: Shown,
): Promise<ExchangeSubject> {
  const hash = sha256(value);
  const document = await unitOf(ctx).read(tokenKey(realm.name, hash));
  const record = usableToken(document, { now: epochSeconds(realm.clock), proven });
  if (record === undefined || !mayUse(realm, client, record) || !isHeldBy(client.id, record, proven))
    throw notExchangeable();
  const { under = [], accountId } = record;
  if (under.filter((node) => node.startsWith(parentNode(''))).length >= MAX_EXCHANGES)
    throw new errors.InvalidRequest('subject_token was exchanged too often');
  const above = { record, under: [...new Set([parentNode(hash), ...nodesAbove(record), ...under])] };
  return accountId === undefined
    ? { ...above, owner: { service: await serviceOf(realm, ctx, subjectOf(record)) } }
    : { ...above, ...(await personOf(realm, ctx, record, accountId)) };
}

/**
 * A client may use the tokens that were issued to it, and those for the APIs that it introspects: those it is given as
 * such an API. It cannot use what was meant for another API, though somebody handed it over.
 */
export function mayUse({ view }: Pick<Realm, 'view'>, client: Client, record: TokenRecord): boolean {
  const apis = view.apis.filter(({ id }) => client.introspects.includes(id));
  const audiences = new Set(apis.map(({ audience }) => audience));
  return mayIntrospect(record, { clientId: client.id, audiences });
}

/** Offline access outlives its session (OIDC Core §11), and so does what is made from it. */
export function sessionOf({ scope, sessionUid }: TokenRecord): string | undefined {
  return scope?.split(' ').includes('offline_access') === true ? undefined : sessionUid;
}

function nodesAbove(record: TokenRecord): readonly string[] {
  return nodesOf({ ...record, sessionUid: sessionOf(record) });
}

async function serviceOf(realm: Realm, ctx: KoaContextWithOIDC, id: string): Promise<Client> {
  const service = await realm.findClient(id);
  if (service?.enabled !== true) throw notExchangeable();
  // It is cached: a commit that relies on an outdated one is refused.
  const readAt = realm.registry.readAt(service);
  if (readAt !== undefined) {
    unitOf(ctx).guard(realm.name, clientNode(id), readAt, () => {
      realm.registry.forgetClient(realm.name, id);
      return new Failure('unavailable', 'the client has just changed');
    });
  }
  return service;
}

/**
 * The grant is of the client where the person signed in, however often the token was exchanged since: what a person
 * agreed to for a client stays the limit.
 */
async function personOf(
  realm: Realm,
  ctx: KoaContextWithOIDC,
  { grantId }: TokenRecord,
  accountId: string,
): Promise<Pick<ExchangeSubject, 'owner' | 'agreed'>> {
  const { Grant } = ctx.oidc.provider;
  const [user, grant] = await Promise.all([
    realm.registry.findUser(realm.name, accountId),
    grantId === undefined ? undefined : Grant.find(grantId),
  ]);
  const origin = await realm.findClient(grant?.clientId ?? '');
  if (user?.enabled !== true || grant === undefined || origin === undefined) throw notExchangeable();
  const owner = { user };
  if (consentModeOf(origin) === 'none') return { owner };
  return { owner, agreed: (audience) => new Set(grant.getResourceScope(audience).split(' ')) };
}
