/** DataBrain's error shape: `{ error: { message, code } }`. */
import { FacadeError, type Trouble } from '../shared/facade.ts';

export type Code =
  | 'AUTHENTICATION_ERROR'
  | 'INVALID_REQUEST_BODY'
  | 'CLIENT_ID_ERROR'
  | 'WORKSPACE_ID_ERROR'
  | 'DATA_APP_NOT_FOUND'
  | 'DASHBOARD_PARAM_ERROR'
  | 'APP_FILTER_PARAM_ERROR'
  | 'RLS_SETTINGS_PARAM_ERROR'
  | 'TOO_MANY_REQUESTS'
  | 'INTERNAL_SERVER_ERROR';

/** `message` never repeats what the caller sent. */
export function refusal(code: Code, message: string, status = code === 'AUTHENTICATION_ERROR' ? 401 : 400) {
  return new FacadeError(status, { error: { message, code } });
}

export function badKey(what: string): FacadeError {
  return refusal('AUTHENTICATION_ERROR', `${what} is invalid or expired`);
}

const troubles = {
  bad_address: ['INVALID_REQUEST_BODY', 'the address is malformed', 400],
  encoded_body: ['INVALID_REQUEST_BODY', 'send the body without content-encoding', 415],
  method_not_allowed: ['INVALID_REQUEST_BODY', 'the method is not allowed here', 405],
  body_too_large: ['INVALID_REQUEST_BODY', 'the body is larger than 64 KiB', 413],
  too_many_requests: ['TOO_MANY_REQUESTS', 'too many requests, try again later', 429],
  unavailable: ['INTERNAL_SERVER_ERROR', 'the service is not available, try again', 503],
  internal: ['INTERNAL_SERVER_ERROR', 'something went wrong', 500],
} as const satisfies Record<Trouble, readonly [Code, string, number]>;

export function say(trouble: Trouble): FacadeError {
  const [code, message, status] = troubles[trouble];
  return refusal(code, message, status);
}
