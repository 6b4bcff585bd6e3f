/** Informer's error shape, which is hapi's Boom: `{ statusCode, error, message }`. */
import { STATUS_CODES } from 'node:http';
import { FacadeError, type Trouble } from '../shared/facade.ts';

/** `message` never repeats what the caller sent. */
export function boom(statusCode: number, message: string, headers: Readonly<Record<string, string>> = {}) {
  const error = STATUS_CODES[statusCode] ?? 'Unknown';
  return new FacadeError(statusCode, { statusCode, error, message }, headers);
}

const troubles = {
  bad_address: [400, 'Invalid request path'],
  encoded_body: [415, 'Unsupported content-encoding'],
  method_not_allowed: [405, 'Method not allowed'],
  body_too_large: [413, 'Payload content length greater than maximum allowed: 65536'],
  too_many_requests: [429, 'Rate limit exceeded'],
  unavailable: [503, 'Service unavailable, try again'],
  internal: [500, 'An internal server error occurred'],
} as const satisfies Record<Trouble, readonly [number, string]>;

export function say(trouble: Trouble): FacadeError {
  const [status, message] = troubles[trouble];
  return boom(status, message);
}
