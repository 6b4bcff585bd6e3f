import type { KoaContextWithOIDC } from 'oidc-provider';
import { keycloakErrors } from './keycloak-errors.ts';
import { introspectionClaims, shapeJwt } from './keycloak-tokens.ts';
import type { Profile } from './profile.ts';
import { shapeRefreshToken } from './refresh-shape.ts';

/** Keycloak 26.7, where its clients depend on it. */
export const keycloak: Profile = {
  // Keycloak's adapters verify nothing else.
  signingAlg: 'RS256',
  browsers: {
    // Pages are answered from within frames of clients (silent sign-in, session iframe): only a cookie that says
    // `SameSite=None` gets there, which browsers take over https alone. Our forms do not rely on the attribute.
    sameSite: (publicUrl) => (publicUrl.startsWith('https:') ? 'none' : 'lax'),
    // Keycloak's browser adapter sends its requests with credentials.
    allowsCredentials: true,
    hasSessionIframe: true,
    hasAccountProfile: true,
  },
  // Keycloak's Node.js adapter introspects with its secret in the header and in the form at once.
  clientAuthentication: { allowsRepeatedSecret: true, ignoresSecretOfPublicClient: true },
  // The session iframe compares them with `session_state`.
  sessionIds: { idOf: (uid) => uid, uidOf: (sessionId) => sessionId },
  idTokens: {
    claims: ['sub', 'typ', 'azp', 'session_state', 'sid'],
    hasScopeClaims: () => true,
    extras: idTokenClaims,
  },
  accessTokens: { format: 'jwt', shapeJwt },
  refreshTokens: { shape: shapeRefreshToken },
  tokenExchange: {
    // python-keycloak names no type of the subject token, and asks for a refresh token.
    defaultSubjectType: 'urn:ietf:params:oauth:token-type:access_token',
    audienceMayBeClient: true,
    answersRefreshByAccess: true,
    refusedParameters: ['requested_subject', 'requested_issuer', 'subject_issuer'],
  },
  introspection: { problemOfHint, extras: introspectionClaims },
  errors: keycloakErrors,
};

function idTokenClaims(ctx: KoaContextWithOIDC): Readonly<Record<string, unknown>> {
  const uid = ctx.oidc.entities.AccessToken?.sessionUid;
  return {
    azp: ctx.oidc.client?.clientId,
    ...(uid === undefined ? {} : { sid: uid, session_state: uid }),
  };
}

const hints: ReadonlySet<string> = new Set(['access_token', 'refresh_token', 'requesting_party_token']);

function problemOfHint(hint: string): string | undefined {
  return hint === '' || hints.has(hint) ? undefined : `Unsupported token type [${hint.slice(0, 64)}].`;
}
