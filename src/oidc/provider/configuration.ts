/** The library's configuration for one revision of one realm. */
import {
  type AdapterFactory,
  type Client,
  type Configuration,
  type ErrorOut,
  errors,
  type JWKS,
  type KoaContextWithOIDC,
} from 'oidc-provider';
import { assertionCheck, CLOCK_TOLERANCE } from '../client-auth/client-assertions.ts';
import { extraClientMetadata } from '../clients/registration.ts';
import { heldAddress, isTrusted } from '../clients/trust.ts';
import { allowsOrigin } from '../http/cors.ts';
import { existingGrantLoader } from '../interaction/grant-builder.ts';
import { interactionPolicyOf } from '../interaction/interaction-policy.ts';
import { noteSignedClaims } from '../library/internals.ts';
import { staleForm } from '../library/messages.ts';
import { guardedFetch } from '../library/outgoing.ts';
import { dpopAlgorithms } from '../proofs/dpop.ts';
import { libraryRoutes } from '../realm/addresses.ts';
import { cookiesOf } from '../realm/cookies.ts';
import { lifetimesOf } from '../realm/lifetimes.ts';
import type { RealmContext } from '../realm/realm-context.ts';
import type { UiPort } from '../realm/ui-port.ts';
import { createConsents } from '../records/consents.ts';
import { sessionIframeMetadata } from '../sessions/session-iframe.ts';
import { accountFinder } from '../tokens/account.ts';
import { claimsOfScopes, oidcScopes } from '../tokens/claims.ts';
import { pairwiseIdentifier } from '../tokens/pairwise.ts';
import { accessTokenClaims, shapeJwt } from '../tokens/token-claims.ts';
import { featuresOf } from './features.ts';

export function configurationOf(realm: RealmContext, adapter: AdapterFactory, ui: UiPort): Configuration {
  const { view, profile } = realm;
  return {
    adapter,
    clients: [],
    // A copy: other providers of the realm have the same keys.
    jwks: { keys: structuredClone(realm.keys.jwks) } as JWKS,
    scopes: oidcScopes,
    claims: { openid: [...profile.idTokens.claims], ...claimsOfScopes(view.claims) },
    acrValues: view.acrValues,
    subjectTypes: ['public', 'pairwise'],
    pairwiseIdentifier: (_ctx, accountId, client) => pairwiseIdentifier(realm, accountId, client),
    responseTypes: ['code', 'none'],
    routes: libraryRoutes,
    cookies: cookiesOf(realm),
    clientBasedCORS: allowsOrigin,
    extraClientMetadata: extraClientMetadata(realm),
    clientAuthMethods,
    enabledJWA,
    clockTolerance: CLOCK_TOLERANCE,
    assertJwtClientAuthClaimsAndHeader: assertionCheck(realm),
    allowOmittingSingleRegisteredRedirectUri: false,
    pkce: { required: (_ctx, client) => needsPkce(realm, client) },
    findAccount: accountFinder(realm),
    loadExistingGrant: existingGrantLoader(realm, createConsents(realm.store, realm.name)),
    interactions: {
      policy: interactionPolicyOf(realm),
      url: (_ctx, interaction) => `${realm.issuer}/login/${interaction.uid}`,
    },
    issueRefreshToken: (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    rotateRefreshToken: mustRotate,
    // Tokens of a session end by its revocation node; the expiry of a session does not end its tokens.
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
    renderError: errorRenderer(realm, ui),
    discovery: sessionIframeMetadata(realm),
    ttl: lifetimesOf(realm),
    features: featuresOf(realm, ui),
    ...guardedFetch(realm.allowPrivateFetch),
  };
}

/** By the client's own setting, or by the realm's for clients that registered themselves. */
function needsPkce({ view }: Pick<RealmContext, 'view'>, client: Client): boolean {
  if (client.clientAuthMethod === 'none') return true;
  const isOptional = !isTrusted(client) && view.registration?.pkce === 'optional';
  return client['pkce_optional'] !== true && !isOptional;
}

function errorRenderer(realm: RealmContext, ui: UiPort): NonNullable<Configuration['renderError']> {
  return function renderError(ctx, out, error) {
    const target = heldAddress(ctx, out);
    if (target === undefined) ui.error(ctx, realm, pageError(out, error));
    else ui.confirmLeaving(ctx, realm, target);
  };
}

const staleForms: ReadonlySet<unknown> = new Set(Object.values(staleForm));

/** A page that was left open is no fault of the client's request, which `invalid_request` would mean. */
function pageError(out: ErrorOut, error: Error): ErrorOut {
  // What the library says of a fault of ours is no text of ours; the log has the reason.
  if (out.error === 'server_error') return { error: out.error };
  const isStale = error instanceof errors.SessionNotFound || staleForms.has(out.error_description);
  return isStale ? { ...out, error: 'session_not_found' } : out;
}

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
  dPoPSigningAlgValues: [...dpopAlgorithms],
  requestObjectSigningAlgValues: [...asymmetric],
};

/**
 * RFC 9700 §2.2.2: refresh tokens of public clients rotate, unless they are bound to a key; those of other clients do
 * not (FAPI 2.0 §5.3.2.1).
 */
function mustRotate(ctx: KoaContextWithOIDC): boolean {
  const token = ctx.oidc.entities.RefreshToken;
  return ctx.oidc.client?.clientAuthMethod === 'none' && token?.isSenderConstrained() !== true;
}
