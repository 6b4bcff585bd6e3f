import { errors, type KoaContextWithOIDC } from 'oidc-provider';
import type { Profile } from './profile.ts';
import { strictSessionIds } from './strict-session-ids.ts';

const invalidClient = {
  status: 401,
  error: 'invalid_client',
  description: 'client authentication failed',
} as const;

/** The RFCs and their best current practice. */
export const strict: Profile = {
  signingAlg: 'ES256',
  browsers: {
    sameSite: () => 'lax',
    allowsCredentials: false,
    hasSessionIframe: false,
    hasAccountProfile: false,
  },
  clientAuthentication: { allowsRepeatedSecret: false, ignoresSecretOfPublicClient: false },
  sessionIds: strictSessionIds,
  idTokens: {
    claims: ['sub', 'sid'],
    hasScopeClaims: (ctx) => ctx.oidc.client?.['claims_in_id_token'] === true,
    extras: sessionClaim,
  },
  accessTokens: { format: 'opaque', shapeJwt: undefined },
  refreshTokens: { shape: undefined },
  tokenExchange: {
    defaultSubjectType: undefined,
    audienceMayBeClient: false,
    answersRefreshByAccess: false,
    refusedParameters: [],
  },
  introspection: {
    // RFC 7662 §2.1: a hint that means nothing here may be ignored.
    problemOfHint: () => undefined,
    extras: () => ({}),
  },
  errors: {
    badCredentials,
    // The answer does not tell that an account is closed.
    disabledAccount: badCredentials,
    // Unknown client, no credentials, wrong and unsupported ones: all alike.
    invalidClient: () => invalidClient,
    publicIntrospection: invalidClient,
    rephrase: async () => undefined,
    shapeUserinfo: () => undefined,
    methodAtMetadata: undefined,
  },
};

/**
 * The session's name, so that tokens made from the ID token can end with its session, whether or not the client is
 * notified of logouts.
 */
function sessionClaim(ctx: KoaContextWithOIDC, secret: Buffer): Readonly<Record<string, unknown>> {
  const { client, entities } = ctx.oidc;
  const uid = entities.AccessToken?.sessionUid;
  if (uid === undefined || client === undefined) return {};
  return { sid: strictSessionIds.idOf(uid, client.clientId, secret) };
}

/** RFC 6749 §5.2. */
function badCredentials(): Error {
  const error = new errors.InvalidGrant('invalid user credentials');
  error.error_description = 'Invalid user credentials';
  return error;
}
