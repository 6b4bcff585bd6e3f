import { guestPolicy } from '../guest/guest-policy.ts';
import type { GuestRealm } from '../guest/guest-realm.ts';
import type { RealmContext } from './realm-context.ts';

const made = new WeakMap<object, GuestRealm>();

/** This revision of the realm as guest tokens see it. */
export function guestRealmOf(realm: RealmContext): GuestRealm {
  const known = made.get(realm);
  if (known !== undefined) return known;
  const guestRealm: GuestRealm = {
    name: realm.name,
    issuer: realm.issuer,
    policy: guestPolicy.parse(realm.view.guests ?? {}),
    policies: realm.view.policies,
    apis: realm.view.apis,
    defaultApi: realm.defaultApi,
    jwks: realm.keys.jwks,
    secret: realm.keys.secret,
  };
  made.set(realm, guestRealm);
  return guestRealm;
}
