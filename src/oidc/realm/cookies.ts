/** The cookies of a realm: below its path only, so that no realm sees another's. */
import type { Configuration } from 'oidc-provider';
import { hmac } from '../../base/hash.ts';
import type { RealmContext } from './realm-context.ts';

export function cookiePath(realm: Pick<RealmContext, 'issuer'>): string {
  return new URL(realm.issuer).pathname;
}

/** The `SameSite` attribute of the session's cookies. */
export function sameSiteOf({
  profile,
  publicUrl,
}: Pick<RealmContext, 'profile' | 'publicUrl'>): 'lax' | 'none' {
  return profile.browsers.sameSite(publicUrl);
}

export function cookiesOf(
  realm: Pick<RealmContext, 'issuer' | 'profile' | 'keys' | 'publicUrl'>,
): NonNullable<Configuration['cookies']> {
  const shared = { httpOnly: true, signed: true };
  return {
    names: { session: '_session', interaction: '_interaction', resume: '_resume' },
    keys: [hmac(realm.keys.secret, 'cookies')],
    long: { ...shared, sameSite: sameSiteOf(realm), path: cookiePath(realm) },
    short: { ...shared, sameSite: 'lax' },
  };
}
