/**
 * Errors in the words of the realm's profile: the RFCs' for `strict`, Keycloak's where its clients read them
 * (docs/keycloak.md lists every row).
 */
import { errors } from 'oidc-provider';
import type { RealmView } from '../registry/realm-view.ts';

/** Unknown user, wrong password and locked user alike (RFC 6749 §5.2 `invalid_grant`). */
export function badCredentials(view: RealmView): Error {
  const error = new errors.InvalidGrant('invalid user credentials');
  error.error_description = 'Invalid user credentials';
  if (view.profile === 'keycloak') setStatus(error, view.badCredentialsStatus ?? 401);
  return error;
}

/** The password was right, but the account is closed: only Keycloak's clients are told. */
export function disabledAccount(view: RealmView): Error {
  if (view.profile !== 'keycloak') return badCredentials(view);
  const error = new errors.InvalidGrant('account disabled');
  error.error_description = 'Account disabled';
  return error;
}

/** The password was right, but the person must do something at a login page first. */
export function incompleteAccount(): Error {
  const error = new errors.InvalidGrant('account is not fully set up');
  error.error_description = 'Account is not fully set up';
  return error;
}

function setStatus(error: errors.OIDCProviderError, status: number): void {
  error.status = status;
  error.statusCode = status;
}
