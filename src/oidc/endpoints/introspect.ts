/**
 * Introspection (RFC 7662) from one look-up of ours, behind the library's client authentication; signed when the
 * caller asks (RFC 9701).
 */
import type { KoaContextWithOIDC } from 'oidc-provider';
import { epochSeconds } from '../../base/clock.ts';
import { sha256 } from '../../base/hash.ts';
import type { Client } from '../../registry/model.ts';
import {
  describeToken,
  INACTIVE,
  type Introspection,
  isLive,
  mayIntrospect,
} from '../../tokens/introspection.ts';
import { tokenKey } from '../../tokens/nodes.ts';
import { decodeToken, type TokenRecord } from '../../tokens/record.ts';
import { issueIntrospectionJwt } from '../internals.ts';
import type { RealmContext } from '../realm-context.ts';
import { refreshValueOf } from '../refresh-shape.ts';
import { unitOf } from '../unit-of-request.ts';

const JWT = 'application/token-introspection+jwt';

/** The client has been authenticated when this runs; the library's own answer is replaced. */
export async function answerIntrospection(realm: RealmContext, ctx: KoaContextWithOIDC): Promise<void> {
  const caller = await realm.findClient(ctx.oidc.client?.clientId ?? '');
  const token = ctx.oidc.params?.['token'];
  if (caller === undefined || typeof token !== 'string') return;
  const answer = await introspect(realm, ctx, caller, token);
  ctx.status = 200;
  ctx.set('Cache-Control', 'no-store');
  const client = ctx.oidc.client;
  const accepted = ctx.accepts('application/json', JWT);
  if (client !== undefined && accepted === JWT) {
    ctx.body = await issueIntrospectionJwt(ctx, answer);
    ctx.type = JWT;
  } else {
    ctx.body = answer;
  }
}

async function introspect(
  realm: RealmContext,
  ctx: KoaContextWithOIDC,
  caller: Client,
  token: string,
): Promise<Introspection> {
  const document = await unitOf(ctx).read(tokenKey(realm.name, sha256(refreshValueOf(token))));
  const record = document && decodeToken(document.value);
  if (document === undefined || record === undefined) return INACTIVE;
  const audiences = new Set(audiencesOf(realm, caller));
  if (!mayIntrospect(record, { clientId: caller.id, audiences })) return INACTIVE;
  if (!isLive(document, record, epochSeconds(realm.clock))) return INACTIVE;
  const answer = describeToken(record, realm.issuer);
  return realm.view.profile === 'keycloak' ? withKeycloakMembers(answer, record) : answer;
}

function audiencesOf(realm: RealmContext, caller: Client): readonly string[] {
  return realm.view.apis.filter((api) => caller.introspects.includes(api.id)).map((api) => api.audience);
}

function withKeycloakMembers(answer: Introspection, record: TokenRecord): Introspection {
  if (!answer.active) return answer;
  return {
    ...answer,
    typ: record.kind === 'RefreshToken' ? 'Refresh' : 'Bearer',
    azp: record.clientId,
    realm_access: { roles: record.extra?.['roles'] ?? [] },
    preferred_username: record.extra?.['username'],
    ...(record.sessionUid === undefined ? {} : { sid: record.sessionUid, session_state: record.sessionUid }),
  };
}
