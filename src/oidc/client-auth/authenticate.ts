/**
 * Authenticates clients outside the library's endpoints (on the fast path and at the guest API), by every method that
 * these support (RFC 6749 §2.3, RFC 7523 §3, RFC 8705 §2). Takes the parts of a request and returns the client or a
 * refusal; knows no framework. `test/flows/client-auth-differential.test.ts` compares its answers with the library's.
 */
import { authMethodOf } from '../../registry/model/auth-method.ts';
import { isSecretOf, secretExpiryOf } from '../../registry/model/client-secrets.ts';
import type { Client } from '../../registry/model/model.ts';
import type { FindRemoteKeys } from '../library/remote-keys.ts';
import type { RealmContext } from '../realm/realm-context.ts';
import { hasSubject, readCertificate, thumbprintOf } from './certificates.ts';
import { CLOCK_TOLERANCE } from './client-assertions.ts';
import { freshKeysOf } from './client-keys.ts';
import {
  type ClientCredentials,
  type Identified,
  type Presented,
  type PresentedAssertion,
  readPresented,
} from './presented.ts';
import { certificateSubjectOf } from './registered.ts';
import { verifyAssertion } from './verify-assertion.ts';

export type Authenticated = { readonly client: Client; readonly method: string };

export type Refusal = {
  /** `nothing` was presented, it was `malformed`, or it is `unproven`, whichever part was wrong. */
  readonly refused: 'nothing' | 'malformed' | 'unproven';
  /** True for a wrong secret, which counts as a wrong try. */
  readonly isGuess: boolean;
};

/** Keys at a client's `jwks_uri` are fetched by the library; every other method works without it. */
export type ClientAuthDeps = { readonly realm: RealmContext; readonly findRemoteKeys: FindRemoteKeys };

const unproven: Refusal = { refused: 'unproven', isGuess: false };
const guess: Refusal = { refused: 'unproven', isGuess: true };

/**
 * The client that a request authenticates. A public client only names itself. Wrong tries are neither counted nor
 * blocked here (brute-force.ts). Rejects with `Failure('unavailable')` without a store.
 */
export async function authenticateClient(
  deps: ClientAuthDeps,
  credentials: ClientCredentials,
  presented: Presented = readPresented(credentials),
): Promise<Authenticated | Refusal> {
  if (!('id' in presented)) return { refused: presented.kind, isGuess: false };
  return identify(deps, credentials, presented);
}

async function identify(
  deps: ClientAuthDeps,
  credentials: ClientCredentials,
  presented: Identified,
): Promise<Authenticated | Refusal> {
  const client = await deps.realm.findClient(presented.id);
  switch (presented.kind) {
    case 'secret':
      return bySecret(deps.realm, client, presented.secret);
    case 'assertion':
      return byAssertion(deps, client, { credentials, presented });
    case 'name':
      return byCertificate(deps, client, credentials);
  }
}

export function isAuthenticated(outcome: Authenticated | Refusal): outcome is Authenticated {
  return 'client' in outcome;
}

const secretMethods: readonly string[] = ['client_secret_basic', 'client_secret_post'];
/** RFC 6749 Appendix A.2: a secret of other characters authenticates nobody. */
const printable = /^[\x20-\x7e]+$/;

/** A client without a secret: comparing with it takes as long as with any other. */
const nobody = {};

/** An unknown client, one with another method and a wrong secret take the same time. */
function bySecret(
  { clock }: Pick<RealmContext, 'clock'>,
  client: Client | undefined,
  secret: string,
): Authenticated | Refusal {
  const isRight = isSecretOf(client ?? nobody, secret, clock()) && printable.test(secret);
  if (client === undefined) return guess;
  const method = authMethodOf(client);
  const isProven = isRight && secretMethods.includes(method) && !isExpired(client, clock());
  if (isProven && client.enabled) return { client, method };
  // The right secret of a disabled client is not a wrong try: the service continues when the client is enabled again.
  return isRight && !client.enabled ? unproven : guess;
}

function isExpired(client: Client, now: number): boolean {
  const expiry = secretExpiryOf(client);
  return expiry !== undefined && now / 1000 - CLOCK_TOLERANCE >= expiry;
}

type Asserted = { readonly credentials: ClientCredentials; readonly presented: PresentedAssertion };

async function byAssertion(
  { realm, findRemoteKeys }: ClientAuthDeps,
  client: Client | undefined,
  { credentials, presented }: Asserted,
): Promise<Authenticated | Refusal> {
  const wrong = presented.alg?.startsWith('HS') === true ? guess : unproven;
  const method = client === undefined ? '' : authMethodOf(client);
  if (client === undefined || !client.enabled) return wrong;
  if (method !== 'private_key_jwt' && method !== 'client_secret_jwt') return wrong;
  if (method === 'client_secret_jwt' && isExpired(client, realm.clock())) return wrong;
  const { address } = credentials;
  const outcome = await verifyAssertion({ realm, findRemoteKeys, address }, { client, method, presented });
  if (outcome === 'verified') return { client, method };
  return outcome === 'replayed' ? unproven : wrong;
}

async function byCertificate(
  { findRemoteKeys }: ClientAuthDeps,
  client: Client | undefined,
  credentials: ClientCredentials,
): Promise<Authenticated | Refusal> {
  if (client === undefined || !client.enabled) return unproven;
  const method = authMethodOf(client);
  const isProven = await provesCertificate(method, client, credentials, findRemoteKeys);
  return isProven ? { client, method } : unproven;
}

async function provesCertificate(
  method: string,
  client: Client,
  { certificate: header, isChainVerified }: ClientCredentials,
  findRemoteKeys: FindRemoteKeys,
): Promise<boolean> {
  if (method === 'none') return true;
  const certificate = readCertificate(header);
  if (certificate === undefined) return false;
  const subject = certificateSubjectOf(client);
  if (method === 'tls_client_auth') {
    return (
      isChainVerified && subject !== undefined && hasSubject(certificate, subject.property, subject.value)
    );
  }
  return (
    method === 'self_signed_tls_client_auth' &&
    (await isRegistered(client, findRemoteKeys, thumbprintOf(certificate.raw)))
  );
}

/** RFC 8705 §2.2: the certificate is one of those in the client's keys. */
async function isRegistered(
  client: Client,
  findRemoteKeys: FindRemoteKeys,
  thumbprint: string,
): Promise<boolean> {
  const { keys } = await freshKeysOf(client, findRemoteKeys);
  const certificates = keys.map(({ x5c }): unknown => (Array.isArray(x5c) ? x5c[0] : undefined));
  return certificates.some(
    (one) => typeof one === 'string' && thumbprintOf(Buffer.from(one, 'base64')) === thumbprint,
  );
}
