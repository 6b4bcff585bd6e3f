/** Introspection (RFC 7662) by one look-up of ours; signed when the caller asks for it (RFC 9701). */

import type { Context } from 'koa';
import type { KoaContextWithOIDC, Provider } from 'oidc-provider';
import { epochSeconds } from '../../base/clock.ts';
import { nodesToSubscribe } from '../../guest/record/guest-nodes.ts';
import { storedGuest } from '../../guest/record/guest-record.ts';
import { annotate, stateOf } from '../../http/request-state.ts';
import type { Client } from '../../registry/model/model.ts';
import { cutKeys } from '../../revocation/cut-keys.ts';
import { parentNode } from '../../revocation/guest-nodes.ts';
import { nodesOf, tokenKey } from '../../revocation/nodes.ts';
import type { Document } from '../../storage/port/port.ts';
import { withCurrentRights } from '../../tokens/current-rights.ts';
import { describeToken, INACTIVE, type Introspection, mayIntrospect } from '../../tokens/introspection.ts';
import { decodeToken, type TokenRecord } from '../../tokens/record.ts';
import { isLive } from '../../tokens/usable.ts';
import { isChainVerified } from '../client-auth/certificates.ts';
import { issueIntrospectionJwt } from '../library/internals.ts';
import { refreshHashOf } from '../profiles/refresh-shape.ts';
import type { RealmContext } from '../realm/realm-context.ts';
import { oidcScopeSet } from '../tokens/claims.ts';
import { pairwiseIdentifier } from '../tokens/pairwise.ts';
import { type Asking, introspectGuest } from './introspect-guest.ts';

const JWT = 'application/token-introspection+jwt';

/** Replaces the library's answer. The client has been authenticated when this runs. */
export async function answerIntrospection(realm: RealmContext, ctx: KoaContextWithOIDC): Promise<void> {
  const { client, params } = ctx.oidc;
  const caller = await realm.findClient(client?.clientId ?? '');
  const token = params?.['token'];
  if (client === undefined || caller === undefined || typeof token !== 'string') return;
  ctx.set('Cache-Control', 'no-store');
  if (client.clientAuthMethod === 'none') return refusePublic(realm, ctx);
  const isMutualTls =
    client.clientAuthMethod?.endsWith('tls_client_auth') === true && isChainVerified(realm, ctx.req.headers);
  const answer = await introspect(
    realm,
    ctx,
    { client: caller, isMutualTls, provider: () => ctx.oidc.provider },
    token,
  );
  ctx.status = 200;
  if (ctx.accepts('application/json', JWT) === JWT) {
    ctx.body = await issueIntrospectionJwt(ctx, answer);
    ctx.type = JWT;
  } else {
    ctx.body = answer;
  }
}

/** A public client only names itself (RFC 7662 §2.1: the caller must be authorized). */
function refusePublic(realm: Pick<RealmContext, 'profile'>, ctx: KoaContextWithOIDC): void {
  const { status, error, description } = realm.profile.errors.publicIntrospection;
  ctx.status = status;
  ctx.body = { error, error_description: description };
}

/** One look-up, one event; the caller has been authenticated. Both paths answer with this. */
export async function introspect(
  realm: RealmContext,
  ctx: Pick<Context, 'req'>,
  asking: Asking,
  token: string,
): Promise<Introspection> {
  const answer = await lookUp(realm, ctx, asking, token);
  const path = stateOf(ctx.req).answeredBy ?? 'library';
  const { active } = answer;
  realm.events.emit({
    type: 'token.introspected',
    realm: realm.name,
    path,
    client: asking.client.id,
    active,
  });
  return answer;
}

async function lookUp(
  realm: RealmContext,
  ctx: Pick<Context, 'req'>,
  asking: Asking,
  token: string,
): Promise<Introspection> {
  const { client: caller, provider } = asking;
  const hash = refreshHashOf(token, realm.keys.secret);
  const [document] = await realm.store.read([tokenKey(realm.name, hash)]);
  const guest = document && storedGuest(document, hash);
  if (guest !== undefined) {
    const answer = await introspectGuest(realm, ctx, asking, guest);
    return withCutKeys(realm, ctx, asking, { answer, nodes: () => nodesToSubscribe(guest.record) });
  }
  const record = document && decodeToken(document.value);
  if (document === undefined || record === undefined) return inactive(ctx, 'unknown token');
  const audiences = new Set(audiencesOf(realm, caller));
  if (!mayIntrospect(record, { clientId: caller.id, audiences })) return inactive(ctx, 'not for this caller');
  if (!isLive(document, record, epochSeconds(realm.clock))) return inactive(ctx, causeOfDeath(document));
  const current = withCurrentRights(record, realm.view, oidcScopeSet);
  const answer = describeToken(current, realm);
  if (!answer.active) return answer;
  const subject = await pairwiseSubject(realm, provider, record);
  const shown: Introspection = {
    ...answer,
    ...(subject === undefined ? {} : { sub: subject }),
    ...realm.profile.introspection.extras(realm, current),
  };
  return withCutKeys(realm, ctx, asking, {
    answer: shown,
    nodes: () => [...nodesOf(record), parentNode(hash), ...(record.under ?? [])],
  });
}

type Answered = { readonly answer: Introspection; readonly nodes: () => readonly string[] };

/** Adds `cut_keys`, for a caller that caches the answer and hears at `/events` what was cut. */
function withCutKeys(
  { keys }: Pick<RealmContext, 'keys'>,
  ctx: Pick<Context, 'req'>,
  { client }: Asking,
  { answer, nodes }: Answered,
): Introspection {
  if (!answer.active || stateOf(ctx.req).form?.get('cut_keys') !== 'true') return answer;
  return { ...answer, cut_keys: cutKeys(keys.secret, client.id, nodes()) };
}

/** One answer for every reason; the log line has the reason. */
function inactive(ctx: Pick<Context, 'req'>, reason: string): Introspection {
  annotate(ctx.req, { reason });
  return INACTIVE;
}

function causeOfDeath(document: Document): string {
  if (document.cut) return 'revoked';
  return document.spentAt === undefined ? 'expired' : 'spent';
}

/** The audiences of the APIs that a client introspects. */
export function audiencesOf(realm: Pick<RealmContext, 'view'>, caller: Client): readonly string[] {
  return realm.view.apis.filter((api) => caller.introspects.includes(api.id)).map((api) => api.audience);
}

/** OIDC Core §8.1: the subject is the one that the token's own client knows, whoever asks. */
async function pairwiseSubject(
  realm: Pick<RealmContext, 'keys' | 'findClient'>,
  provider: () => Provider,
  { accountId, clientId }: TokenRecord,
): Promise<string | undefined> {
  if (accountId === undefined) return undefined;
  const issuedTo = await realm.findClient(clientId);
  const subjectType = issuedTo?.subjectType ?? issuedTo?.registered?.['subject_type'];
  if (subjectType !== 'pairwise') return undefined;
  const client = await provider().Client.find(clientId);
  return client && pairwiseIdentifier(realm, accountId, client);
}
