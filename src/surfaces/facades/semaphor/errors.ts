/** Semaphor's error shape: `{ error }`, with a code beside the text. */
import { FacadeError, type Trouble } from '../shared/facade.ts';

type Code =
  | 'INVALID_REQUEST'
  | 'INVALID_CREDENTIALS'
  | 'INVALID_TOKEN'
  | 'RATE_LIMIT_EXCEEDED'
  | 'INTERNAL_ERROR';

/** `text` never repeats what the caller sent. */
export function refusal(code: Code, text: string, status = 400): FacadeError {
  return new FacadeError(status, { error: text, code });
}

const troubles = {
  bad_address: ['INVALID_REQUEST', 'The address is malformed.', 400],
  encoded_body: ['INVALID_REQUEST', 'Send the body without content-encoding.', 415],
  method_not_allowed: ['INVALID_REQUEST', 'The method is not allowed here.', 405],
  body_too_large: ['INVALID_REQUEST', 'The body is larger than 64 KiB.', 413],
  too_many_requests: ['RATE_LIMIT_EXCEEDED', 'Too many requests, try again later.', 429],
  unavailable: ['INTERNAL_ERROR', 'The service is not available, try again.', 503],
  internal: ['INTERNAL_ERROR', 'Something went wrong.', 500],
} as const satisfies Record<Trouble, readonly [Code, string, number]>;

export function say(trouble: Trouble): FacadeError {
  const [code, text, status] = troubles[trouble];
  return refusal(code, text, status);
}
