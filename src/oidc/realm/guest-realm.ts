import { type GuestPolicy, guestPolicy } from '../../guest/grant/guest-policy.ts';
import type { GuestRealm } from '../../guest/limits/guest-realm.ts';
import type { RealmContext } from './realm-context.ts';

const made = new WeakMap<object, GuestRealm>();

/** What guest tokens need of this revision of the realm. */
export function guestRealmOf(realm: RealmContext): GuestRealm {
  const known = made.get(realm);
  if (known !== undefined) return known;
  const guestRealm: GuestRealm = {
    name: realm.name,
    issuer: realm.issuer,
    policy: policyOf(realm),
    quota: realm.view.quotas.guestTokensPerMinute,
    policies: realm.view.policies,
    apis: realm.view.apis,
    defaultApi: realm.defaultApi,
    rolesPermit: realm.view.rolesPermit,
    jwks: realm.keys.jwks,
    secret: realm.keys.secret,
  };
  made.set(realm, guestRealm);
  return guestRealm;
}

/** A policy that no realm file could contain is read as the strictest one. */
function policyOf({ view }: Pick<RealmContext, 'view'>): GuestPolicy {
  const strict = {
    maxTtl: 1,
    minTtl: 1,
    allowNonExpiring: false,
    allowRawSql: false,
    allowLocalhostOrigins: false,
    trailDays: 90,
  };
  return guestPolicy.safeParse(view.guests ?? {}).data ?? strict;
}
