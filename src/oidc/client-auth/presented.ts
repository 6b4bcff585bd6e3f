/**
 * Reads the client credentials of a request (RFC 6749 §2.3, RFC 7523 §2.2, RFC 8705 §2). Nothing is verified here.
 */
import type { IncomingMessage } from 'node:http';
import { decodeJwt, decodeProtectedHeader, type JWTPayload } from 'jose';
import { readBasic } from '../../http/basic.ts';
import { type CertificateHeaders, isChainVerified } from './certificates.ts';

/** The parts of a request that hold client credentials. */
export type ClientCredentials = {
  readonly authorization: string | undefined;
  /** The form; its `client_…` parameters are read. */
  readonly form: URLSearchParams;
  /** The value of the header in which a trusted proxy hands over the client certificate. */
  readonly certificate: string | undefined;
  /** Whether the proxy says that it verified the chain of the certificate. */
  readonly isChainVerified: boolean;
  /** The address of the endpoint, which an assertion may be for. */
  readonly address: string;
};

export type PresentedSecret = { readonly kind: 'secret'; readonly id: string; readonly secret: string };
export type PresentedAssertion = {
  readonly kind: 'assertion';
  readonly id: string;
  readonly assertion: string;
  readonly alg: string | undefined;
  readonly kid: string | undefined;
  readonly claims: JWTPayload;
};

/** Credentials that name a client. */
export type Identified =
  | PresentedSecret
  | PresentedAssertion
  /** A client names itself: a public one, or one with a certificate. */
  | { readonly kind: 'name'; readonly id: string };

export type Presented =
  | Identified
  | { readonly kind: 'nothing' }
  /** Unreadable, contradictory, or more than one method (RFC 6749 §2.3). */
  | { readonly kind: 'malformed' };

type Place = {
  readonly form: URLSearchParams;
  /** The address of the endpoint. */
  readonly address: string;
};

export function credentialsOf(
  names: CertificateHeaders,
  { headers }: Pick<IncomingMessage, 'headers'>,
  place: Place,
): ClientCredentials {
  const certificate = headers[names.clientCertHeader];
  return {
    authorization: headers.authorization,
    certificate: typeof certificate === 'string' ? certificate : undefined,
    isChainVerified: isChainVerified(names, headers),
    ...place,
  };
}

/** What may be a guess: `value` is the secret, or an assertion that is signed with it. */
export type Guess = { readonly id: string; readonly secret?: string; readonly value: string };

/** A client whose secret is presented, or that signs with its secret: a wrong try when it does not verify. */
export function guessedAt(presented: Presented): Guess | undefined {
  if (presented.kind === 'secret') {
    const { id, secret } = presented;
    return { id, secret, value: secret };
  }
  if (presented.kind !== 'assertion' || !presented.alg?.startsWith('HS')) return undefined;
  return { id: presented.id, value: presented.assertion };
}

const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const parameters = ['client_id', 'client_secret', 'client_assertion', 'client_assertion_type'];
const malformed = { kind: 'malformed' } as const;

/** An empty parameter counts as absent (RFC 6749 §3.2). */
export function readPresented({ authorization, form }: ClientCredentials): Presented {
  if (parameters.some((name) => form.getAll(name).length > 1)) return malformed;
  const secret = form.get('client_secret') || undefined;
  const assertion = form.get('client_assertion') || undefined;
  const methods = [authorization, secret, assertion].filter(Boolean).length;
  if (methods > 1) return malformed;
  const named = form.get('client_id') || undefined;
  const presented = read({ authorization, named, secret, assertion, form });
  const contradicts = 'id' in presented && named !== undefined && named !== presented.id;
  return contradicts ? malformed : presented;
}

type Parts = Pick<ClientCredentials, 'authorization' | 'form'> & {
  readonly named: string | undefined;
  readonly secret: string | undefined;
  readonly assertion: string | undefined;
};

function read({ authorization, named, secret, assertion, form }: Parts): Presented {
  if (secret !== undefined) return named === undefined ? malformed : { kind: 'secret', id: named, secret };
  if (authorization !== undefined) return readHeader(authorization);
  if (assertion !== undefined) {
    return form.get('client_assertion_type') === ASSERTION_TYPE ? readAssertion(assertion) : malformed;
  }
  return named === undefined ? { kind: 'nothing' } : { kind: 'name', id: named };
}

function readHeader(authorization: string): Presented {
  const basic = readBasic(authorization);
  if (basic === undefined || basic === 'malformed' || basic.id === '') return malformed;
  // RFC 6749 §2.3.1: an empty secret may be left out. Then a client only names itself.
  return basic.secret === '' ? { kind: 'name', id: basic.id } : { kind: 'secret', ...basic };
}

function readAssertion(assertion: string): Presented {
  try {
    const { alg, kid } = decodeProtectedHeader(assertion);
    const claims = decodeJwt(assertion);
    const { sub: id } = claims;
    if (typeof id !== 'string' || id === '') return malformed;
    return { kind: 'assertion', id, assertion, alg, kid, claims };
  } catch {
    // Not a JWT.
    return malformed;
  }
}
