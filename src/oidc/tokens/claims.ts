/** Claims about a person: the standard claims of OIDC Core §5.1 by scope (§5.4), and in which answers they appear. */
import type { Account, AccountClaims, ClaimsParameterMember, KoaContextWithOIDC } from 'oidc-provider';
import type { AttributeClaim, User } from '../../registry/model/model.ts';
import type { Profile } from '../profiles/profile.ts';
import type { RealmContext } from '../realm/realm-context.ts';

export const oidcScopes = ['openid', 'profile', 'email', 'address', 'phone', 'offline_access'];

export const oidcScopeSet: ReadonlySet<string> = new Set(oidcScopes);

/** The claims of each scope, those of the realm's own among them. The profile decides the claims of `openid`. */
export function claimsOfScopes(claims: readonly AttributeClaim[]) {
  const own = (scope: string) => claims.filter((claim) => claim.scope === scope).map(({ name }) => name);
  const { profile, email, address, phone, ...single } = claimsByScope;
  return {
    profile: [...profile, ...own('profile')],
    email: [...email, ...own('email')],
    address: [...address, ...own('address')],
    phone: [...phone, ...own('phone')],
    ...single,
  };
}

const claimsByScope = {
  profile: [
    'name',
    'given_name',
    'family_name',
    'middle_name',
    'nickname',
    'preferred_username',
    'profile',
    'picture',
    'website',
    'gender',
    'birthdate',
    'zoneinfo',
    'locale',
    'updated_at',
  ],
  email: ['email', 'email_verified'],
  address: ['address'],
  phone: ['phone_number', 'phone_number_verified'],
  acr: null,
  amr: null,
  auth_time: null,
  iss: null,
};

export type DaypassAccount = Account & { readonly user: User };

type IdTokenRealm = {
  readonly view: Pick<RealmContext['view'], 'claims'>;
  readonly profile: Pick<Profile, 'idTokens'>;
  readonly keys: Pick<RealmContext['keys'], 'secret'>;
};

/**
 * The account of a token. In an ID token claims appear where the `claims` parameter asks for them (OIDC Core §5.5) or
 * the client's registration does; at userinfo by scope.
 */
export function createAccount(ctx: KoaContextWithOIDC, user: User, realm: IdTokenRealm): DaypassAccount {
  async function claims(
    use: string,
    _scope: string,
    requested: { [key: string]: null | ClaimsParameterMember },
  ): Promise<AccountClaims> {
    const all = { ...attributeClaims(realm.view.claims, user), ...standardClaims(user) };
    if (use !== 'id_token') return all;
    const { idTokens } = realm.profile;
    const extras = idTokens.extras(ctx, realm.keys.secret);
    if (idTokens.hasScopeClaims(ctx)) return { ...all, ...extras };
    return { ...onlyRequested(all, requested), ...extras, sub: user.id };
  }
  return { accountId: user.id, claims, user };
}

function onlyRequested(all: Record<string, unknown>, requested: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(all).filter(([name]) => name in requested));
}

/** The realm's own claims that this user has, as the attributes are. */
function attributeClaims(claims: readonly AttributeClaim[], { attributes }: User): Record<string, unknown> {
  return Object.fromEntries(
    claims.flatMap(({ name, attribute = name }) =>
      Object.hasOwn(attributes, attribute) ? [[name, attributes[attribute]]] : [],
    ),
  );
}

/** Every standard claim that this user has, by its name in the RFCs. */
function standardClaims(user: User): AccountClaims {
  return withoutUndefined({
    sub: user.id,
    preferred_username: user.username,
    name: user.name,
    given_name: user.givenName,
    family_name: user.familyName,
    middle_name: user.middleName,
    nickname: user.nickname,
    profile: user.profile,
    picture: user.picture,
    website: user.website,
    gender: user.gender,
    birthdate: user.birthdate,
    zoneinfo: user.zoneinfo,
    locale: user.locale,
    updated_at: user.updatedAt,
    email: user.email,
    email_verified: user.email === undefined ? undefined : user.emailVerified,
    phone_number: user.phoneNumber,
    phone_number_verified: user.phoneNumber === undefined ? undefined : (user.phoneNumberVerified ?? false),
    address: addressClaim(user.address),
  });
}

function addressClaim(address: User['address']) {
  if (address === undefined) return undefined;
  return withoutUndefined({
    formatted: address.formatted,
    street_address: address.streetAddress,
    locality: address.locality,
    region: address.region,
    postal_code: address.postalCode,
    country: address.country,
  });
}

function withoutUndefined<T extends object>(fields: T): T {
  for (const [name, value] of Object.entries(fields))
    if (value === undefined) Reflect.deleteProperty(fields, name);
  return fields;
}
