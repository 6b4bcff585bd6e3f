/** The library's configuration for one revision of one realm. */
import type { AdapterFactory, Configuration, JWKS, KoaContextWithOIDC } from 'oidc-provider';
import { hmac } from '../base/hash.ts';
import { accountFinder } from './account.ts';
import { claimsByScope, keycloakClaims, oidcScopes } from './claims.ts';
import { createConsents } from './consents.ts';
import { allowsOrigin } from './cors.ts';
import { featuresOf } from './features.ts';
import { existingGrantLoader } from './grants-of-login.ts';
import { interactionPolicyOf } from './interaction-policy.ts';
import { noteSignedClaims } from './internals.ts';
import { lifetimesOf } from './lifetimes.ts';
import { cookiePath } from './logout.ts';
import { guardedFetch } from './outgoing.ts';
import type { RealmContext } from './realm-context.ts';
import type { Screens } from './screens.ts';
import { accessTokenClaims, shapeJwt } from './token-claims.ts';

export function configurationOf(
  realm: RealmContext,
  adapter: AdapterFactory,
  screens: Screens,
): Configuration {
  const { view } = realm;
  const isKeycloak = view.profile === 'keycloak';
  return {
    adapter,
    clients: [],
    jwks: { keys: [...realm.keys.jwks] } as JWKS,
    scopes: oidcScopes,
    claims: isKeycloak ? keycloakClaims : claimsByScope,
    acrValues: view.acrValues,
    subjectTypes: ['public', 'pairwise'],
    pairwiseIdentifier: (_ctx, accountId, client) =>
      hmac(realm.keys.secret, `pairwise:${String(client['sectorIdentifier'])}:${accountId}`),
    responseTypes: ['code', 'none'],
    routes,
    cookies: cookiesOf(realm),
    clientBasedCORS: allowsOrigin,
    extraClientMetadata: { properties: ['fapi', 'cors_origins', 'pkce_optional', 'claims_in_id_token'] },
    clientAuthMethods,
    enabledJWA,
    clockTolerance: 10,
    allowOmittingSingleRegisteredRedirectUri: false,
    pkce: { required: (_ctx, client) => client['pkce_optional'] !== true },
    findAccount: accountFinder(realm),
    loadExistingGrant: existingGrantLoader(realm, createConsents(realm.store, realm.name)),
    interactions: {
      policy: interactionPolicyOf(realm),
      url: (_ctx, interaction) => `${realm.issuer}/login/${interaction.uid}`,
    },
    issueRefreshToken: (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    rotateRefreshToken: mustRotate,
    // Sessions end through their node in the revocation tree; expiry alone does not travel down it.
    expiresWithSession: () => false,
    revokeGrantPolicy: () => true,
    extraTokenClaims: accessTokenClaims(realm),
    formats: {
      customizers: {
        jwt: (ctx, token, jwt) => {
          shapeJwt(realm, ctx, token, jwt);
          noteSignedClaims(token, jwt.payload);
        },
      },
    },
    renderError: (ctx, out) => screens.error(ctx, realm, out),
    ttl: lifetimesOf(realm),
    features: featuresOf(realm, screens),
    ...guardedFetch(realm.allowPrivateFetch),
  };
}

const base = '/protocol/openid-connect';

const routes: NonNullable<Configuration['routes']> = {
  authorization: `${base}/auth`,
  token: `${base}/token`,
  introspection: `${base}/token/introspect`,
  revocation: `${base}/revoke`,
  userinfo: `${base}/userinfo`,
  end_session: `${base}/logout`,
  jwks: `${base}/certs`,
  device_authorization: `${base}/auth/device`,
  code_verification: '/device',
  pushed_authorization_request: `${base}/ext/par/request`,
  backchannel_authentication: `${base}/ext/ciba/auth`,
  registration: '/clients-registrations/openid-connect',
};

const clientAuthMethods: NonNullable<Configuration['clientAuthMethods']> = [
  'none',
  'client_secret_basic',
  'client_secret_post',
  'client_secret_jwt',
  'private_key_jwt',
  'tls_client_auth',
  'self_signed_tls_client_auth',
];

const asymmetric = ['ES256', 'PS256', 'EdDSA', 'RS256'] as const;

const enabledJWA: NonNullable<Configuration['enabledJWA']> = {
  clientAuthSigningAlgValues: [...asymmetric, 'HS256'],
  dPoPSigningAlgValues: ['ES256', 'EdDSA', 'PS256', 'RS256'],
  requestObjectSigningAlgValues: [...asymmetric],
};

function cookiesOf(realm: RealmContext): NonNullable<Configuration['cookies']> {
  const path = cookiePath(realm);
  const shared = { httpOnly: true, sameSite: 'lax', signed: true } as const;
  return {
    names: { session: '_session', interaction: '_interaction', resume: '_resume' },
    keys: [hmac(realm.keys.secret, 'cookies')],
    long: { ...shared, path },
    short: shared,
  };
}

/** RFC 9700 §2.2.2: public clients rotate unless a key holds the token; the others keep theirs (FAPI 2.0 §5.3.2.1). */
function mustRotate(ctx: KoaContextWithOIDC): boolean {
  const token = ctx.oidc.entities.RefreshToken;
  return ctx.oidc.client?.clientAuthMethod === 'none' && token?.isSenderConstrained() !== true;
}
