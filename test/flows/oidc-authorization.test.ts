/** The authorization endpoint: what it takes, how it answers, and what it refuses. */
import { calculateJwkThumbprint, decodeJwt } from 'jose';
import { describe, expect, it } from 'vitest';
import { callback, obtain, redeem, requestUrl, respond, walk } from '../support/authorization.ts';
import { get, postForm } from '../support/http.ts';
import { newKey, proofOf, signRequest } from '../support/jose.ts';
import { analytics, warehouse } from '../support/realms.ts';
import { useServer } from '../support/use-server.ts';
import { createVisitor, formOf, newPkce, responseOf, signIn } from '../support/visitor.ts';
import { browserRealm } from './oidc-realm.ts';

const server = useServer({ realms: [browserRealm()] });

const engineer = { username: 'erna', password: 'erna_password' };
const issuer = () => server.issuer('acme');

describe('the authorization response', () => {
  it('brings a code, the state and the issuer in the query', async () => {
    const { view } = await walk(server);

    expect(view.status).toBe(303);
    expect(`${view.location?.origin}${view.location?.pathname}`).toBe(callback);
    expect(responseOf(view)).toEqual({ code: expect.any(String), state: 'st', iss: issuer() });
  });

  it('goes into the fragment when asked', async () => {
    const { view } = await walk(server, { params: { response_mode: 'fragment' } });

    expect(view.location?.search).toBe('');
    expect(responseOf(view)).toMatchObject({ code: expect.any(String), state: 'st', iss: issuer() });
  });

  it('is posted by a page when asked', async () => {
    const { view } = await walk(server, { params: { response_mode: 'form_post' } });

    expect(view.status).toBe(200);
    expect(formOf(view, '/callback')).toEqual({
      action: callback,
      fields: { code: expect.any(String), state: 'st', iss: issuer() },
    });
    const policy = view.headers.get('content-security-policy');
    expect(policy).toMatch(/script-src 'sha256-[^']+';/);
    expect(policy).not.toContain('form-action');
  });

  it.each(['query', 'fragment', 'form_post'])('names the issuer with errors too, by %s', async (mode) => {
    const { view } = await walk(server, { params: { prompt: 'none', response_mode: mode } });

    const response = mode === 'form_post' ? formOf(view, '/callback').fields : responseOf(view);
    expect(response).toMatchObject({ error: 'login_required', state: 'st', iss: issuer() });
  });

  it('has no code for a person who declines to sign in', async () => {
    const visitor = createVisitor(server.url);
    const page = await visitor.open(requestUrl(server, {}));

    const view = await visitor.submit(page, {}, '/cancel');

    expect(responseOf(view)).toMatchObject({ error: 'access_denied', state: 'st', iss: issuer() });
  });
});

describe('a request that is posted', () => {
  const form = () => Object.fromEntries(requestUrl(server, {}).searchParams);

  it('does as one by address, for who is signed in too', async () => {
    const visitor = createVisitor(server.url);

    const page = await visitor.follow(await visitor.post(server.endpoint('acme', 'auth'), form()));
    const first = await signIn(visitor, page);
    const second = await visitor.follow(await visitor.post(server.endpoint('acme', 'auth'), form()));

    expect(responseOf(first)).toMatchObject({ code: expect.any(String), state: 'st' });
    expect(responseOf(second)).toMatchObject({ code: expect.any(String), state: 'st' });
  });
});

describe('the address of old Keycloak clients', () => {
  it('leads people to the one address that there is', async () => {
    const { pathname, search } = requestUrl(server, {});

    const answer = await get(`${server.url}/auth${pathname}${search}`);

    expect(answer.status).toBe(302);
    expect(answer.headers.get('location')).toBe(`${server.url}${pathname}${search}`);
  });
});

describe('PKCE', () => {
  it.each([
    ['no challenge', { code_challenge: '', code_challenge_method: '' }],
    ['the plain method', { code_challenge_method: 'plain' }],
    ['a challenge without a method', { code_challenge_method: '' }],
    ['a short challenge', { code_challenge: 'abc' }],
  ])('is required by S256: refuses %s', async (_name, params) => {
    expect(await respond(server, { params })).toMatchObject({ error: 'invalid_request', iss: issuer() });
  });

  it('gives tokens only for the right verifier', async () => {
    const walked = await walk(server);

    const answer = await redeem(server, { ...walked, pkce: newPkce() });

    expect(answer).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
  });
});

describe('a request that cannot be trusted', () => {
  it.each([
    ['an unknown client', { client_id: 'nobody' }],
    ['no client', { client_id: '' }],
    ['another redirect URI', { redirect_uri: 'https://evil.example/' }],
    ['a redirect URI with a longer path', { redirect_uri: `${callback}/more` }],
    ['a redirect URI with a query', { redirect_uri: `${callback}?x=1` }],
    ['a redirect URI in other letters', { redirect_uri: 'https://APP.example/callback' }],
    ['a redirect URI with another port', { redirect_uri: 'https://app.example:8443/callback' }],
    ['no redirect URI', { redirect_uri: '' }],
  ])('gets a page, never a redirect: %s', async (_name, params) => {
    const { view } = await walk(server, { params });

    expect(view.location).toBeUndefined();
    expect(view.status).toBe(400);
    expect(view.headers.get('content-type')).toContain('text/html');
    expect(view.headers.get('content-security-policy')).toContain("default-src 'none'; style-src 'self'");
  });

  it('gets the page also when it is wrong in more than one way', async () => {
    const { view } = await walk(server, {
      params: { redirect_uri: 'https://evil.example/', scope: 'no:such' },
    });

    expect(view.status).toBe(400);
    expect(view.location).toBeUndefined();
  });
});

describe('loopback addresses', () => {
  it('stand for every port where a client is native', async () => {
    const { view } = await walk(server, { clientId: 'native-own', redirectUri: 'http://127.0.0.1:54321/cb' });

    expect(view.location?.host).toBe('127.0.0.1:54321');
    expect(responseOf(view)).toHaveProperty('code');
  });

  it.each(['http://localhost:54321/cb', 'http://127.0.0.1:54321/other', 'http://127.0.0.1.example/cb'])(
    'are exact in all else: %s',
    async (redirectUri) => {
      const { view } = await walk(server, { clientId: 'native-own', redirectUri });

      expect(view.status).toBe(400);
      expect(view.location).toBeUndefined();
    },
  );
});

describe('scope', () => {
  const granted = async (clientId: string, scope: string) =>
    (await obtain(server, { clientId, params: { scope } })).json.scope.split(' ').toSorted();

  it('means all that there is to give when it is absent', async () => {
    expect(await granted('app', '')).toEqual(['dashboards:read', 'metrics:read', 'reports:read']);
  });

  it('means no more than the client may have when it is absent', async () => {
    expect(await granted('narrow', '')).toEqual(['reports:read']);
  });

  it('grants no permission that was not named', async () => {
    expect(await granted('app', 'openid')).toEqual(['openid']);
  });

  it('leaves out what the person cannot give, and asks nobody for it', async () => {
    expect(await granted('asks-once', 'openid reports:read reports:write')).toEqual([
      'openid',
      'reports:read',
    ]);
    expect(await granted('app', 'openid python:execute')).toEqual(['openid']);
  });

  it('sends one that does not exist back as invalid_scope', async () => {
    expect(await respond(server, { params: { scope: 'openid no:such' } })).toMatchObject({
      error: 'invalid_scope',
      state: 'st',
      iss: issuer(),
    });
  });

  it('is for the API that is named', async () => {
    const scope = 'openid reports:read warehouse:query';
    const params = { scope, resource: 'https://warehouse.acme.test' };

    const { json } = await obtain(server, { params });

    expect(json.scope).toBe('openid');
  });

  it('may be for several APIs: each token is for one of them', async () => {
    const url = requestUrl(server, {
      clientId: 'web',
      params: { scope: 'openid reports:read warehouse:query' },
    });
    const visitor = createVisitor(server.url);
    const pkce = newPkce();
    url.searchParams.set('code_challenge', pkce.challenge);
    for (const api of [analytics, warehouse]) url.searchParams.append('resource', api);
    const view = await signIn(visitor, await visitor.open(url), engineer);
    const first = await redeem(server, { view, pkce }, { auth: ['web', 'web-secret'], resource: warehouse });

    const second = await postForm(
      server.endpoint('acme', 'token'),
      { grant_type: 'refresh_token', refresh_token: first.json.refresh_token, resource: analytics },
      { auth: ['web', 'web-secret'] },
    );

    expect(first.json.scope.split(' ').toSorted()).toEqual(['openid', 'warehouse:query']);
    expect(decodeJwt(first.json.access_token).aud).toBe(warehouse);
    expect(second.json.scope.split(' ').toSorted()).toEqual(['openid', 'reports:read']);
  });

  it('refuses an API that does not exist', async () => {
    expect(await respond(server, { params: { resource: 'https://nowhere.test' } })).toMatchObject({
      error: 'invalid_target',
      iss: issuer(),
    });
  });
});

describe('signed requests', () => {
  const params = (extra: Record<string, string>) =>
    Object.fromEntries(requestUrl(server, { clientId: 'signs', params: extra }).searchParams);

  it('count, and what stands beside them does not', async () => {
    const request = await signRequest(issuer(), params({ state: 'signed' }));

    const response = await respond(server, { clientId: 'signs', params: { request, state: 'beside' } });

    expect(response).toMatchObject({ code: expect.any(String), state: 'signed' });
  });

  it('can be pushed', async () => {
    const request = await signRequest(issuer(), params({ state: 'signed' }));

    const answer = await postForm(server.endpoint('acme', 'ext/par/request'), {
      client_id: 'signs',
      request,
    });

    expect(answer).toMatchObject({ status: 201, json: { request_uri: expect.any(String) } });
  });

  it('are refused from somebody else, or unsigned from a client that must sign', async () => {
    const forged = await signRequest(issuer(), params({}), await newKey());

    expect((await walk(server, { clientId: 'signs', params: { request: forged } })).view.text).toContain(
      'invalid_request_object',
    );
    expect(await respond(server, { clientId: 'signs' })).toMatchObject({ error: 'invalid_request' });
  });

  it('cannot be at another address', async () => {
    const response = await respond(server, { params: { request_uri: 'https://app.example/request' } });

    expect(response).toHaveProperty('error');
  });
});

describe('a code bound to a key', () => {
  it('is redeemed with a proof of that key only', async () => {
    const [right, wrong] = [await newKey(), await newKey()];
    const params = { dpop_jkt: await calculateJwkThumbprint(right.publicJwk) };
    const tokenUrl = server.endpoint('acme', 'token');
    const [refused, unproven, redeemed] = [
      await walk(server, { params }),
      await walk(server, { params }),
      await walk(server, { params }),
    ];

    expect(
      await redeem(server, refused, { headers: { dpop: await proofOf(wrong, tokenUrl) } }),
    ).toMatchObject({
      status: 400,
    });
    expect(await redeem(server, unproven)).toMatchObject({ status: 400 });
    expect(
      await redeem(server, redeemed, { headers: { dpop: await proofOf(right, tokenUrl) } }),
    ).toMatchObject({
      status: 200,
      json: { token_type: 'DPoP' },
    });
  });
});

describe('authorization_details', () => {
  it('are refused: what types there are is for token exchange', async () => {
    const details = [{ type: 'embed_resource', identifier: 'd1', datatypes: ['dashboard'] }];

    const response = await respond(server, { params: { authorization_details: JSON.stringify(details) } });

    expect(response).toMatchObject({ error: 'invalid_authorization_details', iss: issuer() });
  });
});

describe('response_type=none', () => {
  it('signs a person in for the account page and gives nothing to anybody', async () => {
    const visitor = createVisitor(server.url);
    const page = await visitor.open(`${issuer()}/account`);

    const account = await signIn(visitor, page);

    expect(page.text).not.toContain('daypass-account');
    expect(account.url.pathname).toBe('/realms/acme/account');
    expect(account.url.search).toBe('');
    expect(account.text).toContain('George Becker');
  });

  it.each(['token', 'id_token', 'code id_token', 'none'])(
    'is the only other one: refuses %s',
    async (type) => {
      expect(await respond(server, { params: { response_type: type } })).toHaveProperty('error');
    },
  );
});

describe('pushed requests', () => {
  const push = (params: Record<string, string>, clientId = 'app') => {
    const { searchParams } = requestUrl(server, { clientId, params });
    return postForm(server.endpoint('acme', 'ext/par/request'), Object.fromEntries(searchParams));
  };
  const use = (requestUri: string, clientId = 'app') => {
    const url = new URL(server.endpoint('acme', 'auth'));
    url.search = new URLSearchParams({ client_id: clientId, request_uri: requestUri }).toString();
    return url;
  };

  it('are carried out as they were pushed', async () => {
    const { status, json } = await push({ state: 'pushed' });
    const visitor = createVisitor(server.url);
    const page = await visitor.open(use(json.request_uri));

    const view = await visitor.submit(page, { username: 'george.becker', password: 'my_password' });

    expect(status).toBe(201);
    expect(json.expires_in).toBeLessThan(600);
    expect(responseOf(view)).toMatchObject({ code: expect.any(String), state: 'pushed' });
  });

  it('are good for one answer', async () => {
    const { json } = await push({});
    const { visitor } = await walk(server);
    const first = await visitor.open(use(json.request_uri));

    const second = await visitor.open(use(json.request_uri));

    expect(responseOf(first)).toHaveProperty('code');
    expect(second.status).toBe(400);
    expect(second.location).toBeUndefined();
  });

  it('are of the client that pushed them', async () => {
    const { json } = await push({});

    const view = await createVisitor(server.url).open(use(json.request_uri, 'other'));

    expect(view.status).toBe(400);
  });

  it('are refused for the same faults', async () => {
    expect(await push({ redirect_uri: 'https://evil.example/' })).toMatchObject({ status: 400 });
    expect(await push({ scope: 'no:such' })).toMatchObject({ status: 400, json: { error: 'invalid_scope' } });
  });

  it('are the only ones from a client that must push', async () => {
    const direct = await respond(server, { clientId: 'pushes' });
    const { json } = await push({}, 'pushes');
    const { visitor } = await walk(server);

    const pushed = await visitor.open(use(json.request_uri, 'pushes'));

    expect(direct).toMatchObject({ error: 'invalid_request', iss: issuer() });
    expect(responseOf(pushed)).toHaveProperty('code');
  });
});
