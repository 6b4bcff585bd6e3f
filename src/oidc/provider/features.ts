/** The enabled features of the library, with our hooks. */
import type { Configuration, KoaContextWithOIDC } from 'oidc-provider';
import {
  type CertificateHeaders,
  certificateReader,
  isChainVerified,
  subjectMatcher,
} from '../client-auth/certificates.ts';
import { requestObjectCheck } from '../client-auth/request-objects.ts';
import { registrationFeatures } from '../clients/registration.ts';
import { cibaFeature } from '../interaction/ciba.ts';
import { deviceFlow } from '../interaction/device.ts';
import { nonceSecretOf } from '../library/nonces.ts';
import type { RealmContext } from '../realm/realm-context.ts';
import type { UiPort } from '../realm/ui-port.ts';
import { logoutSource } from '../sessions/logout.ts';
import { resourceIndicators } from '../tokens/resources.ts';
import { richAuthorizationRequests } from './authorization-details.ts';

export function featuresOf(realm: RealmContext, ui: UiPort): NonNullable<Configuration['features']> {
  return {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    claimsParameter: { enabled: true },
    pushedAuthorizationRequests: { enabled: true },
    requestObjects: { enabled: true, assertJwtClaimsAndHeader: requestObjectCheck(realm) },
    dPoP: { enabled: true, nonceSecret: nonceSecretOf(realm.keys.secret) },
    mTLS: mutualTls(realm),
    fapi: {
      enabled: true,
      profile: (_ctx, client) => (client?.['fapi'] === true ? '2.0' : undefined),
    },
    introspection: { enabled: true, allowedPolicy: () => true },
    jwtIntrospection: { enabled: true },
    jwtUserinfo: { enabled: true },
    revocation: { enabled: true, allowedPolicy: () => true },
    encryption: { enabled: true },
    backchannelLogout: { enabled: true },
    rpInitiatedLogout: {
      enabled: true,
      logoutSource: logoutSource(realm, ui),
      postLogoutSuccessSource: (ctx) => ui.loggedOut(ctx, realm),
    },
    deviceFlow: deviceFlow(realm, ui),
    ciba: cibaFeature(realm),
    resourceIndicators: resourceIndicators(realm),
    richAuthorizationRequests,
    ...registrationFeatures(realm),
  };
}

function mutualTls(realm: CertificateHeaders) {
  const getCertificate = certificateReader(realm.clientCertHeader);
  return {
    enabled: true,
    certificateBoundAccessTokens: true,
    selfSignedTlsClientAuth: true,
    tlsClientAuth: true,
    getCertificate,
    // Asked for `tls_client_auth` only (RFC 8705 §2.1).
    certificateAuthorized: (ctx: KoaContextWithOIDC) =>
      getCertificate(ctx) !== undefined && isChainVerified(realm, ctx.req.headers),
    certificateSubjectMatches: subjectMatcher(realm.clientCertHeader),
  };
}
