/**
 * Expected failures as data. Only surfaces word them. `unavailable`: the store cannot be reached, and the caller may
 * try again.
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

/** True for a failure of this code; false for anything else that was thrown. */
export function isFailure(error: unknown, code: FailureCode): error is Failure {
  return error instanceof Failure && error.code === code;
}

/** True for a failure that may be over in a moment: the store cannot be reached, or too much work is waiting. */
export function isTemporary(error: unknown): boolean {
  return isFailure(error, 'unavailable') || isFailure(error, 'busy');
}
