/** A service token (RFC 6749 §4.4) for a client that has proven its secret, in one round trip. */

import { epochSeconds } from '../../base/clock.ts';
import { sha256 } from '../../base/hash.ts';
import { randomValue } from '../../base/random.ts';
import { signJwt } from '../../keys/sign-jwt.ts';
import type { Api, Client } from '../../registry/model/model.ts';
import { decideScope } from '../../registry/model/permissions.ts';
import { clientNode, tokenKey } from '../../revocation/nodes.ts';
import { encodeToken } from '../../tokens/record.ts';
import { newValue } from '../../tokens/values.ts';
import type { RealmContext } from '../realm/realm-context.ts';
import { oidcScopeSet } from '../tokens/claims.ts';
import { permittedFor } from '../tokens/resources.ts';
import type { FastAnswer } from './answer.ts';

const usual: ReadonlySet<string> = new Set(['grant_type', 'scope', 'resource', 'client_id', 'client_secret']);

/** The answer of the token endpoint; `undefined` for every request that the library's path must answer, errors included. */
export async function issueClientCredentials(
  realm: RealmContext,
  client: Client,
  form: URLSearchParams,
): Promise<FastAnswer | undefined> {
  const api = apiOf(realm, form);
  const readAt = realm.registry.readAt(client);
  if (api === undefined || readAt === undefined || !isUsual(realm, client, api, form)) return undefined;
  const scope = scopeOf(realm, client, api, form);
  if (scope === undefined) return undefined;
  const iat = epochSeconds(realm.clock);
  const ttl = client.accessTokenTtl ?? api.tokens.ttl ?? realm.view.lifetimes.accessToken;
  const issued = { client, api, scope, iat, exp: iat + ttl };
  const { value, jwtId } = await newToken(realm, issued);
  const outcome = await realm.store.commit([
    {
      put: tokenKey(realm.name, sha256(value)),
      value: recordOf(issued, jwtId),
      ttl,
      under: [clientNode(client.id)],
    },
    { guard: clientNode(client.id), realm: realm.name, since: readAt },
  ]);
  if (!outcome.ok) {
    // The cached client is out of date: the library's path reads it anew.
    realm.registry.forgetClient(realm.name, client.id);
    return undefined;
  }
  const fields = { expires_in: ttl, token_type: 'Bearer', refresh_expires_in: 0, 'not-before-policy': 0 };
  return { body: { scope, access_token: value, ...fields } };
}

function apiOf(realm: Pick<RealmContext, 'defaultApi' | 'apiOf'>, form: URLSearchParams): Api | undefined {
  const resource = form.get('resource');
  return resource === null ? realm.defaultApi : realm.apiOf(resource);
}

function isUsual(
  realm: Pick<RealmContext, 'profile'>,
  client: Client,
  api: Api,
  form: URLSearchParams,
): boolean {
  const needsProof =
    client.dpopBoundAccessTokens === true || client.tlsClientCertificateBoundAccessTokens === true;
  return (
    client.grants.includes('client_credentials') &&
    client.fapi !== true &&
    !needsProof &&
    (api.tokens.format === 'opaque' || realm.profile.accessTokens.shapeJwt === undefined) &&
    [...form.keys()].every((name) => usual.has(name))
  );
}

/** `undefined` when a scope does not exist, or belongs to OpenID Connect. */
function scopeOf(
  realm: Pick<RealmContext, 'view' | 'permissionNames'>,
  client: Client,
  api: Api,
  form: URLSearchParams,
): string | undefined {
  const decision = decideScope({
    requested: form.get('scope') ?? undefined,
    oidcScopes: oidcScopeSet,
    api,
    known: realm.permissionNames,
    permitted: permittedFor(realm, api, client, client.roles),
    emptyMeansAll: true,
  });
  if ('unknown' in decision || decision.granted.some((name) => oidcScopeSet.has(name))) return undefined;
  return decision.granted.join(' ');
}

type Issued = {
  readonly client: Client;
  readonly api: Api;
  readonly scope: string;
  readonly iat: number;
  readonly exp: number;
};

function recordOf({ client, api, scope, iat, exp }: Issued, jwtId: string | undefined): string {
  return encodeToken({
    kind: 'ClientCredentials',
    clientId: client.id,
    aud: api.audience,
    scope: scope || undefined,
    iat,
    exp,
    jwtId,
    extra: { roles: client.roles },
  });
}

async function newToken(
  realm: Pick<RealmContext, 'name' | 'issuer' | 'profile' | 'keys'>,
  issued: Issued,
): Promise<{ readonly value: string; readonly jwtId?: string }> {
  if (issued.api.tokens.format === 'opaque') return { value: newValue('access') };
  const jwtId = randomValue();
  return { value: await sign(realm, issued, jwtId), jwtId };
}

/** RFC 9068 §2. */
function sign(
  realm: Pick<RealmContext, 'name' | 'issuer' | 'profile' | 'keys'>,
  { client, api, scope, iat, exp }: Issued,
  jti: string,
): Promise<string> {
  const alg = api.tokens.alg ?? realm.profile.signingAlg;
  const jwk = realm.keys.jwks.find((one) => one.alg === alg);
  if (jwk === undefined) throw new Error(`the realm has no ${alg} key`);
  return signJwt(jwk, api.tokens.typ ?? 'at+jwt', {
    iss: realm.issuer,
    sub: client.id,
    aud: api.audience,
    client_id: client.id,
    ...(scope && { scope }),
    iat,
    exp,
    jti,
    realm: realm.name,
    roles: client.roles,
  });
}
