/** What Keycloak's clients read: fields of token answers (both profiles), JWTs of `keycloak` realms, userinfo's refusals. */
import { createPublicKey } from 'node:crypto';
import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, importSPKI, jwtVerify } from 'jose';
import * as oauth from 'oauth4webapi';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { realmFile } from '../../src/registry/model/model.ts';
import { obtainCode } from '../support/browserless.ts';
import { get, postForm } from '../support/http.ts';
import { acme, analytics, engine, gateway, george } from '../support/realms.ts';
import { useServer } from '../support/use-server.ts';

const jwtApis = acme().apis.map((api) => ({ ...api, tokens: { format: 'jwt', alg: 'RS256' } }));

const server = useServer({
  realms: [acme({ name: 'strict' }), acme({ name: 'keycloak', profile: 'keycloak', apis: jwtApis })],
});

const token = (realm: string, form: Readonly<Record<string, string>>, auth?: readonly [string, string]) =>
  postForm(server.endpoint(realm, 'token'), form, auth && { auth });
const logIn = async (realm: string, scope = 'openid') => (await token(realm, { ...george, scope })).json;
const refresh = (realm: string, refresh_token: string) =>
  token(realm, { grant_type: 'refresh_token', client_id: 'dc-ui', refresh_token });
const userinfo = (realm: string, headers: Record<string, string> = {}) =>
  get(server.endpoint(realm, 'userinfo'), headers);

const always = [
  'access_token',
  'expires_in',
  'refresh_expires_in',
  'token_type',
  'not-before-policy',
  'scope',
];
const ofUsers = [...always, 'refresh_token', 'session_state'];

describe.each(['strict', 'keycloak'])('token answers of a %s realm', (realm) => {
  it('carry nine fields after a login with openid', async () => {
    const login = await logIn(realm);
    const refreshed = await refresh(realm, login.refresh_token);
    const { form } = await obtainCode(server, { realm });
    const redeemed = await token(realm, form);

    for (const answer of [login, refreshed.json, redeemed.json]) {
      expect(Object.keys(answer).sort()).toEqual([...ofUsers, 'id_token'].sort());
      expect(answer).toMatchObject({ 'not-before-policy': 0, token_type: 'Bearer', expires_in: 1800 });
      expect(answer.refresh_expires_in).toBeGreaterThan(1800);
      expect(answer.refresh_expires_in).toBeLessThanOrEqual(86_400);
    }
    expect(refreshed.json.session_state).toBe(login.session_state);
  });

  it('have an ID token only where openid was asked for', async () => {
    const login = await token(realm, george);

    expect(Object.keys(login.json).sort()).toEqual(ofUsers.toSorted());
    expect(login.json.scope).toBe('dashboards:read reports:read metrics:read');
  });

  it('say of a service token that there is nothing to refresh', async () => {
    const answer = await token(realm, { grant_type: 'client_credentials' }, engine);

    expect(Object.keys(answer.json).sort()).toEqual(always.toSorted());
    expect(answer.json).toMatchObject({
      refresh_expires_in: 0,
      'not-before-policy': 0,
      token_type: 'Bearer',
    });
  });

  it('say the scope also when there is none', async () => {
    const answer = await token(realm, { grant_type: 'client_credentials' }, ['portal', 'portal-secret']);

    expect(answer).toMatchObject({ status: 200, json: { scope: '' } });
  });
});

describe('a keycloak realm', () => {
  it('signs access tokens that its adapters understand', async () => {
    const { access_token, session_state } = await logIn('keycloak');
    const keys = createRemoteJWKSet(new URL(server.endpoint('keycloak', 'certs')));

    const { payload, protectedHeader } = await jwtVerify(access_token, keys, {
      issuer: server.issuer('keycloak'),
      audience: analytics,
    });

    expect(protectedHeader).toMatchObject({ alg: 'RS256', typ: 'JWT', kid: expect.any(String) });
    expect(payload).toMatchObject({
      typ: 'Bearer',
      azp: 'dc-ui',
      sid: session_state,
      realm_access: { roles: ['analyst'] },
      resource_access: { analytics: { roles: ['dashboards:read', 'reports:read', 'metrics:read'] } },
      scope: 'openid dashboards:read reports:read metrics:read',
      'allowed-origins': ['http://localhost:3000'],
      preferred_username: 'george.becker',
      jti: expect.any(String),
    });
  });

  it.each([
    ['openid', []],
    ['openid profile', ['name']],
    ['openid email', ['email', 'email_verified']],
    ['openid profile email', ['name', 'email', 'email_verified']],
  ])('says of the person what the scopes %s give', async (scope, expected) => {
    const { access_token } = await logIn('keycloak', scope);

    const personal = ['name', 'given_name', 'family_name', 'email', 'email_verified'];
    expect(personal.filter((claim) => claim in decodeJwt(access_token))).toEqual(expected);
  });

  it('signs them with the key of its descriptor', async () => {
    const { access_token } = await logIn('keycloak');
    const descriptor = await get(`${server.url}/realms/keycloak`);

    const pem = `-----BEGIN PUBLIC KEY-----\n${descriptor.json.public_key}\n-----END PUBLIC KEY-----`;
    const verified = await jwtVerify(access_token, await importSPKI(pem, 'RS256'));

    expect(verified.payload['azp']).toBe('dc-ui');
    expect(createPublicKey(pem).asymmetricKeyType).toBe('rsa');
  });

  it('says in service tokens who the client is, and of no person', async () => {
    const answer = await token('keycloak', { grant_type: 'client_credentials' }, engine);

    const claims = decodeJwt(answer.json.access_token);
    expect(claims).toMatchObject({ typ: 'Bearer', azp: 'ds-engine', realm_access: { roles: ['engine'] } });
    expect(claims).not.toHaveProperty('preferred_username');
    expect(claims).not.toHaveProperty('sid');
  });

  it('marks ID tokens as such, with the session in them, first and refreshed', async () => {
    const login = await logIn('keycloak', 'openid profile email');
    const refreshed = (await refresh('keycloak', login.refresh_token)).json;
    const redeemed = (await token('keycloak', (await obtainCode(server, { realm: 'keycloak' })).form)).json;

    for (const answer of [login, refreshed, redeemed]) {
      expect(decodeProtectedHeader(answer.id_token).alg).toBe('RS256');
      expect(decodeJwt(answer.id_token)).toMatchObject({
        typ: 'ID',
        azp: 'dc-ui',
        aud: 'dc-ui',
        sid: answer.session_state,
        session_state: answer.session_state,
      });
    }
    expect(decodeJwt(login.id_token)).toMatchObject({
      preferred_username: 'george.becker',
      email: 'george@acme.test',
    });
  });

  it('gives refresh tokens that parse as JWTs with their expiry', async () => {
    // What is left of its life is told of one moment.
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
    onTestFinished(() => void vi.useRealTimers());
    const { refresh_token, refresh_expires_in, session_state } = await logIn('keycloak');

    const claims = decodeJwt(refresh_token);

    expect(decodeProtectedHeader(refresh_token).alg).toBe('HS512');
    expect(claims).toMatchObject({
      typ: 'Refresh',
      azp: 'dc-ui',
      aud: server.issuer('keycloak'),
      sid: session_state,
    });
    expect((claims.exp ?? 0) - (claims.iat ?? 0)).toBe(refresh_expires_in);
  });

  it('answers 20 refreshes at once with one successor, which works', async () => {
    const { refresh_token } = await logIn('keycloak');

    const answers = await Promise.all(Array.from({ length: 20 }, () => refresh('keycloak', refresh_token)));

    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    const successors = new Set<string>(answers.map(({ json }) => json.refresh_token));
    expect(successors.size).toBe(1);
    const [successor = ''] = successors;
    expect(successor).not.toBe(refresh_token);
    expect(await refresh('keycloak', successor)).toMatchObject({ status: 200 });
  });

  it('takes a made-up value in the wrapping of a real refresh token for what it is', async () => {
    const { refresh_token } = await logIn('keycloak');
    const [header, payload] = refresh_token.split('.');
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString());
    const forged = Buffer.from(JSON.stringify({ ...claims, jti: `dpr_${'A'.repeat(43)}` })).toString(
      'base64url',
    );

    const answer = await refresh('keycloak', `${header}.${forged}.AAAA`);

    expect(answer).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
  });

  it('tells only the client of a refresh token about it', async () => {
    const web = ['web', 'web-secret'] as const;
    await server.services.registry.createClient('keycloak', {
      id: 'web',
      secret: 'web-secret',
      grants: ['password', 'refresh_token'],
    });
    const { client_id: _, ...person } = george;
    const login = await token('keycloak', person, web);
    const url = server.endpoint('keycloak', 'token/introspect');

    const own = await postForm(url, { token: login.json.refresh_token }, { auth: web });
    const foreign = await postForm(url, { token: login.json.refresh_token }, { auth: gateway });

    expect(own.json).toMatchObject({ active: true, typ: 'Refresh', token_type: 'Refresh', azp: 'web' });
    expect(foreign.text).toBe('{"active":false}');
  });
});

it.each([
  ['without APIs', { apis: [], roles: [] }],
  [
    'whose API names no algorithm',
    { apis: [{ id: 'one', audience: analytics, permissions: [], tokens: { format: 'jwt' } }] },
  ],
])('a keycloak realm %s signs what adapters can verify', async (name, fields) => {
  const realm = name.replaceAll(' ', '-').toLowerCase();
  await server.services.registry.applyRealm(
    realmFile.parse({
      name: realm,
      profile: 'keycloak',
      ...fields,
      clients: [acme().clients[0]],
      users: [{ username: 'george.becker', password: 'my_password' }],
    }),
  );

  const { access_token } = await logIn(realm);

  expect(decodeProtectedHeader(access_token).alg).toBe('RS256');
  expect(decodeJwt(access_token)).toMatchObject({ typ: 'Bearer', azp: 'dc-ui', realm_access: { roles: [] } });
});

describe("userinfo's refusals", () => {
  it('are challenges without a body in a keycloak realm', async () => {
    const withoutOpenid = (await token('keycloak', george)).json.access_token;

    const answers = [
      await userinfo('keycloak'),
      await userinfo('keycloak', { authorization: 'Bearer made-up' }),
      await userinfo('keycloak', { authorization: `Bearer ${withoutOpenid}` }),
    ];

    expect(
      answers.map(({ status, text, headers }) => [status, text, headers.get('www-authenticate')]),
    ).toEqual([
      [401, '', 'Bearer realm="keycloak"'],
      [
        401,
        '',
        'Bearer realm="keycloak", error="invalid_token", error_description="Token verification failed"',
      ],
      [
        403,
        '',
        'Bearer realm="keycloak", error="insufficient_scope", error_description="Missing openid scope"',
      ],
    ]);
    expect(answers.map(({ headers }) => headers.get('content-type'))).toEqual(
      answers.map(() => 'text/plain; charset=utf-8'),
    );
  });

  it('follow RFC 6750 in a strict realm', async () => {
    const withoutOpenid = (await token('strict', george)).json.access_token;

    const none = await userinfo('strict');
    const garbage = await userinfo('strict', { authorization: 'Bearer made-up' });
    const narrow = await userinfo('strict', { authorization: `Bearer ${withoutOpenid}` });

    expect(none.headers.get('www-authenticate')).not.toContain('error=');
    expect(garbage).toMatchObject({ status: 401, json: { error: 'invalid_token' } });
    expect(garbage.headers.get('www-authenticate')).toContain('error="invalid_token"');
    expect(narrow).toMatchObject({ status: 403, json: { error: 'insufficient_scope' } });
  });
});

it.each(['strict', 'keycloak'])(
  'serves oauth4webapi: login, userinfo, refresh in a %s realm',
  async (realm) => {
    const insecure = { [oauth.allowInsecureRequests]: true };
    const issuer = new URL(server.issuer(realm));
    const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure));
    const client: oauth.Client = { client_id: 'dc-ui' };
    const none = oauth.None();
    const { username, password } = george;

    const login = await oauth.processGenericTokenEndpointResponse(
      as,
      client,
      await oauth.genericTokenEndpointRequest(
        as,
        client,
        none,
        'password',
        { username, password, scope: 'openid email' },
        insecure,
      ),
    );
    const subject = oauth.getValidatedIdTokenClaims(login)?.sub ?? '';
    const claims = await oauth.processUserInfoResponse(
      as,
      client,
      subject,
      await oauth.userInfoRequest(as, client, login.access_token, insecure),
    );
    const refreshed = await oauth.processRefreshTokenResponse(
      as,
      client,
      await oauth.refreshTokenGrantRequest(as, client, none, login.refresh_token ?? '', insecure),
    );

    expect(claims['email']).toBe('george@acme.test');
    expect(oauth.getValidatedIdTokenClaims(refreshed)?.sub).toBe(subject);
  },
);
