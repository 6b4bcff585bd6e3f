/** Verifies client assertions (RFC 7523 §3): `private_key_jwt` and `client_secret_jwt`. */
import {
  type CryptoKey,
  compactVerify,
  createLocalJWKSet,
  type JSONWebKeySet,
  type JWTPayload,
  errors as joseErrors,
} from 'jose';
import { epochSeconds } from '../../base/clock.ts';
import type { Client } from '../../registry/model/model.ts';
import type { FindRemoteKeys } from '../library/remote-keys.ts';
import { isFirstUse } from '../proofs/replay.ts';
import { paths } from '../realm/addresses.ts';
import type { RealmContext } from '../realm/realm-context.ts';
import { CLOCK_TOLERANCE, problemOfAssertion } from './client-assertions.ts';
import { keySetsOf } from './client-keys.ts';
import type { PresentedAssertion } from './presented.ts';
import { signingAlgOf } from './registered.ts';

const asymmetricAlgorithms = ['ES256', 'PS256', 'EdDSA', 'RS256'] as const;
const symmetricAlgorithms = ['HS256'] as const;

type AssertionMethod = 'private_key_jwt' | 'client_secret_jwt';

const algorithms: Readonly<Record<AssertionMethod, readonly string[]>> = {
  private_key_jwt: asymmetricAlgorithms,
  client_secret_jwt: symmetricAlgorithms,
};

export type AssertionOutcome = 'verified' | 'refused' | 'replayed';

type Deps = {
  readonly realm: RealmContext;
  readonly findRemoteKeys: FindRemoteKeys;
  /** The address of the endpoint that the assertion was sent to. */
  readonly address: string;
};

type Shown = {
  readonly client: Client;
  readonly method: AssertionMethod;
  readonly presented: PresentedAssertion;
};

/** Of several requests with one assertion exactly one is `verified`. */
export async function verifyAssertion(deps: Deps, shown: Shown): Promise<AssertionOutcome> {
  const { realm } = deps;
  const { client, presented } = shown;
  const { alg, claims } = presented;
  const required = requiredClaims(claims, epochSeconds(realm.clock));
  const isAcceptable = required !== undefined && isAllowedAlg(shown) && isFor(deps, client, claims);
  if (!isAcceptable || !(await isSigned(deps, shown))) return 'refused';
  const problem = problemOfAssertion(realm, { claims, alg, isFapi: client.fapi === true });
  if (problem !== undefined) return 'refused';
  const forgottenAt = Math.ceil(required.exp) + CLOCK_TOLERANCE;
  return (await isFirstUse(realm, client.id, required.jti, forgottenAt)) ? 'verified' : 'replayed';
}

function isAllowedAlg({ client, method, presented }: Shown): boolean {
  const registered = signingAlgOf(client);
  const { alg } = presented;
  return (
    alg !== undefined && algorithms[method].includes(alg) && (registered === undefined || registered === alg)
  );
}

/** `exp` and `jti` of an assertion that has them, is valid now, and has claims of the right types. */
function requiredClaims(
  { exp, nbf, iat, jti }: Readonly<Record<string, unknown>>,
  now: number,
): { readonly exp: number; readonly jti: string } | undefined {
  if (typeof exp !== 'number' || typeof jti !== 'string' || jti === '') return undefined;
  const isTimed = [nbf, iat].every((time) => time === undefined || typeof time === 'number');
  const isActive = typeof nbf !== 'number' || nbf <= now + CLOCK_TOLERANCE;
  return isTimed && isActive && now - CLOCK_TOLERANCE < exp ? { exp, jti } : undefined;
}

/** Issued by the client itself, for the issuer, the token endpoint or the called endpoint. */
function isFor({ realm, address }: Deps, client: Client, { iss, aud }: JWTPayload): boolean {
  const accepted = [realm.issuer, `${realm.issuer}${paths.token}`, address];
  const audiences = Array.isArray(aud) ? aud : [aud];
  const areTexts = audiences.every((audience) => typeof audience === 'string');
  return iss === client.id && areTexts && audiences.some((audience) => accepted.includes(audience));
}

async function isSigned({ findRemoteKeys }: Deps, { client, method, presented }: Shown): Promise<boolean> {
  if (method === 'client_secret_jwt') {
    // A secret has no key id: an assertion that names one means another key, as the library reads it.
    const isMeant = client.secret !== undefined && presented.kid === undefined;
    return isMeant && isSignedWith(presented, Buffer.from(client.secret ?? ''));
  }
  for await (const keys of keySetsOf(client, findRemoteKeys)) {
    if (await isSignedByOne(presented, keys)) return true;
  }
  return false;
}

async function isSignedWith({ assertion, alg = '' }: PresentedAssertion, key: Uint8Array | CryptoKey) {
  try {
    await compactVerify(assertion, key, { algorithms: [alg] });
    return true;
  } catch {
    // Any fault means the same: the assertion proves nothing.
    return false;
  }
}

async function isSignedByOne(presented: PresentedAssertion, keys: JSONWebKeySet): Promise<boolean> {
  try {
    await compactVerify(presented.assertion, keySetOf(keys), { algorithms: [presented.alg ?? ''] });
    return true;
  } catch (error) {
    if (!(error instanceof joseErrors.JWKSMultipleMatchingKeys)) return false;
    for await (const key of error) if (await isSignedWith(presented, key)) return true;
    return false;
  }
}

/** Keys are imported once for as long as the client is in memory. */
const keySets = new WeakMap<JSONWebKeySet, ReturnType<typeof createLocalJWKSet>>();

function keySetOf(keys: JSONWebKeySet): ReturnType<typeof createLocalJWKSet> {
  const known = keySets.get(keys) ?? createLocalJWKSet(keys);
  keySets.set(keys, known);
  return known;
}
