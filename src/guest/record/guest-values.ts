/** The value of a guest token in each format. In every format the record decides what the token grants. */
import { randomUUID } from 'node:crypto';
import { CompactEncrypt, importJWK, type JWK } from 'jose';
import { Failure } from '../../base/errors.ts';
import { randomValue } from '../../base/random.ts';
import { signJwt } from '../../keys/sign-jwt.ts';
import type { Api } from '../../registry/model/model.ts';
import type { Granted } from '../grant/grant.ts';
import { usesOf } from '../grant/lifetime.ts';
import type { GuestRealm } from '../limits/guest-realm.ts';
import { confirmationOf, type GuestRecord } from './guest-record.ts';
import { toDetails } from './rar.ts';

const PREFIX = 'dpg_';
/** Longer values exceed the header limits of common servers. */
export const MAX_JWT_BYTES = 6 * 1024;

type Claims = Readonly<Record<string, unknown>>;

/** Rejects with `Failure('invalid_input')` when the format cannot carry this token. `more`: additional claims. */
export function guestValue(
  realm: GuestRealm,
  record: GuestRecord,
  more: Claims = {},
): Promise<string> | string {
  switch (record.granted.format) {
    case 'opaque':
      return PREFIX + randomValue();
    case 'uuid':
      return randomUUID();
    case 'jwt_reference':
      return sign(realm, record, { ...more, jti: record.id });
    case 'jwt':
      return selfContained(realm, record, more);
    case 'jwe':
      return encrypted(realm, record, more);
  }
}

/** Names the limits that a resource server does not enforce if it verifies the token without introspection. */
export function limitsOffline({ granted }: GuestRecord): readonly string[] {
  return isSelfContained(granted.format) ? limitsByIntrospection(granted) : [];
}

/** Whether a resource server can verify the value without introspection. */
export function isSelfContained(format: Granted['format']): boolean {
  return format === 'jwt' || format === 'jwe';
}

/** The limits of a grant that only introspection enforces, a sentence each. */
export function limitsByIntrospection({ lifetime, binding }: Granted): readonly string[] {
  const isCounted = lifetime.idle !== undefined || usesOf(lifetime) !== null;
  const isBound = binding?.origins !== undefined || binding?.ip !== undefined;
  return [
    ...(isCounted ? ['idle time and number of uses count only for who introspects the token'] : []),
    ...(isBound ? ['origins and networks are checked only for who introspects the token'] : []),
  ];
}

async function selfContained(realm: GuestRealm, record: GuestRecord, more: Claims): Promise<string> {
  const jwt = await sign(realm, record, { ...more, ...claimsOf(record) });
  if (Buffer.byteLength(jwt) > MAX_JWT_BYTES) {
    throw new Failure(
      'invalid_input',
      'the token would be larger than 6 KiB; ask for the format jwt_reference',
    );
  }
  return jwt;
}

async function encrypted(realm: GuestRealm, record: GuestRecord, more: Claims): Promise<string> {
  const key = encryptionKey(realm, record);
  if (key === undefined) throw new Failure('invalid_input', 'the API has no key to encrypt to');
  const jwt = await sign(realm, record, { ...more, ...claimsOf(record) });
  const alg = typeof key.alg === 'string' ? key.alg : defaultAlgorithm(key);
  const jwe = await new CompactEncrypt(new TextEncoder().encode(jwt))
    .setProtectedHeader({
      alg,
      enc: 'A256GCM',
      cty: 'at+jwt',
      ...(key.kid === undefined ? {} : { kid: key.kid }),
    })
    .encrypt(await importJWK(key, alg));
  if (jwe.length > MAX_JWT_BYTES) throw new Failure('invalid_input', 'the token would be larger than 6 KiB');
  return jwe;
}

function encryptionKey(realm: GuestRealm, record: GuestRecord): JWK | undefined {
  const api: Api | undefined = realm.apis.find(({ audience }) => audience === record.audiences[0]);
  return api?.jwks?.keys.find((key) => key['use'] !== 'sig');
}

function defaultAlgorithm(key: JWK): string {
  return key.kty === 'RSA' ? 'RSA-OAEP-256' : 'ECDH-ES+A256KW';
}

/** RFC 9068 claims of a self-contained guest. */
export function claimsOf(record: GuestRecord): Record<string, unknown> {
  const { subject } = record.granted;
  return {
    sub: record.sub,
    aud: record.audiences.length === 1 ? record.audiences[0] : record.audiences,
    client_id: record.clientId,
    ...(record.notBefore === undefined ? {} : { nbf: record.notBefore }),
    jti: record.id,
    scope: record.scope,
    authorization_details: toDetails(record.granted),
    tenant: subject.tenant,
    ...(subject.id === undefined ? {} : { guest_id: subject.id }),
    gid: record.parentId ?? record.id,
    pol: record.policyHash,
    ...(record.act === undefined ? {} : { act: record.act }),
    ...confirmationOf(record),
  };
}

/** The reference to its status list (draft-ietf-oauth-status-list §6.1). */
function statusOf(realm: GuestRealm, { status }: GuestRecord): Record<string, unknown> {
  if (status === undefined) return {};
  return { status: { status_list: { idx: status.idx, uri: listUri(realm, status.list) } } };
}

export function listUri({ issuer }: Pick<GuestRealm, 'issuer'>, list: string): string {
  return `${issuer}/status-lists/${list}`;
}

function sign(realm: GuestRealm, record: GuestRecord, claims: Record<string, unknown>): Promise<string> {
  const { audiences, iat, exp } = record;
  if (exp === null) throw new Error('a signed guest token has an end');
  const api = realm.apis.find(({ audience }) => audience === audiences[0]);
  const alg = api?.tokens.alg ?? 'ES256';
  const key = realm.jwks.find((one) => one.alg === alg);
  if (key === undefined) throw new Error(`the realm has no ${alg} key`);
  return signJwt(key, api?.tokens.typ ?? 'at+jwt', {
    ...claims,
    ...statusOf(realm, record),
    iss: realm.issuer,
    iat,
    exp,
  });
}
