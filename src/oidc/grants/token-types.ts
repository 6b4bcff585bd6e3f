import { errors } from 'oidc-provider';

/** RFC 8693 §3. */
export const tokenTypes = {
  accessToken: 'urn:ietf:params:oauth:token-type:access_token',
  refreshToken: 'urn:ietf:params:oauth:token-type:refresh_token',
  idToken: 'urn:ietf:params:oauth:token-type:id_token',
  jwt: 'urn:ietf:params:oauth:token-type:jwt',
} as const;

/** RFC 8693 §2.2.2: one answer for dead, replayed and foreign. */
export function notExchangeable(): Error {
  return new errors.InvalidRequest('subject_token is not active or not yours to exchange');
}
