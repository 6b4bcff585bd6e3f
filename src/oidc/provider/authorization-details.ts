import { errors, type KoaContextWithOIDC } from 'oidc-provider';
import { detailTypes } from '../../guest/record/rar.ts';

/**
 * RFC 9396 for guest tokens: `authorization_details` are for token exchange only, where the grant checks each object
 * against every ceiling. At other grants they would promise something that no login can give.
 */
function validate(ctx: KoaContextWithOIDC): void {
  const isExchange = ctx.oidc.params?.['grant_type'] === 'urn:ietf:params:oauth:grant-type:token-exchange';
  if (!isExchange) {
    throw new errors.InvalidAuthorizationDetails('this type is for token exchange only');
  }
}

export const richAuthorizationRequests = {
  enabled: true,
  types: Object.fromEntries(detailTypes.map((type) => [type, { validate }])),
  authorizationDetailsForGrantSource: () => undefined,
  authorizationDetailsForAccessToken: () => undefined,
  authorizationDetailsForIntrospection: () => undefined,
};
