/**
 * The shapes of a realm: of realm files, of records at rest and of values in the code. One strict zod schema each: an
 * unknown key is a fault. Names are the RFCs' in camelCase; snake_case exists only at the edges.
 */
import { z } from 'zod';
import { LONGEST_LIFE } from '../../revocation/life.ts';

const name = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'lower-case letters, digits and hyphens, at most 63');

const seconds = z.int().min(1).max(LONGEST_LIFE);
const text = z.string().max(1024);
const url = z.url();
const httpUrl = z.url({ protocol: /^https?$/ });
const permissionName = z
  .string()
  .regex(/^[!#-[\]-~]{1,128}$/, 'printable characters without space, quote or backslash (RFC 6749 §3.3)');

export const realmName = name;

/** A client id never looks like a user's (UUID) or a guest's subject (RFC 9700 §4.15). */
export const clientId = z
  .string()
  .regex(/^[\x21-\x7e]{1,128}$/, 'printable ASCII, at most 128 characters')
  .refine((id) => !/^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(id) && !id.startsWith('guest:'), {
    message: 'must not look like the subject of a user or a guest',
  })
  .refine((id) => !/^(daypass-|compat:)/.test(id), {
    message: 'must not begin with daypass- or compat: (such clients are built in)',
  });

export const signingAlgorithm = z.enum(['ES256', 'RS256', 'PS256', 'EdDSA']);

export const lifetimes = z.strictObject({
  accessToken: seconds.default(1800),
  refreshTokenIdle: seconds.default(86_400),
  refreshTokenMax: seconds.default(2_592_000),
  offlineIdle: seconds.default(2_592_000),
  offlineMax: seconds.default(5_184_000),
  sessionIdle: seconds.default(86_400),
  sessionMax: seconds.default(1_209_600),
  authorizationCode: seconds.max(60).default(60),
  idToken: seconds.default(1800),
  login: seconds.default(1800),
  deviceCode: seconds.default(600),
  pushedRequest: seconds.max(599).default(60),
  cibaRequest: seconds.default(120),
});

export const passwordPolicy = z.strictObject({
  minLength: z.int().min(8).max(128).default(8),
  maxLength: z.int().min(64).max(1024).default(256),
  /** Refuse passwords on the list of breached ones. */
  refuseBreached: z.boolean().default(true),
  /**
   * Wrong passwords for one user within `lockWindow` seconds before that user is locked for `lockFor` seconds, however
   * the name was typed.
   */
  lockAfter: z.int().min(1).max(1000).default(10),
  lockWindow: seconds.default(300),
  lockFor: seconds.default(300),
});

export const loginOptions = z.strictObject({
  rememberMe: z.boolean().default(true),
  locale: z.enum(['en', 'de']).default('en'),
  logo: httpUrl.optional(),
  color: z
    .string()
    .regex(/^#[0-9a-f]{6}$/i, 'must be a colour such as #1a2b3c')
    .optional(),
});

export const permission = z.strictObject({ name: permissionName, description: text.optional() });

const jwks = z.strictObject({ keys: z.array(z.looseObject({ kty: z.string() })).max(20) });

export const api = z.strictObject({
  id: name,
  audience: url,
  default: z.boolean().optional(),
  permissions: z.array(permission).max(500),
  /** Public keys of the API: tokens in the format `jwe` are encrypted to the first one for encryption. */
  jwks: jwks.optional(),
  tokens: z
    .strictObject({
      format: z.enum(['opaque', 'jwt']).default('opaque'),
      ttl: seconds.optional(),
      alg: signingAlgorithm.optional(),
      /** `typ` of JWTs. Absent: `at+jwt` (RFC 9068 §2.1), or `JWT` where the realm is for Keycloak's clients. */
      typ: z.enum(['at+jwt', 'JWT']).optional(),
    })
    .prefault({}),
});

export const role = z.strictObject({
  name: z.string().min(1).max(128),
  /** `api:permission`, for example `analytics:dashboards:read`. */
  permissions: z.array(z.string().max(256)).max(500).default([]),
  includes: z.array(z.string().max(128)).max(100).default([]),
});

export const policy = z.strictObject({
  kind: z.enum(['connection', 'schema', 'row']),
  name: z.string().min(1).max(128),
  /** The API (by `id`) of the connection or schema: no other API sees it. Absent: the realm's default API. */
  api: z.string().max(63).optional(),
  /** What the row policy limits, by type or by type and id. Absent: every resource of the token. */
  resources: z
    .array(z.strictObject({ type: z.string().min(1).max(64), id: z.string().min(1).max(256).optional() }))
    .min(1)
    .max(1000)
    .optional(),
  template: z.json(),
  parameters: z.array(z.string().max(128)).max(50).default([]),
});

/** A claim of the realm's own about a person (OIDC Core §5.1.2), from an attribute of the user. */
export const attributeClaim = z.strictObject({
  name: z
    .string()
    .regex(
      /^[A-Za-z_][\w:./-]{0,127}$/,
      'letters, digits and _ : . / -, at most 128, beginning with a letter or _',
    ),
  /** The attribute of the user. Absent: the one of the same name. */
  attribute: z.string().min(1).max(128).optional(),
  /** Who is granted this scope learns the claim. */
  scope: z.enum(['profile', 'email', 'address', 'phone']).default('profile'),
});

/** RFC 7591 with initial access token, or open; what a registered client may ask for. */
export const registration = z.strictObject({
  open: z.boolean().default(false),
  permissions: z.array(z.string().max(256)).max(500).default([]),
  /** Of confidential clients that registered themselves; public ones always need it. */
  pkce: z.enum(['required', 'optional']).default('required'),
});

/** The number, or `unlimited`, which must be written out. */
export const quota = z.union([z.int().min(1).max(1_000_000_000), z.literal('unlimited')]);

export const quotas = z.strictObject({
  /** Guest tokens that each client of the realm may mint in a minute, compatibility sections included. */
  guestTokensPerMinute: quota.default(60_000),
});

/**
 * What one network may do in a minute without showing any credential. A network is an IPv4 address or an IPv6 /64.
 * Others are never refused for what it does.
 */
export const networkLimits = z.strictObject({
  /** Wrong passwords, whatever the names: one password tried with many names locks nobody's account. */
  wrongPasswordsPerMinute: quota.default(100),
  /** Logins that begin at the authorization endpoint. */
  loginsPerMinute: quota.default(600),
  /** Authorization requests that public clients push (RFC 9126). */
  pushedRequestsPerMinute: quota.default(120),
  /** Device codes for public clients (RFC 8628). */
  deviceCodesPerMinute: quota.default(60),
  /** Clients that register themselves without an initial access token (RFC 7591). */
  registrationsPerMinute: quota.default(30),
  /** DPoP proofs for openers and guests' refresh tokens that turn out to be none: each is remembered (RFC 9449 §11.1). */
  proofsPerMinute: quota.default(600),
});

/** The guest ceiling of a minting client. The guest model defines its fields. */
export const mints = z.looseObject({});

/** Limits for all guest tokens of the realm. The guest model defines its fields. */
export const guests = z.looseObject({});

/** The sections of the embed products. The facades define their names and fields. */
const compat = z.record(z.string().max(63), z.looseObject({}).optional());

/** The audit log of the realm. */
export const audit = z.strictObject({
  /** How many days an event is kept. A change counts for events of from then on. */
  days: z.int().min(1).max(3650).default(90),
});

export const realmSettings = z.strictObject({
  name,
  displayName: text.optional(),
  enabled: z.boolean().default(true),
  profile: z.enum(['strict', 'keycloak']).default('strict'),
  /** Signs the ID tokens of clients that name no algorithm. Absent: RS256 (OIDC Core §15.1), for FAPI clients ES256. */
  idTokenSignedResponseAlg: signingAlgorithm.optional(),
  /** Only for `profile: keycloak`: the status of wrong user credentials. */
  badCredentialsStatus: z.union([z.literal(400), z.literal(401)]).optional(),
  lifetimes: lifetimes.prefault({}),
  passwords: passwordPolicy.prefault({}),
  login: loginOptions.prefault({}),
  /** `acr` values in rising order; the first is what a password login gives. */
  acrValues: z.array(z.string().max(128)).max(10).default(['1']),
  claims: z.array(attributeClaim).max(50).default([]),
  registration: registration.optional(),
  apis: z.array(api).max(100).default([]),
  roles: z.array(role).max(500).default([]),
  policies: z.array(policy).max(500).default([]),
  guests: guests.optional(),
  quotas: quotas.prefault({}),
  networkLimits: networkLimits.prefault({}),
  audit: audit.prefault({}),
  compat: compat.optional(),
});

export const grantName = z.enum([
  'authorization_code',
  'refresh_token',
  'client_credentials',
  'password',
  'urn:ietf:params:oauth:grant-type:device_code',
  'urn:openid:params:grant-type:ciba',
  'urn:ietf:params:oauth:grant-type:token-exchange',
]);

const authMethod = z.enum([
  'none',
  'client_secret_basic',
  'client_secret_post',
  'client_secret_jwt',
  'private_key_jwt',
  'tls_client_auth',
  'self_signed_tls_client_auth',
]);

const clientSecret = z.string().min(8).max(512);

export const client = z.strictObject({
  id: clientId,
  enabled: z.boolean().default(true),
  secret: clientSecret.optional(),
  /** The previous secret. It also counts, until that time or until it is removed, while callers change over. */
  previousSecret: clientSecret.optional(),
  previousSecretUntil: z.iso.datetime({ offset: true }).optional(),
  public: z.boolean().optional(),
  firstParty: z.boolean().optional(),
  grants: z.array(grantName).default([]),
  redirectUris: z.array(url).max(1000).default([]),
  roles: z.array(z.string().max(128)).max(100).default([]),
  /** Ceiling of scopes this client can ever get; absent = no ceiling of its own. `api:permission`. */
  permissions: z.array(z.string().max(256)).max(500).optional(),
  /** APIs (by `id`) whose tokens it may introspect. */
  introspects: z.array(z.string()).max(100).default([]),
  mints: mints.optional(),
  /** APIs (by `id`) for which it may exchange tokens that it was given (RFC 8693); absent = none. */
  exchanges: z.array(z.string().max(63)).max(100).optional(),
  /** Web origins that may call from a browser; default: the origins of its redirect URIs. */
  cors: z.array(z.string().max(256)).max(1000).optional(),
  /** Only for `profile: keycloak`: names that its JWT access tokens are for beside the API, its own id alone. */
  audiences: z.array(z.string().max(128)).max(1).optional(),
  consent: z.enum(['none', 'once', 'always']).optional(),
  pkce: z.enum(['required', 'optional']).optional(),
  fapi: z.boolean().optional(),
  /** Access token life in seconds for this client. */
  accessTokenTtl: seconds.optional(),
  /** Put the claims of the granted scopes into the ID token as well (OIDC Core §5.4 leaves them at userinfo). */
  claimsInIdToken: z.boolean().optional(),
  // RFC 7591 §2, OIDC Registration §2 and their extensions, in camelCase, with their meaning there.
  applicationType: z.enum(['web', 'native']).optional(),
  responseTypes: z.array(z.string()).optional(),
  clientName: text.optional(),
  clientUri: httpUrl.optional(),
  logoUri: httpUrl.optional(),
  policyUri: httpUrl.optional(),
  tosUri: httpUrl.optional(),
  contacts: z.array(text).optional(),
  tokenEndpointAuthMethod: authMethod.optional(),
  tokenEndpointAuthSigningAlg: text.optional(),
  jwks: jwks.optional(),
  jwksUri: httpUrl.optional(),
  subjectType: z.enum(['public', 'pairwise']).optional(),
  sectorIdentifierUri: httpUrl.optional(),
  defaultMaxAge: z.int().min(0).optional(),
  requireAuthTime: z.boolean().optional(),
  defaultAcrValues: z.array(text).optional(),
  initiateLoginUri: httpUrl.optional(),
  postLogoutRedirectUris: z.array(url).optional(),
  backchannelLogoutUri: httpUrl.optional(),
  backchannelLogoutSessionRequired: z.boolean().optional(),
  idTokenSignedResponseAlg: text.optional(),
  idTokenEncryptedResponseAlg: text.optional(),
  idTokenEncryptedResponseEnc: text.optional(),
  userinfoSignedResponseAlg: text.optional(),
  userinfoEncryptedResponseAlg: text.optional(),
  userinfoEncryptedResponseEnc: text.optional(),
  introspectionSignedResponseAlg: text.optional(),
  introspectionEncryptedResponseAlg: text.optional(),
  introspectionEncryptedResponseEnc: text.optional(),
  requestObjectSigningAlg: text.optional(),
  requireSignedRequestObject: z.boolean().optional(),
  requirePushedAuthorizationRequests: z.boolean().optional(),
  dpopBoundAccessTokens: z.boolean().optional(),
  tlsClientCertificateBoundAccessTokens: z.boolean().optional(),
  tlsClientAuthSubjectDn: text.optional(),
  tlsClientAuthSanDns: text.optional(),
  tlsClientAuthSanUri: text.optional(),
  tlsClientAuthSanIp: text.optional(),
  tlsClientAuthSanEmail: text.optional(),
  authorizationDetailsTypes: z.array(text).optional(),
  backchannelTokenDeliveryMode: z.enum(['poll']).optional(),
  backchannelAuthenticationRequestSigningAlg: text.optional(),
  backchannelUserCodeParameter: z.boolean().optional(),
  /** Set by dynamic registration: the rest of the registered metadata as sent, and who registered it. */
  registered: z.looseObject({}).optional(),
  /** Set by an open registration, until the client gets its first token: it is forgotten after a week. */
  unused: z.literal(true).optional(),
});

const address = z.strictObject({
  formatted: text.optional(),
  streetAddress: text.optional(),
  locality: text.optional(),
  region: text.optional(),
  postalCode: text.optional(),
  country: text.optional(),
});

/** OIDC Core §5.1 claims of a person, in camelCase. */
export const profile = z.strictObject({
  givenName: text.optional(),
  familyName: text.optional(),
  middleName: text.optional(),
  nickname: text.optional(),
  profile: httpUrl.optional(),
  picture: httpUrl.optional(),
  website: httpUrl.optional(),
  gender: text.optional(),
  birthdate: text.optional(),
  zoneinfo: text.optional(),
  locale: text.optional(),
  phoneNumber: text.optional(),
  phoneNumberVerified: z.boolean().optional(),
  address: address.optional(),
});

export const user = z.strictObject({
  /** Stable subject (UUID), made at creation and never reused. */
  id: z.uuid().optional(),
  username: z
    .string()
    .min(1)
    .max(256)
    .regex(/^[^\p{C}]*$/u, 'must hold no control characters')
    .refine((value) => value.trim() === value, 'must not begin or end with a space'),
  email: z.email().optional(),
  emailVerified: z.boolean().default(false),
  name: text.optional(),
  ...profile.shape,
  /** In files only: hashed when applied. */
  password: z.string().min(1).max(1024).optional(),
  /** PHC string: argon2id here, or an imported `$pbkdf2-sha256$…`, `$pbkdf2-sha512$…`, `$2b$…`. */
  passwordHash: z
    .string()
    .max(1024)
    .regex(
      /^(\$argon2id\$|\$pbkdf2-sha(256|512)\$|\$2[aby]\$)/,
      'must begin with $argon2id$, $pbkdf2-sha256$, $pbkdf2-sha512$ or $2b$',
    )
    .optional(),
  /** Proof, keyed by the master key, that `passwordHash` is of the password that a file gave (apply-users.ts). */
  appliedPassword: z.string().max(128).optional(),
  /** Wrong passwords that were counted under an earlier number lock nobody (authn/lockout.ts). */
  lockGeneration: z.int().optional(),
  roles: z.array(z.string().max(128)).max(100).default([]),
  attributes: z.record(z.string().max(128), z.json()).default({}),
  enabled: z.boolean().default(true),
  requiredActions: z.array(z.enum(['change_password'])).default([]),
  /** Seconds since the epoch of the last change. */
  updatedAt: z.int().optional(),
});

/** A realm file: the realm with its clients and users. */
export const realmFile = realmSettings.extend({
  /** Marks a file whose secrets are published. Production refuses to start with it. */
  demo: z.boolean().optional(),
  clients: z.array(client).max(10_000).default([]),
  users: z
    .array(user.omit({ appliedPassword: true, lockGeneration: true }))
    .max(100_000)
    .default([]),
});

export type RealmSettings = z.infer<typeof realmSettings>;
export type RealmSettingsInput = z.input<typeof realmSettings>;
/** The file as written: what it leaves out is absent, because applying it must not touch that. */
export type RealmFile = z.input<typeof realmFile>;
export type Api = z.infer<typeof api>;
export type Role = z.infer<typeof role>;
export type AttributeClaim = z.infer<typeof attributeClaim>;
export type Policy = z.infer<typeof policy>;
export type Quota = z.infer<typeof quota>;
export type Client = z.infer<typeof client>;
export type ClientInput = z.input<typeof client>;
export type User = z.infer<typeof user> & { readonly id: string };
export type UserInput = z.input<typeof user>;
export type PasswordPolicy = z.infer<typeof passwordPolicy>;
