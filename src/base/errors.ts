/**
 * Expected failures as data. Surfaces phrase them; nobody else does.
 * `unavailable` means that the store cannot be reached: the caller may try again.
 */
export type FailureCode =
  | 'invalid_input'
  | 'not_found'
  | 'conflict'
  | 'forbidden'
  | 'busy'
  | 'too_many_requests'
  | 'unavailable';

export class Failure extends Error {
  readonly code: FailureCode;

  /** `message` is for the caller: no secrets, no internals. `cause` is for the log. */
  constructor(code: FailureCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'Failure';
    this.code = code;
  }
}

/** True for a failure of this code, whatever else was thrown is not. */
export function isFailure(error: unknown, code: FailureCode): error is Failure {
  return error instanceof Failure && error.code === code;
}

/** True for what the same request may well get past in a moment: no store, or too much at once. */
export function isTemporary(error: unknown): boolean {
  return isFailure(error, 'unavailable') || isFailure(error, 'busy');
}
