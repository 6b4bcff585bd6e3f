/**
 * The places of the library that src/oidc/library/internals.ts and the seam around its routes rely on. A version that moves one
 * of them fails here, by what is seen from the outside, before it fails anywhere else.
 */
import { decodeJwt } from 'jose';
import { Provider } from 'oidc-provider';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sha256 } from '../../src/base/hash.ts';
import { obtainCode } from '../support/browserless.ts';
import { get, postForm } from '../support/http.ts';
import { assertionType, type ClientKey, clientAssertion, newKey } from '../support/proofs.ts';
import { acme, engine, gateway, george, warehouse } from '../support/realms.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';

let server: TestServer;
let key: ClientKey;
beforeAll(async () => {
  key = await newKey();
  const byKey = {
    id: 'by-key',
    grants: ['client_credentials'],
    tokenEndpointAuthMethod: 'private_key_jwt',
    jwks: { keys: [key.publicJwk] },
  };
  const rotated = {
    id: 'rotated',
    secret: 'rotated-secret',
    previousSecret: 'rotated-before',
    grants: ['client_credentials'],
  };
  const exchanger = {
    id: 'exchanger',
    secret: 'exchanger-secret',
    grants: [EXCHANGE],
    introspects: ['analytics'],
    exchanges: ['warehouse'],
  };
  const notified = {
    id: 'notified',
    public: true,
    grants: ['password'],
    backchannelLogoutUri: 'https://notified.test/logout',
    backchannelLogoutSessionRequired: true,
  };
  server = await startTestServer({
    realms: [
      acme({ name: 'strict', clients: [...acme().clients, byKey, rotated, exchanger] }),
      acme({ name: 'keycloak', profile: 'keycloak', clients: [notified] }),
    ],
  });
});
afterAll(() => server?.stop());

const token = (form: Record<string, string>, auth?: readonly [string, string], realm = 'strict') =>
  postForm(server.endpoint(realm, 'token'), form, auth && { auth });
const introspect = (value: string, headers: Record<string, string> = {}) =>
  postForm(server.endpoint('strict', 'token/introspect'), { token: value }, { auth: gateway, headers });
const record = async (id: string) =>
  (await server.services.store.read([{ realm: 'strict', kind: 't', id: sha256(id) }]))[0];

describe('models', () => {
  it('take our values: prefixes of 256 random bits', async () => {
    const login = (await token(george)).json;
    const service = (await token({ grant_type: 'client_credentials' }, engine)).json;

    expect(login.access_token).toMatch(/^dpa_[\w-]{43}$/);
    expect(service.access_token).toMatch(/^dpa_[\w-]{43}$/);
    expect(login.refresh_token).toMatch(/^dpr_[\w-]{43}$/);
  });

  it('derive the successor of a refresh token from the spent value', async () => {
    const { refresh_token } = (await token(george)).json;
    const refresh = () => token({ grant_type: 'refresh_token', client_id: 'dc-ui', refresh_token });

    const [first, second] = [await refresh(), await refresh()];

    expect(first.json.refresh_token).toMatch(/^dpr_[\w-]{43}$/);
    expect(second.json.refresh_token).toBe(first.json.refresh_token);
  });

  it('keep what a token by exchange has more: whom it is about, and what it hangs under', async () => {
    const subject = (await token({ grant_type: 'client_credentials' }, engine)).json.access_token;
    const form = {
      grant_type: EXCHANGE,
      subject_token: subject,
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      resource: warehouse,
    };
    const { access_token } = (await token(form, ['exchanger', 'exchanger-secret'])).json;

    expect(decodeJwt(access_token).sub).toBe('ds-engine');
    expect(JSON.parse((await record(access_token))?.value ?? '{}')).toMatchObject({
      S: 'ds-engine',
      U: [`t:${sha256(subject)}`, 'c:ds-engine'],
    });
  });

  it('file JWTs under their value, with the times that were signed', async () => {
    const { access_token } = (await token({ grant_type: 'client_credentials', resource: warehouse }, engine))
      .json;

    const { exp, iat, jti } = decodeJwt(access_token);
    const stored = JSON.parse((await record(access_token))?.value ?? '{}');

    expect(stored).toMatchObject({ e: exp, i: iat, J: jti, c: 'ds-engine' });
    expect((await introspect(access_token)).json).toMatchObject({ active: true, exp, iat, jti });
  });

  it('keep no value at rest', async () => {
    const { access_token } = (await token(george)).json;

    const stored = await record(access_token);

    expect(stored?.value).toContain('dc-ui');
    expect(stored?.value).not.toContain(access_token);
    expect(stored?.value).not.toContain(access_token.slice(4));
  });

  it('are asked for the secret of a client, and know the one before too', async () => {
    const outcomes = [];
    for (const secret of ['rotated-secret', 'rotated-before', 'rotated-other']) {
      const url = server.endpoint('strict', 'revoke');
      outcomes.push((await postForm(url, { token: 'x' }, { auth: ['rotated', secret] })).status);
    }

    expect(outcomes).toEqual([200, 200, 401]);
  });

  it('decide replays in one step', async () => {
    const client_assertion = await clientAssertion(key, 'by-key', server.issuer('strict'));
    const form = { grant_type: 'client_credentials', client_assertion, client_assertion_type: assertionType };

    const answers = await Promise.all(Array.from({ length: 10 }, () => token(form)));

    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  });

  it('call a session by one name in keycloak realms, also to clients that are told of its end', async () => {
    const login = (await token({ ...george, client_id: 'notified', scope: 'openid' }, undefined, 'keycloak'))
      .json;

    expect(decodeJwt(login.id_token)['sid']).toBe(login.session_state);
  });

  it('tell of the end of a session before the answer leaves', async () => {
    const { agent, form } = await obtainCode(server, { realm: 'strict' });
    const login = (await token({ ...form })).json;

    await agent.open(`${server.endpoint('strict', 'logout')}?id_token_hint=${login.id_token}`);

    expect((await introspect(login.access_token)).json.active).toBe(false);
  });

  it('issue introspection answers as JWTs of their own', async () => {
    const { access_token } = (await token({ grant_type: 'client_credentials' }, engine)).json;

    const answer = await introspect(access_token, { accept: 'application/token-introspection+jwt' });

    expect(decodeJwt(answer.text)).toMatchObject({ aud: 'gateway', token_introspection: { active: true } });
  });
});

describe('routes', () => {
  it('read a body that was read before', async () => {
    expect((await token(george)).status).toBe(200);
  });

  it('have authenticated the caller when they refuse a JWT', async () => {
    const { access_token } = (await token({ grant_type: 'client_credentials', resource: warehouse }, engine))
      .json;
    const url = server.endpoint('strict', 'token/introspect');

    const authenticated = await introspect(access_token);
    const anonymous = await postForm(url, { token: access_token });
    const wrong = await postForm(url, { token: access_token }, { auth: ['gateway', 'wrong'] });

    expect([authenticated.status, anonymous.status, wrong.status]).toEqual([200, 401, 401]);
  });

  it('say what went wrong in the words that are told apart here', async () => {
    const unauthenticated = [
      {},
      { authorization: 'Basic ***' },
      { authorization: 'Bearer x' },
      { authorization: `Basic ${Buffer.from('a:').toString('base64')}` },
      { authorization: `Basic ${Buffer.from('a:%').toString('base64')}` },
    ];

    const answers = await Promise.all(
      unauthenticated.map((headers) =>
        postForm(server.endpoint('strict', 'token'), { grant_type: 'client_credentials' }, { headers }),
      ),
    );
    const forbidden = await token({ grant_type: 'client_credentials', client_id: 'dc-ui' });

    expect(answers.map(({ status, json }) => [status, json.error])).toEqual(
      answers.map(() => [401, 'invalid_client']),
    );
    expect(forbidden.json.error).toBe('unauthorized_client');
  });

  it('let a token with an audience into userinfo', async () => {
    const { access_token } = (await token({ ...george, scope: 'openid' })).json;

    const answer = await get(server.endpoint('strict', 'userinfo'), {
      authorization: `Bearer ${access_token}`,
    });

    expect(answer.status).toBe(200);
  });
});

it('has the methods that are replaced', () => {
  const provider = new Provider('http://localhost', {
    jwks: { keys: [] },
    adapter: () => Object.create(null),
    features: { devInteractions: { enabled: false } },
  });

  for (const model of [
    provider.AccessToken,
    provider.ClientCredentials,
    provider.RefreshToken,
    provider.Grant,
  ]) {
    expect(Reflect.get(model.prototype, 'generateTokenId')).toBeTypeOf('function');
    expect(Reflect.get(model.prototype, 'getValueAndPayload')).toBeTypeOf('function');
  }
  expect(Reflect.get(provider.AccessToken, 'IN_PAYLOAD')).toEqual(
    expect.arrayContaining(['aud', 'scope', 'extra', 'jkt']),
  );
  expect(Reflect.get(provider.ReplayDetection, 'unique')).toBeTypeOf('function');
  expect(Reflect.get(provider.RefreshToken, 'expiresIn')).toBeTypeOf('function');
  for (const name of ['destroy', 'ensureClientContainer', 'sidFor']) {
    expect(Reflect.get(provider.Session.prototype, name)).toBeTypeOf('function');
  }
  expect(Reflect.get(provider.Client.prototype, 'backchannelLogout')).toBeTypeOf('function');
});
