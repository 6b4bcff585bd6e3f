/** oauth4webapi: every check that a careful client makes of an answer. */
import * as oauth from 'oauth4webapi';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { browserRealm } from '../flows/oidc-realm.ts';
import { callback } from '../support/authorization.ts';
import { warehouse } from '../support/realms.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { createVisitor, signIn } from '../support/visitor.ts';

const insecure = { [oauth.allowInsecureRequests]: true };
const engineer = { username: 'erna', password: 'erna_password' };

let server: TestServer;
let as: oauth.AuthorizationServer;

beforeAll(async () => {
  server = await startTestServer({ realms: [browserRealm()] });
  const issuer = new URL(server.issuer('acme'));
  as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure));
});
afterAll(() => server?.stop());

async function login(app: oauth.Client, auth: oauth.ClientAuth, params: Record<string, string>) {
  const verifier = oauth.generateRandomCodeVerifier();
  const state = oauth.generateRandomState();
  const nonce = oauth.generateRandomNonce();
  const url = new URL(as.authorization_endpoint ?? '');
  url.search = new URLSearchParams({
    client_id: app.client_id,
    redirect_uri: callback,
    response_type: 'code',
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
    ...params,
  }).toString();
  const visitor = createVisitor(server.url);
  const { location } = await signIn(visitor, await visitor.open(url), engineer);
  const answer = oauth.validateAuthResponse(as, app, location ?? new URL('about:blank'), state);
  const response = await oauth.authorizationCodeGrantRequest(
    as,
    app,
    auth,
    answer,
    callback,
    verifier,
    insecure,
  );
  const result = await oauth.processAuthorizationCodeResponse(as, app, response, {
    expectedNonce: nonce,
    requireIdToken: true,
  });
  await oauth.validateApplicationLevelSignature(as, response, insecure);
  return result;
}

describe('oauth4webapi', () => {
  it('finds the metadata at both addresses', async () => {
    const issuer = new URL(server.issuer('acme'));
    const response = await oauth.discoveryRequest(issuer, { ...insecure, algorithm: 'oauth2' });

    const metadata = await oauth.processDiscoveryResponse(issuer, response);

    expect(metadata.token_endpoint).toBe(as.token_endpoint);
    expect(as.authorization_response_iss_parameter_supported).toBe(true);
  });

  it('accepts every answer of a login, a refresh and userinfo', async () => {
    const app = { client_id: 'app' };
    const tokens = await login(app, oauth.None(), { scope: 'openid email' });
    const subject = oauth.getValidatedIdTokenClaims(tokens)?.sub ?? '';

    const refreshed = await oauth.processRefreshTokenResponse(
      as,
      app,
      await oauth.refreshTokenGrantRequest(as, app, oauth.None(), tokens.refresh_token ?? '', insecure),
    );
    const info = await oauth.processUserInfoResponse(
      as,
      app,
      subject,
      await oauth.userInfoRequest(as, app, refreshed.access_token, insecure),
    );

    expect(info.sub).toBe(subject);
  });

  it('verifies a JWT access token for its API (RFC 9068)', async () => {
    const web = { client_id: 'web' };
    const tokens = await login(web, oauth.ClientSecretBasic('web-secret'), {
      scope: 'openid warehouse:query',
      resource: warehouse,
    });
    const request = new Request('https://warehouse.acme.test/', {
      headers: { authorization: `Bearer ${tokens.access_token}` },
    });

    const claims = await oauth.validateJwtAccessToken(as, request, warehouse, insecure);

    expect(claims).toMatchObject({ client_id: 'web', scope: 'openid warehouse:query' });
  });

  it('accepts a signed introspection answer (RFC 9701)', async () => {
    const app = { client_id: 'app' };
    const gateway = { client_id: 'gateway', introspection_signed_response_alg: 'ES256' };
    const tokens = await login(app, oauth.None(), { scope: 'openid reports:read' });
    const response = await oauth.introspectionRequest(
      as,
      gateway,
      oauth.ClientSecretBasic('gateway-secret'),
      tokens.access_token,
      { ...insecure, requestJwtResponse: true },
    );

    const answer = await oauth.processIntrospectionResponse(as, gateway, response);
    await oauth.validateApplicationLevelSignature(as, response, insecure);

    expect(answer).toMatchObject({ active: true, username: 'erna' });
  });

  it('is told of an error with the issuer', async () => {
    const url = new URL(as.authorization_endpoint ?? '');
    const query = {
      client_id: 'app',
      redirect_uri: callback,
      response_type: 'code',
      state: 's',
      prompt: 'none',
    };
    url.search = new URLSearchParams({
      ...query,
      code_challenge: await oauth.calculatePKCECodeChallenge('x'.repeat(43)),
      code_challenge_method: 'S256',
      scope: 'openid',
    }).toString();
    const { location } = await createVisitor(server.url).open(url);

    const read = () => oauth.validateAuthResponse(as, { client_id: 'app' }, location ?? url, 's');

    expect(read).toThrow(expect.objectContaining({ error: 'login_required' }));
  });
});
