/** RFC 7591: who may register clients, and what such clients may be. */
import * as oauth from 'oauth4webapi';
import { describe, expect, it } from 'vitest';
import { sha256 } from '../../src/base/hash.ts';
import { createAgent, obtainCode, signInWhereAsked } from '../support/browserless.ts';
import { get, postForm } from '../support/http.ts';
import { acme } from '../support/realms.ts';
import { app, callback, invite, registrationAddress, sendJson } from '../support/registration.ts';
import { useServer } from '../support/use-server.ts';

const server = useServer({
  realms: [
    acme({ name: 'open', registration: { open: true, permissions: ['analytics:reports:read'] } }),
    acme({ name: 'invited', registration: { permissions: ['analytics:reports:read'] } }),
    acme({ name: 'elsewhere', registration: {} }),
    acme({ name: 'lenient', registration: { open: true, pkce: 'optional' } }),
    acme({ name: 'closed' }),
  ],
});

const address = (realm: string) => registrationAddress(server, realm);
const register = (body: unknown = app, realm = 'open', token?: string) =>
  sendJson('POST', address(realm), { body, token });
const verifier = 'v'.repeat(43);

describe('who may register', () => {
  it('is everybody in an open realm', async () => {
    expect(await register()).toMatchObject({
      status: 201,
      json: { client_name: 'An app', redirect_uris: [callback] },
    });
  });

  it('is who holds an initial access token elsewhere', async () => {
    const token = await invite(server, 'invited');

    const without = await register(app, 'invited');
    const forged = await register(app, 'invited', `${token}x`);
    const having = await register(app, 'invited', token);

    expect([without.status, forged.status, having.status]).toEqual([401, 401, 201]);
    expect(without.headers.get('www-authenticate')).toMatch(/^Bearer /);
  });

  it('is nobody where there is no registration', async () => {
    expect((await register(app, 'closed')).status).toBe(404);
    await expect(invite(server, 'closed')).rejects.toMatchObject({ code: 'invalid_input' });
  });

  it('is not who holds the token of another realm', async () => {
    expect((await register(app, 'elsewhere', await invite(server, 'invited'))).status).toBe(401);
  });

  it('is nobody any more once the initial access token has ended; who registered goes on', async () => {
    const token = await invite(server, 'invited', 1);
    const { json } = await register(app, 'invited', token);

    await expect
      .poll(async () => (await register(app, 'invited', token)).status, { timeout: 60_000, interval: 500 })
      .toBe(401);

    const own = await sendJson('GET', json.registration_client_uri, {
      token: json.registration_access_token,
    });
    expect(own.status).toBe(200);
  });
});

describe('a registered client', () => {
  it('has an id that is no user’s, a secret of ours, and a way to look after itself', async () => {
    const { json } = await register();

    expect(json.client_id).toMatch(/^dcr-/);
    expect(json.client_secret).toMatch(/^dpc_/);
    expect(json.client_secret_expires_at).toBe(0);
    expect(json.registration_client_uri).toBe(`${address('open')}/${json.client_id}`);
    expect(json.registration_access_token).toEqual(expect.any(String));
    expect(Math.abs(json.client_id_issued_at - Date.now() / 1000)).toBeLessThan(60);
  });

  it('has no role and only the permissions that the realm gives to registered clients', async () => {
    const { json } = await register();

    const client = await server.services.registry.findClient('open', json.client_id);

    expect(client).toMatchObject({
      roles: [],
      permissions: ['analytics:reports:read'],
      introspects: [],
      enabled: true,
    });
    expect(client).not.toHaveProperty('firstParty');
  });

  it('gets an empty service token', async () => {
    const { json } = await register({ grant_types: ['client_credentials'], response_types: [] });
    const auth = [json.client_id, json.client_secret] as const;

    const answer = await postForm(
      server.endpoint('open', 'token'),
      { grant_type: 'client_credentials' },
      { auth },
    );

    expect(answer).toMatchObject({ status: 200, json: { scope: '' } });
  });

  it('gets of a person what the realm allows, once that person agrees', async () => {
    const { json } = await register({
      ...app,
      redirect_uris: ['http://localhost:4000/cb'],
      token_endpoint_auth_method: 'none',
    });
    const agent = createAgent(server.url);
    const request = { client_id: json.client_id, redirect_uri: 'http://localhost:4000/cb' };
    const query = new URLSearchParams({
      ...request,
      response_type: 'code',
      scope: 'openid reports:read dashboards:read',
      code_challenge: sha256(verifier),
      code_challenge_method: 'S256',
    });

    const person = { realm: 'open', agent };
    const page = await signInWhereAsked(
      agent,
      person,
      await agent.open(`${server.endpoint('open', 'auth')}?${query}`),
    );
    expect(page.text).toContain('An app');
    const done = await signInWhereAsked(agent, person, await agent.submit(page, { decision: 'allow' }));
    const code = new URL(done.headers.get('location') ?? '').searchParams.get('code');
    const form = { grant_type: 'authorization_code', ...request, code: code ?? '', code_verifier: verifier };
    const answer = await postForm(server.endpoint('open', 'token'), form);

    expect(answer).toMatchObject({ status: 200, json: { scope: 'openid reports:read' } });
  });

  it.each([
    ['open', 'client_secret_basic', false],
    ['open', 'none', false],
    ['lenient', 'client_secret_basic', true],
    ['lenient', 'none', false],
  ])('of realm %s with the method %s may do without PKCE: %s', async (realm, method, isFree) => {
    const { json } = await register({ ...app, token_endpoint_auth_method: method }, realm);
    const query = new URLSearchParams({
      client_id: json.client_id,
      redirect_uri: callback,
      response_type: 'code',
    });

    const answer = await createAgent(server.url).open(`${server.endpoint(realm, 'auth')}?${query}`);

    expect(answer.status).toBe(isFree ? 303 : 400);
    expect(answer.text.includes('error=invalid_request')).toBe(!isFree);
  });

  it('must use PKCE, whatever it says of itself', async () => {
    const { json } = await register({
      ...app,
      pkce_optional: true,
      redirect_uris: ['http://localhost:4000/cb'],
    });
    const query = new URLSearchParams({
      client_id: json.client_id,
      redirect_uri: 'http://localhost:4000/cb',
      response_type: 'code',
    });

    const answer = await createAgent(server.url).open(`${server.endpoint('open', 'auth')}?${query}`);

    expect(json).not.toHaveProperty('pkce_optional');
    expect(answer.text).toContain('error=invalid_request');
  });

  it('cannot introspect what is not its own, nor claim to', async () => {
    const { json } = await register({
      ...app,
      introspects: ['analytics'],
      roles: ['analyst'],
      firstParty: true,
      mints: {},
    });
    const auth = [json.client_id, json.client_secret] as const;
    const { form } = await obtainCode(server, { realm: 'open' });
    const login = await postForm(server.endpoint('open', 'token'), form);

    const answer = await postForm(
      server.endpoint('open', 'token/introspect'),
      { token: login.json.access_token },
      { auth },
    );

    expect(answer.text).toBe('{"active":false}');
    expect(Object.keys(json)).not.toEqual(
      expect.arrayContaining(['introspects', 'roles', 'firstParty', 'mints']),
    );
  });
});

/** `zeros`: bytes before the modulus. */
function rsaKey(bits: number, zeros = 0) {
  const modulus = Buffer.concat([Buffer.alloc(zeros), Buffer.alloc(bits / 8, 0xff)]);
  return { kty: 'RSA', e: 'AQAB', n: modulus.toString('base64url') };
}

describe('metadata', () => {
  it.each([
    ['no redirect URI', { redirect_uris: [] }],
    ['http beyond this machine', { redirect_uris: ['http://app.example.test/cb'] }],
    ['a wildcard', { redirect_uris: ['https://*.example.test/cb'] }],
    ['a fragment', { redirect_uris: ['https://app.example.test/cb#x'] }],
    ['a password in the address', { redirect_uris: ['https://a:b@app.example.test/cb'] }],
    ['a private scheme of a web client', { redirect_uris: ['com.example.app:/cb'] }],
    ['javascript', { redirect_uris: ['javascript:alert(1)'], application_type: 'native' }],
    ['something else than a list', { redirect_uris: callback }],
    ['the password grant', { ...app, grant_types: ['password'] }],
    ['CIBA', { ...app, grant_types: ['urn:openid:params:grant-type:ciba'] }],
    ['token exchange', { ...app, grant_types: ['urn:ietf:params:oauth:grant-type:token-exchange'] }],
    ['implicit', { ...app, grant_types: ['implicit'], response_types: ['token'] }],
    ['an unknown authentication method', { ...app, token_endpoint_auth_method: 'trust_me' }],
    ['a private key', { ...app, jwks: { keys: [{ kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA', d: 'AA' }] } }],
    ['an RSA key of 512 bits', { ...app, jwks: { keys: [rsaKey(512)] } }],
    ['an RSA key of 1024 bits', { ...app, jwks: { keys: [rsaKey(1024)] } }],
    ['a short RSA key that is filled up', { ...app, jwks: { keys: [rsaKey(1024, 128)] } }],
    ['an RSA key without a modulus', { ...app, jwks: { keys: [{ kty: 'RSA', e: 'AQAB' }] } }],
    ['something else for a key', { ...app, jwks: { keys: ['key'] } }],
    ['keys twice', { ...app, jwks: { keys: [] }, jwks_uri: 'https://app.example.test/keys' }],
    [
      'a logout address beyond this machine',
      { ...app, post_logout_redirect_uris: ['http://app.example.test/'] },
    ],
    ['a number for a name', { ...app, client_name: 5 }],
    ['no signature', { ...app, id_token_signed_response_alg: 'none' }],
    ['an OIDC scope that is not there', { ...app, scope: 'openid root' }],
    ['a list', []],
    ['null', 'null'],
    ['no JSON', '{"redirect_uris":'],
  ])('is refused with %s', async (_what, body) => {
    const answer = await register(body);

    expect(answer.status).toBe(400);
    expect(['invalid_client_metadata', 'invalid_redirect_uri', 'invalid_request']).toContain(
      answer.json.error,
    );
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  it('says how long an RSA key must be', async () => {
    const short = await register({ ...app, jwks: { keys: [rsaKey(2048), rsaKey(1024)] } });
    const long = await register({ ...app, jwks: { keys: [rsaKey(2048)] } });

    expect([short.json.error_description, long.status]).toEqual([
      'jwks: key 1 is an RSA key of 1024 bits; it needs at least 2048',
      201,
    ]);
  });

  it('says which redirect URI was wrong by its own error (RFC 7591 §3.2.2)', async () => {
    expect((await register({ redirect_uris: ['http://app.example.test/cb'] })).json.error).toBe(
      'invalid_redirect_uri',
    );
  });

  it('may name permissions as its scope, which the realm decides on', async () => {
    const answer = await register({ ...app, scope: 'openid reports:read dashboards:write' });

    expect(answer).toMatchObject({ status: 201, json: { scope: 'openid' } });
  });

  it('may describe a native client', async () => {
    const uris = ['com.example.app:/cb', 'http://127.0.0.1/cb'];

    const answer = await register({
      redirect_uris: uris,
      application_type: 'native',
      token_endpoint_auth_method: 'none',
    });

    expect(answer).toMatchObject({ status: 201, json: { redirect_uris: uris } });
    expect(answer.json).not.toHaveProperty('client_secret');
  });

  it('is not fetched from private addresses', async () => {
    const answer = await register({
      ...app,
      subject_type: 'pairwise',
      sector_identifier_uri: 'https://127.0.0.1:1/sector',
    });

    expect(answer).toMatchObject({ status: 400, json: { error: 'invalid_client_metadata' } });
  });

  it('over 56 KiB is 413', async () => {
    const large = { ...app, client_name: 'x'.repeat(57 * 1024) };
    const { json } = await register();

    const created = await register(large);
    const updated = await sendJson('PUT', json.registration_client_uri, {
      body: large,
      token: json.registration_access_token,
    });

    expect([created.status, updated.status]).toEqual([413, 413]);
  });
});

it('offers registration in the metadata of realms that have it, and only there', async () => {
  const [open, closed] = await Promise.all(
    ['open', 'closed'].map((realm) => get(`${server.issuer(realm)}/.well-known/openid-configuration`)),
  );

  expect(open?.json.registration_endpoint).toBe(address('open'));
  expect(closed?.json).not.toHaveProperty('registration_endpoint');
});

it('serves oauth4webapi', async () => {
  const insecure = { [oauth.allowInsecureRequests]: true };
  const issuer = new URL(server.issuer('invited'));
  const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure));

  const client = await oauth.processDynamicClientRegistrationResponse(
    await oauth.dynamicClientRegistrationRequest(as, app, {
      ...insecure,
      initialAccessToken: await invite(server, 'invited'),
    }),
  );

  expect(client.client_id).toMatch(/^dcr-/);
});
