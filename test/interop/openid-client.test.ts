/** openid-client, as its documentation says to use it. */
import * as client from 'openid-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { browserRealm } from '../flows/oidc-realm.ts';
import { callback } from '../support/authorization.ts';
import { warehouse } from '../support/realms.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { createVisitor, signIn, type Visitor } from '../support/visitor.ts';

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';

let server: TestServer;

beforeAll(async () => {
  const { clients } = browserRealm();
  const gateway = {
    id: 'gateway',
    secret: 'gateway-secret',
    introspects: ['analytics', 'warehouse'],
    grants: [EXCHANGE],
    exchanges: ['warehouse'],
  };
  const web = {
    id: 'site',
    secret: 'site-secret',
    firstParty: true,
    grants: ['authorization_code', 'refresh_token', 'client_credentials'],
    redirectUris: [callback],
    postLogoutRedirectUris: ['https://app.example/bye'],
    roles: ['engine'],
  };
  const others = clients.filter(({ id }: { id: string }) => id !== 'gateway');
  server = await startTestServer({ realms: [browserRealm({ clients: [...others, gateway, web] })] });
});
afterAll(() => server?.stop());

const discover = (id: string, secret?: string): Promise<client.Configuration> =>
  client.discovery(
    new URL(server.issuer('acme')),
    id,
    undefined,
    secret === undefined ? client.None() : client.ClientSecretBasic(secret),
    { execute: [client.allowInsecureRequests] },
  );

type Login = { readonly config: client.Configuration; readonly params?: Record<string, string> };

/** A person goes to `url` and comes back. */
async function comeBack(url: URL): Promise<{ back: URL; visitor: Visitor }> {
  const visitor = createVisitor(server.url);
  const { location } = await signIn(visitor, await visitor.open(url));
  if (location === undefined) throw new Error('the person did not come back');
  return { back: location, visitor };
}

const checks = () => ({
  pkceCodeVerifier: client.randomPKCECodeVerifier(),
  expectedState: client.randomState(),
  expectedNonce: client.randomNonce(),
});

async function paramsFor(check: ReturnType<typeof checks>, more: Record<string, string> = {}) {
  return {
    redirect_uri: callback,
    scope: 'openid email reports:read',
    code_challenge: await client.calculatePKCECodeChallenge(check.pkceCodeVerifier),
    code_challenge_method: 'S256',
    state: check.expectedState,
    nonce: check.expectedNonce,
    ...more,
  };
}

async function login({ config, params }: Login) {
  const check = checks();
  const url = client.buildAuthorizationUrl(config, await paramsFor(check, params));
  const { back, visitor } = await comeBack(url);
  return { visitor, tokens: await client.authorizationCodeGrant(config, back, check) };
}

describe('openid-client', () => {
  it('signs a person in by code and PKCE, and reads who it is', async () => {
    const config = await discover('app');

    const { tokens } = await login({ config, params: { max_age: '300' } });

    const claims = tokens.claims();
    const info = await client.fetchUserInfo(config, tokens.access_token, claims?.sub ?? '');
    expect(claims).toMatchObject({ aud: 'app', auth_time: expect.any(Number) });
    expect(info.email).toBe('george@acme.test');
    expect(tokens.expiresIn()).toBeGreaterThan(1700);
  });

  it('refreshes, introspects, revokes, and logs the person out', async () => {
    const config = await discover('site', 'site-secret');
    const api = await discover('gateway', 'gateway-secret');
    const { tokens, visitor } = await login({ config });

    const fresh = await client.refreshTokenGrant(config, tokens.refresh_token ?? '');
    const before = await client.tokenIntrospection(api, fresh.access_token);
    await client.tokenRevocation(config, fresh.access_token);
    const after = await client.tokenIntrospection(api, fresh.access_token);
    const logout = client.buildEndSessionUrl(config, {
      post_logout_redirect_uri: 'https://app.example/bye',
      id_token_hint: tokens.id_token ?? '',
    });
    const out = await visitor.open(logout);

    expect(before).toMatchObject({ active: true, username: 'george.becker', client_id: 'site' });
    expect(after).toEqual({ active: false });
    expect(out.location?.href).toBe('https://app.example/bye');
    await expect(client.refreshTokenGrant(config, fresh.refresh_token ?? '')).rejects.toMatchObject({
      error: 'invalid_grant',
    });
  });

  it('pushes its request', async () => {
    const config = await discover('pushes');
    const check = checks();
    const url = await client.buildAuthorizationUrlWithPAR(config, await paramsFor(check));
    const { back } = await comeBack(url);

    const tokens = await client.authorizationCodeGrant(config, back, check);

    expect([...url.searchParams.keys()].toSorted()).toEqual(['client_id', 'request_uri']);
    expect(tokens.claims()?.['nonce']).toBe(check.expectedNonce);
  });

  it('binds its tokens to a key', async () => {
    const config = await discover('app');
    const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'));
    const check = checks();
    const dpop_jkt = await DPoP.calculateThumbprint();
    const { back } = await comeBack(
      client.buildAuthorizationUrl(config, await paramsFor(check, { dpop_jkt })),
    );

    const tokens = await client.authorizationCodeGrant(config, back, check, undefined, { DPoP });

    const info = await client.fetchUserInfo(config, tokens.access_token, tokens.claims()?.sub ?? '', {
      DPoP,
    });
    const fresh = await client.refreshTokenGrant(config, tokens.refresh_token ?? '', undefined, { DPoP });
    expect([tokens.token_type, fresh.token_type]).toEqual(['dpop', 'dpop']);
    expect(info.email).toBe('george@acme.test');
  });

  it('lets a device in', async () => {
    const config = await discover('tv');
    const device = await client.initiateDeviceAuthorization(config, { scope: 'openid email' });
    const visitor = createVisitor(server.url);
    const page = await visitor.open(device.verification_uri_complete ?? '');
    const compare = await visitor.submit(page, { user_code: device.user_code });
    const consent = await signIn(visitor, await visitor.submit(compare, { confirm: 'yes' }));
    await visitor.submit(consent, { decision: 'allow' });

    // The wait before the first question is as long as we said, which is 5 s: nobody waits for that here.
    const tokens = await client.pollDeviceAuthorizationGrant(config, { ...device, interval: 0 });

    expect(device.interval).toBe(5);
    expect(tokens.claims()?.sub).toBeTypeOf('string');
  });

  it('asks a person elsewhere', async () => {
    const config = await discover('till', 'till-secret');
    const asked = await client.initiateBackchannelAuthentication(config, {
      scope: 'openid',
      login_hint: 'george.becker',
    });
    const visitor = createVisitor(server.url);
    const account = await signIn(visitor, await visitor.open('/realms/acme/account'));
    await visitor.submit(account, { decision: 'approve' }, '/decide');

    const tokens = await client.pollBackchannelAuthenticationGrant(config, { ...asked, interval: 0 });

    expect(tokens.claims()?.aud).toBe('till');
  });

  it('gets a token of its own', async () => {
    const config = await discover('site', 'site-secret');

    const tokens = await client.clientCredentialsGrant(config, { resource: warehouse });

    expect(tokens.scope).toBe('warehouse:query');
  });

  it('exchanges a token for another API', async () => {
    const service = await client.clientCredentialsGrant(await discover('site', 'site-secret'));
    const config = await discover('gateway', 'gateway-secret');

    const tokens = await client.genericGrantRequest(config, EXCHANGE, {
      subject_token: service.access_token,
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      resource: warehouse,
    });

    expect(tokens).toMatchObject({ token_type: 'bearer', scope: 'warehouse:query' });
    expect(await client.tokenIntrospection(config, tokens.access_token)).toMatchObject({
      active: true,
      sub: 'site',
      act: { sub: 'gateway' },
    });
  });

  it('notices an answer of another server', async () => {
    const config = await discover('app');
    const check = checks();
    const { back } = await comeBack(client.buildAuthorizationUrl(config, await paramsFor(check)));
    back.searchParams.set('iss', 'https://evil.example');

    await expect(client.authorizationCodeGrant(config, back, check)).rejects.toThrow();
  });
});
