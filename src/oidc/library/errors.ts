/** Errors that are the same in every profile. */
import { errors } from 'oidc-provider';
import { type TooMany, waitFields } from '../../limits/too-many.ts';

/** The password was right, but the person must do something at a login page first. */
export function incompleteAccount(): Error {
  const error = new errors.InvalidGrant('account is not fully set up');
  error.error_description = 'Account is not fully set up';
  return error;
}

/**
 * RFC 6749 §5.2 has no code for a client that has to wait. `slow_down` would change the poll interval of a device
 * (RFC 8628 §3.5), and `temporarily_unavailable` speaks of the server. So the code is that of the JSON API; status
 * and fields are those of RFC 6585 §4.
 */
export class TooManyRequests extends errors.OIDCProviderError {
  readonly fields: Readonly<Record<string, string>>;
  /** The library sends nobody on with it: the person at the browser must wait, not the client. */
  override readonly allow_redirect = false;

  constructor(cause: TooMany) {
    super(429, 'too_many_requests');
    this.error_description = cause.message;
    this.fields = waitFields(cause);
  }
}
