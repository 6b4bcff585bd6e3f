/** RFC 9700 §4.3 and OWASP ASVS 5.0 V9: where a token may be, whose key counts, and that it is what it is said to be. */
import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createLocalJWKSet, decodeProtectedHeader, errors, jwtVerify, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, get, postForm } from '../support/http.ts';
import { assertionType, type ClientKey, newKey } from '../support/proofs.ts';
import { acme, analytics, engine, gateway, george, warehouse } from '../support/realms.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

let server: TestServer;
let key: ClientKey;
let stranger: ClientKey;
let keys: Server;
let asked = 0;
let login: Answer['json'];
let service: Answer['json'];

beforeAll(async () => {
  [key, stranger] = await Promise.all([newKey(), newKey()]);
  keys = createServer((_request, response) => {
    asked += 1;
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ keys: [stranger.publicJwk] }));
  });
  await new Promise<void>((resolve) => {
    keys.listen(0, '127.0.0.1', resolve);
  });
  const byKey = {
    id: 'by-key',
    grants: ['client_credentials'],
    tokenEndpointAuthMethod: 'private_key_jwt',
    jwks: { keys: [key.publicJwk] },
  };
  server = await startTestServer({
    // If any header of a JWT led to a fetch, nothing would keep it from being answered.
    env: { DAYPASS_ALLOW_PRIVATE_FETCH: '1' },
    realms: [acme({ clients: [...acme().clients, byKey] })],
  });
  login = (await token({ ...george, scope: 'openid dashboards:read' })).json;
  service = (await token({ grant_type: 'client_credentials', resource: warehouse }, engine)).json;
});
afterAll(async () => {
  await server?.stop();
  await new Promise((resolve) => {
    keys.close(resolve);
  });
});

const token = (form: Record<string, string>, auth?: readonly [string, string]) =>
  postForm(server.endpoint('acme', 'token'), form, auth && { auth });
const bearer = (value: string) =>
  get(server.endpoint('acme', 'userinfo'), { authorization: `Bearer ${value}` });

describe('a token', () => {
  it('in an address is none', async () => {
    const query = `?access_token=${login.access_token}`;

    const answers = await Promise.all([
      get(`${server.endpoint('acme', 'userinfo')}${query}`),
      get(`${server.issuer('acme')}/guest-tokens${query}`),
      postForm(`${server.endpoint('acme', 'token/introspect')}?token=${login.access_token}`, '', {
        auth: gateway,
      }),
    ]);

    expect((await bearer(login.access_token)).status).toBe(200);
    expect(answers.map(({ status }) => status)).toEqual([400, 401, 400]);
    expect(answers.map(({ text }) => text).join('')).not.toContain('george');
  });

  it('of one kind is not taken for one of another', async () => {
    const { access_token, refresh_token, id_token } = login;
    const introspected = await postForm(
      server.endpoint('acme', 'token/introspect'),
      { token: id_token },
      { auth: gateway },
    );
    const asAssertion = { client_assertion_type: assertionType, client_assertion: service.access_token };

    const refused = [
      await bearer(id_token),
      await bearer(refresh_token),
      await bearer(service.access_token),
      await token({ grant_type: 'client_credentials', ...asAssertion }),
      await token({ grant_type: 'refresh_token', refresh_token: access_token, client_id: 'dc-ui' }),
      await token({ grant_type: 'refresh_token', refresh_token: id_token, client_id: 'dc-ui' }),
    ];

    expect(introspected.json).toEqual({ active: false });
    expect(refused.map(({ status }) => status)).toEqual([401, 401, 401, 401, 400, 400]);
    expect(decodeProtectedHeader(service.access_token).typ).toBe('at+jwt');
    expect(decodeProtectedHeader(id_token).typ).not.toBe('at+jwt');
  });

  it('is for its API only, though one key signs for all of them', async () => {
    const jwks = createLocalJWKSet((await get(server.endpoint('acme', 'certs'))).json);
    const verify = (value: string, audience: string) =>
      jwtVerify(value, jwks, { audience, issuer: server.issuer('acme') });

    await expect(verify(service.access_token, warehouse)).resolves.toMatchObject({
      payload: { aud: warehouse },
    });
    await expect(verify(service.access_token, analytics)).rejects.toThrow(errors.JWTClaimValidationFailed);
    await expect(verify(login.id_token, warehouse)).rejects.toThrow(errors.JWTClaimValidationFailed);
  });
});

describe('a key that a JWT brings along', () => {
  it.each<[string, () => Record<string, unknown>]>([
    ['jwk', () => ({ jwk: stranger.publicJwk })],
    ['jku', () => ({ jku: `http://127.0.0.1:${(keys.address() as AddressInfo).port}/keys` })],
    ['x5u', () => ({ x5u: `http://127.0.0.1:${(keys.address() as AddressInfo).port}/keys` })],
    ['kid', () => ({ kid: '../../stranger', jwk: stranger.publicJwk })],
  ])('is not asked: %s', async (_name, header) => {
    const now = Math.floor(Date.now() / 1000);
    const sign = (by: ClientKey, more: Record<string, unknown>) =>
      new SignJWT({ jti: randomUUID() })
        .setProtectedHeader({ alg: by.alg, ...more })
        .setIssuer('by-key')
        .setSubject('by-key')
        .setAudience(server.issuer('acme'))
        .setIssuedAt(now)
        .setExpirationTime(now + 60)
        .sign(by.privateKey);
    const send = async (assertion: Promise<string>) =>
      token({
        grant_type: 'client_credentials',
        client_assertion_type: assertionType,
        client_assertion: await assertion,
      });

    expect((await send(sign(stranger, header()))).status).toBe(401);
    expect((await send(sign(key, {}))).status).toBe(200);
    expect(asked).toBe(0);
  });

  it('is not asked for an access token either', async () => {
    const forged = await new SignJWT({ sub: 'george', aud: 'portal' })
      .setProtectedHeader({ alg: 'ES256', jwk: stranger.publicJwk })
      .setIssuer(server.issuer('acme'))
      .setExpirationTime('60s')
      .sign(stranger.privateKey);

    expect((await bearer(forged)).status).toBe(401);
    expect(asked).toBe(0);
  });
});
