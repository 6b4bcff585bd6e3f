/** The cookies of a realm: below its path only, so that no realm sees another's. */
import type { Configuration } from 'oidc-provider';
import { hmac } from '../../base/hash.ts';
import type { RealmContext } from './realm-context.ts';

export function cookiePath(realm: RealmContext): string {
  return new URL(realm.issuer).pathname;
}

/**
 * `keycloak` realms answer from within frames of their clients' pages (silent sign-in, session iframe): only a cookie
 * that says `SameSite=None` gets there, which browsers take over https alone. Our forms do not rely on the attribute.
 */
export function sameSiteOf(realm: RealmContext): 'lax' | 'none' {
  return realm.view.profile === 'keycloak' && realm.publicUrl.startsWith('https:') ? 'none' : 'lax';
}

export function cookiesOf(realm: RealmContext): NonNullable<Configuration['cookies']> {
  const shared = { httpOnly: true, signed: true };
  return {
    names: { session: '_session', interaction: '_interaction', resume: '_resume' },
    keys: [hmac(realm.keys.secret, 'cookies')],
    long: { ...shared, sameSite: sameSiteOf(realm), path: cookiePath(realm) },
    short: { ...shared, sameSite: 'lax' },
  };
}
