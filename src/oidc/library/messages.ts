/**
 * Every text of oidc-provider that we match, because the error says in no other way what went wrong. An upgrade may
 * change any of them: `test/conformance/library-messages.test.ts` finds each in the installed package.
 */
import { type Template, template } from './template.ts';

/** Client authentication (RFC 6749 §2.3): `error_description` of `invalid_request` and `invalid_client_metadata`. */
export const clientAuthentication = {
  /** The request names no client in any way. */
  noCredentials: 'no client authentication mechanism provided',
  /** The `Authorization` header is not `Basic`, or not the Base64 of a pair. */
  malformedHeader: 'invalid authorization header value format',
  /** The pair in the header is not encoded as RFC 6749 §2.3.1 says. */
  badlyEncodedHeader: 'client_id and client_secret in the authorization header are not properly encoded',
  /** The header holds a `client_id` and nothing behind it. */
  noSecretInHeader: 'client_secret must be provided in the Authorization header',
  /** The `client_assertion` cannot be decoded as a JWT. */
  malformedAssertion: 'invalid client_assertion format',
  /** The client's `jwks_uri` cannot be fetched, or answers no usable keys. */
  unreachableKeys: 'client JSON Web Key Set failed to be refreshed',
} as const;

/** `error_detail` of `invalid_client`: the assertion was made with the right key or secret, and sent before. */
export const REPLAYED_ASSERTION = 'client assertion tokens must only be used once';

/** `error_description` of `invalid_request`: the client is not registered for the grant. */
export const grantNotAllowed = {
  /** At the token endpoint. */
  atToken: 'requested grant type is not allowed for this client',
  /** Where a device (RFC 8628 §3.1) or a back end (CIBA Core §7.1) begins. The value is the grant type. */
  atStart: template('', ' is not allowed for this client'),
} as const;

/** `error_detail` of `invalid_grant` at the token endpoint. */
export const invalidGrant = {
  /** The code was issued for another `redirect_uri`. */
  otherRedirectUri: 'authorization code redirect_uri mismatch',
  /** RFC 7636 §4.6: the authorization request had a challenge, and no verifier was sent. */
  noVerifier: 'code_verifier must be provided',
  /** RFC 7636 §4.6: the verifier is another's. */
  otherVerifier: 'code_verifier does not match code_challenge',
  /** A verifier was sent, and the authorization request had no challenge. */
  noChallenge: 'unsupported code_challenge_method',
  /** The code, the token or its grant was issued to another client. */
  otherClient: 'client mismatch',
  /** The refresh token has outlived its time. */
  expiredRefreshToken: 'refresh token is expired',
  /** The refresh token is there, its grant is not. */
  noGrant: 'grant not found',
  /** The refresh token is not there. */
  noRefreshToken: 'refresh token not found',
  /** A code is not there. The value is the kind of code, one of `codes`. */
  noCode: template('', ' not found'),
} as const;

/** The kinds of codes that `invalidGrant.noCode` names. */
export const codes = { authorization: 'authorization code', device: 'device code' } as const;

/** `error_description` of `invalid_request`: parameters are missing. The values are the number and the names. */
export const missingParameters: Template = template('missing required ', ' ', '');

/** `error_description` of `invalid_request`: the value of a parameter is not of the form that RFC 7636 §4.1 says. */
export const malformedVerifier: readonly Template[] = [
  template('', ' must be a string with a minimum length of 43 characters'),
  template('', ' must be a string with a maximum length of 128 characters'),
  template('', ' contains invalid characters'),
];

/** `error_description` of `invalid_request`: the origin is not registered. The values are the origin and the client. */
export const originNotAllowed: Template = template('origin ', ' not allowed for client: ', '');

/** `error_description` of `invalid_client_metadata`: what the schema of clients says. The first value is the member. */
export const clientFaults = {
  /** The second value is the member that needs it. */
  neededWith: template('', ' is mandatory property when ', ' is provided'),
  needed: template('', ' is mandatory property'),
  /** The second value lists what is possible. */
  notOneOf: template('', ' must be ', ''),
  /** The same for a list. */
  notAllOf: template('', ' can only contain ', ''),
  impossible: template('', ' must not be provided (no values are allowed)'),
  impossibleList: template('', ' must be empty (no values are allowed)'),
  /** The second value is `web` or `https`. */
  noAddress: template('', ' must be a ', ' uri'),
} as const satisfies Record<string, Template>;

/** The same without a member. */
export const clientFault = {
  needsKeys: 'jwks or jwks_uri is mandatory for this client',
  twoProofs: 'only one proof of possession mechanism can be made required at a time',
} as const;

/** The messages of errors in a JWT that quote nothing of it. */
export const jwtFaults = {
  notJson: 'payload is not of JWT type (JSON serialized object)',
  notActiveYet: 'jwt not active yet',
  issuedInFuture: 'jwt issued in the future',
  expired: 'jwt expired',
  otherIssuer: 'jwt issuer invalid',
  nbf: 'invalid nbf value',
  iat: 'invalid iat value',
  exp: 'invalid exp value',
  jti: 'invalid jti value',
  iss: 'invalid iss value',
  aud: 'invalid aud value',
  sub: 'invalid sub value',
} as const;

/** `error_description` of `invalid_request`: a form of a page was sent before, or too late. */
export const staleForm = {
  /** The session holds no logout to confirm. */
  noLogout: 'could not find logout details',
  /** The session holds another `xsrf` value. */
  otherXsrf: 'xsrf token invalid',
} as const;

/** The `name` of the error with which the library asks for a user code again (RFC 8628 §3.3). */
export const userCodeError = {
  /** No code was sent. */
  missing: 'NoCodeError',
  /** There is no such code. */
  unknown: 'NotFoundError',
  /** The code has outlived its time. */
  expired: 'ExpiredError',
  /** Somebody has decided already, or is about to. */
  used: 'AlreadyUsedError',
  /** The person did not want to connect the device. */
  aborted: 'AbortedError',
} as const;
