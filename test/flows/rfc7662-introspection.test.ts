/** RFC 7662 and RFC 9701: who may see which token, by whichever way of proving who asks, plain and signed. */
import { createLocalJWKSet, createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';
import * as oauth from 'oauth4webapi';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { certificate, trustLoopback } from '../support/certificates.ts';
import { get, postForm } from '../support/http.ts';
import { assertionType, type ClientKey, clientAssertion, newKey } from '../support/proofs.ts';
import { acme, analytics, engine, gateway, george, warehouse } from '../support/realms.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

const byForm = ['by-form', 'by-form-secret'] as const;
const onlyWarehouse = ['only-warehouse', 'only-warehouse-secret'] as const;

let server: TestServer;
let key: ClientKey;
let decryption: ClientKey;
beforeAll(async () => {
  [key, decryption] = await Promise.all([newKey(), newKey('RSA-OAEP-256')]);
  server = await startTestServer({
    env: trustLoopback,
    realms: [
      acme({
        clients: [
          ...acme().clients,
          {
            id: 'by-form',
            secret: 'by-form-secret',
            tokenEndpointAuthMethod: 'client_secret_post',
            introspects: ['analytics'],
          },
          {
            id: 'by-key',
            jwks: { keys: [key.publicJwk] },
            tokenEndpointAuthMethod: 'private_key_jwt',
            introspects: ['analytics'],
          },
          {
            id: 'by-certificate',
            tokenEndpointAuthMethod: 'tls_client_auth',
            tlsClientAuthSubjectDn: certificate.subject,
            introspects: ['analytics'],
          },
          { id: 'turns-confidential', public: true, firstParty: true, grants: ['password', 'refresh_token'] },
          { id: 'only-warehouse', secret: 'only-warehouse-secret', introspects: ['warehouse'] },
          {
            id: 'sealed',
            secret: 'sealed-secret',
            introspects: ['analytics'],
            jwks: { keys: [{ ...decryption.publicJwk, use: 'enc', kid: 'enc-1' }] },
            introspectionEncryptedResponseAlg: 'RSA-OAEP-256',
            introspectionEncryptedResponseEnc: 'A256GCM',
          },
          {
            id: 'sector',
            secret: 'sector-secret',
            grants: ['password', 'authorization_code'],
            subjectType: 'pairwise',
            redirectUris: ['https://sector.test/cb'],
          },
        ],
      }),
    ],
  });
});
afterAll(() => server?.stop());

const url = () => server.endpoint('acme', 'token/introspect');
const introspect = (token: string, auth: readonly [string, string], headers: Record<string, string> = {}) =>
  postForm(url(), { token }, { auth, headers });
const token = async (form: Record<string, string>, auth?: readonly [string, string]) =>
  (await postForm(server.endpoint('acme', 'token'), form, auth && { auth })).json;
const opaque = async () => (await token({ grant_type: 'client_credentials' }, engine)).access_token;
const jwt = async () =>
  (await token({ grant_type: 'client_credentials', resource: warehouse }, engine)).access_token;

describe('entitlement', () => {
  it("is the API's: each caller sees the tokens of the APIs it serves, in every format", async () => {
    const [a, w] = [await opaque(), await jwt()];

    const seen = await Promise.all(
      [gateway, byForm, onlyWarehouse, ['portal', 'portal-secret'] as const].map(async (caller) => {
        const answers = [await postForm(url(), { token: a }, { auth: caller }), await introspect(w, caller)];
        return answers.map(({ json }) => json.active);
      }),
    );

    expect(seen).toEqual([
      [true, true],
      [true, false],
      [false, true],
      [false, false],
    ]);
  });

  it('is also that of the client a token was issued to', async () => {
    const answer = await introspect(await opaque(), engine);

    expect(answer.json).toMatchObject({ active: true, client_id: 'ds-engine', aud: analytics });
  });

  it('ends at once when the API is taken from the caller', async () => {
    const value = await opaque();
    await server.services.registry.updateClient('acme', 'by-form', (client) => ({
      ...client,
      introspects: [],
    }));

    const answer = await introspect(value, byForm);

    expect(answer.text).toBe('{"active":false}');
    await server.services.registry.updateClient('acme', 'by-form', (client) => ({
      ...client,
      introspects: ['analytics'],
    }));
  });

  it('calls a refresh token that was redeemed inactive, also for the client that it was issued to', async () => {
    const client_id = 'turns-confidential';
    const first = await token({ ...george, client_id });
    const refresh = { grant_type: 'refresh_token', client_id, refresh_token: first.refresh_token };
    const successor = await token(refresh);
    // Only refresh tokens of public clients are spent, and only others may ask.
    await server.services.registry.updateClient('acme', client_id, ({ public: _, ...client }) => ({
      ...client,
      secret: 'its-secret',
    }));

    const answers = await Promise.all(
      [first, successor].map(({ refresh_token: value }) => introspect(value, [client_id, 'its-secret'])),
    );

    expect(answers.map(({ json }) => json.active)).toEqual([false, true]);
  });

  it('does not make a refresh token pass for an access token', async () => {
    const { refresh_token } = await token(george);

    const answer = await introspect(refresh_token, gateway);

    expect(answer.text).toBe('{"active":false}');
  });
});

it('tells everything of RFC 7662 §2.2 about a service token and a person', async () => {
  const service = await introspect(await jwt(), gateway);
  const { access_token } = await token({ ...george, scope: 'openid reports:read' });
  const person = await introspect(access_token, gateway);

  const common = {
    active: true,
    iss: server.issuer('acme'),
    token_type: 'Bearer',
    exp: expect.any(Number),
    iat: expect.any(Number),
  };
  expect(service.json).toEqual({
    ...common,
    sub: 'ds-engine',
    client_id: 'ds-engine',
    aud: warehouse,
    scope: 'warehouse:query',
    realm: 'acme',
    roles: ['engine'],
    jti: expect.any(String),
  });
  expect(person.json).toEqual({
    ...common,
    sub: expect.stringMatching(/^[0-9a-f-]{36}$/),
    client_id: 'dc-ui',
    username: 'george.becker',
    aud: analytics,
    scope: 'openid reports:read',
    realm: 'acme',
    roles: ['analyst'],
  });
});

it('calls a person what the client of the token calls them', async () => {
  const { client_id: _, ...person } = george;
  const sector = ['sector', 'sector-secret'] as const;
  const { access_token } = await token({ ...person, scope: 'openid' }, sector);

  const own = await introspect(access_token, sector);
  const gatewaySees = await introspect(access_token, gateway);
  const userinfo = await get(server.endpoint('acme', 'userinfo'), {
    authorization: `Bearer ${access_token}`,
  });
  const { access_token: other } = await token({ ...george, scope: 'openid' });

  expect(userinfo.json.sub).toEqual(expect.any(String));
  expect(own.json.sub).toBe(userinfo.json.sub);
  expect(gatewaySees.json.sub).toBe(userinfo.json.sub);
  expect((await introspect(other, gateway)).json.sub).not.toBe(userinfo.json.sub);
});

describe('a caller proves who it is', () => {
  it('by Basic and by form', async () => {
    const value = await opaque();

    const basic = await introspect(value, gateway);
    const form = await postForm(url(), {
      token: value,
      client_id: 'by-form',
      client_secret: 'by-form-secret',
    });

    expect([basic.json.active, form.json.active]).toEqual([true, true]);
  });

  it('by private_key_jwt', async () => {
    const value = await opaque();
    const form = { token: value, client_assertion_type: assertionType };
    const assertion = await clientAssertion(key, 'by-key', server.issuer('acme'));
    const stranger = await clientAssertion(await newKey(), 'by-key', server.issuer('acme'));

    const accepted = await postForm(url(), { ...form, client_assertion: assertion });
    const refused = await postForm(url(), { ...form, client_assertion: stranger });

    expect(accepted.json).toMatchObject({ active: true });
    expect(refused).toMatchObject({ status: 401, json: { error: 'invalid_client' } });
  });

  it('by the certificate that the proxy saw', async () => {
    const form = { token: await opaque(), client_id: 'by-certificate' };

    const accepted = await postForm(url(), form, { headers: certificate.headers });
    const refused = await postForm(url(), form);

    expect(accepted.json).toMatchObject({ active: true });
    expect(refused).toMatchObject({ status: 401, json: { error: 'invalid_client' } });
  });
});

describe('a signed answer (RFC 9701)', () => {
  const JWT = 'application/token-introspection+jwt';

  it.each([JWT, `${JWT}, application/json;q=0.5`, `text/html;q=0.1, ${JWT}`])(
    'is given to Accept: %s',
    async (accept) => {
      const value = await opaque();

      const answer = await introspect(value, gateway, { accept });

      expect(answer.headers.get('content-type')).toMatch(/^application\/token-introspection\+jwt/);
      const keys = createRemoteJWKSet(new URL(server.endpoint('acme', 'certs')));
      const { payload, protectedHeader } = await jwtVerify(answer.text, keys, {
        issuer: server.issuer('acme'),
        audience: 'gateway',
        typ: 'token-introspection+jwt',
      });
      expect(protectedHeader.alg).toBe('ES256');
      expect(payload['token_introspection']).toMatchObject({
        active: true,
        aud: analytics,
        client_id: 'ds-engine',
      });
      expect(Object.keys(payload).sort()).toEqual(['aud', 'iat', 'iss', 'token_introspection']);
    },
  );

  it.each(['application/json', '*/*', `application/json, ${JWT};q=0.5`, 'application/jwt'])(
    'is not given to Accept: %s',
    async (accept) => {
      const answer = await introspect(await opaque(), gateway, { accept });

      expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
      expect(answer.json.active).toBe(true);
    },
  );

  it('says of a token that is not for the caller that it is inactive, and nothing else', async () => {
    const answer = await introspect(await opaque(), onlyWarehouse, { accept: JWT });

    const { payload } = await jwtVerify(
      answer.text,
      createRemoteJWKSet(new URL(server.endpoint('acme', 'certs'))),
    );
    expect(payload['token_introspection']).toEqual({ active: false });
    expect(payload.aud).toBe('only-warehouse');
  });

  it('is encrypted to a client that asks for that, and never given to it in the clear', async () => {
    const { compactDecrypt } = await import('jose');
    const value = await opaque();

    const sealed = await introspect(value, ['sealed', 'sealed-secret'], { accept: JWT });
    const clear = await introspect(value, ['sealed', 'sealed-secret']);

    const { plaintext } = await compactDecrypt(sealed.text, decryption.privateKey);
    expect(decodeProtectedHeader(new TextDecoder().decode(plaintext)).typ).toBe('token-introspection+jwt');
    expect(clear).toMatchObject({ status: 400, json: { error: 'invalid_request' } });
  });

  it('satisfies oauth4webapi', async () => {
    const insecure = { [oauth.allowInsecureRequests]: true };
    const issuer = new URL(server.issuer('acme'));
    const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure));
    const client = { client_id: 'gateway', introspection_signed_response_alg: 'ES256' };
    const auth = oauth.ClientSecretBasic('gateway-secret');

    const response = await oauth.introspectionRequest(as, client, auth, await opaque(), {
      ...insecure,
      requestJwtResponse: true,
    });
    const answer = await oauth.processIntrospectionResponse(as, client, response);
    await oauth.validateApplicationLevelSignature(as, response, insecure);

    expect(answer).toMatchObject({ active: true, client_id: 'ds-engine' });
  });
});

it('publishes no private member of its keys', async () => {
  const { json } = await get(server.endpoint('acme', 'certs'));

  expect(json.keys.length).toBeGreaterThan(0);
  expect(json.keys.flatMap((jwk: object) => Object.keys(jwk))).not.toContain('d');
  expect(() => createLocalJWKSet(json)).not.toThrow();
});
