/**
 * What differs between the profiles of a realm, as one value: `strict` follows the RFCs, `keycloak` answers as Keycloak
 * does where its clients depend on it (docs/keycloak.md has a row for each difference). Nothing else asks which
 * profile a realm has.
 */
import type { Context } from 'koa';
import type { AccessToken, ClientCredentials, JWTStructured, KoaContextWithOIDC } from 'oidc-provider';
import type { Api, User } from '../../registry/model/model.ts';
import type { RealmView } from '../../registry/model/realm-view.ts';
import type { TokenRecord } from '../../tokens/record.ts';
import type { RefreshShape } from './refresh-shape.ts';

export type Profile = {
  /** Signs JWT access tokens where the API names no algorithm. */
  readonly signingAlg: 'ES256' | 'RS256';
  readonly browsers: BrowserRules;
  readonly clientAuthentication: {
    /** Whether the same secret in the header and in the form counts as one method (RFC 6749 §2.3 forbids two). */
    readonly allowsRepeatedSecret: boolean;
    /** Whether a public client may send a secret, which then means nothing. */
    readonly ignoresSecretOfPublicClient: boolean;
  };
  readonly sessionIds: SessionIds;
  readonly idTokens: IdTokenRules;
  readonly accessTokens: AccessTokenRules;
  readonly refreshTokens: {
    /** Wraps an opaque value for the client; `undefined` where the client gets the value itself. */
    readonly shape: ((hash: string, shape: RefreshShape, secret: Buffer) => Promise<string>) | undefined;
  };
  readonly tokenExchange: ExchangeRules;
  readonly introspection: IntrospectionRules;
  readonly errors: ProtocolErrors;
};

/** What pages of clients may do in a browser. */
export type BrowserRules = {
  /** The `SameSite` attribute of the session's cookies. */
  sameSite(publicUrl: string): 'lax' | 'none';
  /** Whether cross-origin answers have `Access-Control-Allow-Credentials: true`. */
  readonly allowsCredentials: boolean;
  /** Whether there is a session iframe (OIDC Session Management §3.3). */
  readonly hasSessionIframe: boolean;
  /** Whether pages that hold an access token may read the person's account as JSON. */
  readonly hasAccountProfile: boolean;
};

/** The name of a session for a client (`sid`, OIDC Back-Channel Logout §2.1). `secret` is the realm's. */
export type SessionIds = {
  idOf(uid: string, clientId: string, secret: Buffer): string;
  /** The uid of the session that a client calls by this name; `undefined` when there can be none. */
  uidOf(sessionId: string, clientId: string, secret: Buffer): string | undefined;
};

export type IdTokenRules = {
  /** The claims of the scope `openid`. */
  readonly claims: readonly string[];
  /** Whether this client gets the claims of the granted scopes in the ID token too. */
  hasScopeClaims(ctx: KoaContextWithOIDC): boolean;
  /** Members that are added to every ID token. `secret` is the realm's. */
  extras(ctx: KoaContextWithOIDC, secret: Buffer): Readonly<Record<string, unknown>>;
};

/** What the claims of a token need to know of its realm. */
export type RealmRoles = {
  readonly view: Pick<RealmView, 'expandRoles'>;
  apiOf(audience: string): Api | undefined;
};

export type JwtInMaking = {
  readonly realm: RealmRoles;
  readonly ctx: KoaContextWithOIDC;
  readonly token: AccessToken | ClientCredentials;
  readonly user: User | undefined;
};

export type AccessTokenRules = {
  /** The format of tokens for a realm that has no APIs. */
  readonly format: 'jwt' | 'opaque';
  /** Changes a JWT before it is signed; `undefined` where it stays as RFC 9068 defines it. */
  readonly shapeJwt: ((jwt: JWTStructured, making: JwtInMaking) => void) | undefined;
};

/** Token exchange for another API (RFC 8693). */
export type ExchangeRules = {
  /** The `subject_token_type` of a request that names none; `undefined` where it is required (§2.1). */
  readonly defaultSubjectType: string | undefined;
  /** Whether `audience` may name a client that introspects one API, which is then meant. */
  readonly audienceMayBeClient: boolean;
  /** Whether who asks for a refresh token is answered an access token, as `issued_token_type` says (§2.2.1). */
  readonly answersRefreshByAccess: boolean;
  /** Parameters that must not be there, because they would change whose token is meant. */
  readonly refusedParameters: readonly string[];
};

export type IntrospectionRules = {
  /** What is wrong with a `token_type_hint`, for the caller. */
  problemOfHint(hint: string): string | undefined;
  /** Members that an active answer has besides those of RFC 7662 §2.2. */
  extras(realm: RealmRoles, record: TokenRecord): Readonly<Record<string, unknown>>;
};

/** An error answer of an endpoint. */
export type Refused = { readonly status: number; readonly error: string; readonly description: string };

/** What the library throws. `error_detail` is for the log, and tells more than the description. */
export type LibraryError = {
  readonly error: string;
  readonly statusCode: number;
  readonly error_detail?: string | undefined;
  readonly error_description?: string | undefined;
};

/** A request that the library has refused. */
export type RefusedRequest = {
  /** The library's name of the endpoint. */
  readonly route: string;
  readonly grantType: unknown;
  /** Whether the client exists. */
  readonly isKnownClient: boolean;
  /** Whether the refresh token that was sent is the client's own, and was revoked. */
  isRevoked(): Promise<boolean>;
};

export type ProtocolErrors = {
  /** Unknown user, wrong password and locked user alike. `status` is what the realm's file asks for. */
  badCredentials(status: number | undefined): Error;
  /** The password was right, but the account is closed. */
  disabledAccount(): Error;
  /** RFC 6749 §5.2 `invalid_client`: the client is unknown or did not prove who it is. */
  invalidClient(thrown: LibraryError, request: RefusedRequest): Refused;
  /** A public client asks for introspection: naming oneself proves nothing (RFC 7662 §2.1). */
  readonly publicIntrospection: Refused;
  /** The answer instead of the library's to anything else; `undefined` where that is right. */
  rephrase(thrown: LibraryError, request: RefusedRequest): Promise<Refused | undefined>;
  /** Changes the library's refusal at the userinfo endpoint. */
  shapeUserinfo(ctx: Context, realmName: string, thrown: LibraryError): void;
  /** The answer to a method that the metadata does not have; `undefined` for 405 as everywhere else. */
  readonly methodAtMetadata: { readonly status: number; readonly error: string } | undefined;
};
