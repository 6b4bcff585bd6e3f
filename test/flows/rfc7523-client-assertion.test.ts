/** RFC 7523: `private_key_jwt` and `client_secret_jwt`. Each assertion once, for us, by a key that is known. */

import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SignJWT } from 'jose';
import * as client from 'openid-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { postForm } from '../support/http.ts';
import { assertionType, type ClientKey, clientAssertion, newKey } from '../support/proofs.ts';
import { acme } from '../support/realms.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

const secret = 'a-secret-that-is-long-enough-to-sign-with';
const service = { grant_type: 'client_credentials' };

let open: TestServer;
let guarded: TestServer;
let host: Server;
let fetched = 0;
let key: ClientKey;
let rsa: ClientKey;
let stranger: ClientKey;
beforeAll(async () => {
  [key, rsa, stranger] = await Promise.all([newKey(), newKey('RS256'), newKey()]);
  host = createServer((_request, response) => {
    fetched += 1;
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys: [key.publicJwk] }));
  });
  await new Promise<void>((resolve) => {
    host.listen(0, '127.0.0.1', resolve);
  });
  const { port } = host.address() as AddressInfo;
  const common = { grants: ['client_credentials'], roles: ['engine'] };
  const byKey = { ...common, tokenEndpointAuthMethod: 'private_key_jwt' };
  const contents = acme({
    clients: [
      { ...byKey, id: 'by-key', jwks: { keys: [key.publicJwk, rsa.publicJwk] } },
      {
        ...byKey,
        id: 'fapi',
        fapi: true,
        dpopBoundAccessTokens: false,
        jwks: { keys: [key.publicJwk, rsa.publicJwk] },
      },
      {
        ...byKey,
        id: 'one-alg',
        tokenEndpointAuthSigningAlg: 'ES256',
        jwks: { keys: [key.publicJwk, rsa.publicJwk] },
      },
      { ...byKey, id: 'by-uri', jwksUri: `http://127.0.0.1:${port}/keys` },
      { ...byKey, id: 'by-metadata-address', jwksUri: 'http://169.254.169.254/latest/keys' },
      { ...byKey, id: 'by-localhost', jwksUri: `http://localhost:${port}/keys` },
      { ...common, id: 'by-secret', secret, tokenEndpointAuthMethod: 'client_secret_jwt' },
    ],
  });
  [open, guarded] = await Promise.all([
    startTestServer({ realms: [contents], env: { DAYPASS_ALLOW_PRIVATE_FETCH: '1' } }),
    startTestServer({ realms: [contents] }),
  ]);
});
afterAll(async () => {
  await Promise.all([open?.stop(), guarded?.stop()]);
  await new Promise((resolve) => {
    host?.close(resolve);
  });
});

const send = (client_assertion: string, at = open, more: Record<string, string> = {}) =>
  postForm(at.endpoint('acme', 'token'), {
    ...service,
    client_assertion_type: assertionType,
    client_assertion,
    ...more,
  });
const issuer = () => open.issuer('acme');
const refused = { status: 401, json: { error: 'invalid_client' } };
const now = () => Math.floor(Date.now() / 1000);

describe('private_key_jwt', () => {
  it.each([
    ['the issuer', () => issuer()],
    ['the token endpoint', () => open.endpoint('acme', 'token')],
    ['a list with the issuer in it', () => ['https://elsewhere.test', issuer()]],
  ])('is accepted for %s', async (_for, audience) => {
    const answer = await send(await clientAssertion(key, 'by-key', audience()));

    expect(answer).toMatchObject({ status: 200, json: { token_type: 'Bearer' } });
  });

  it('of a FAPI client is for the issuer as a string, and nothing else', async () => {
    const statuses = [];
    for (const audience of [
      issuer(),
      [issuer()],
      open.endpoint('acme', 'token'),
      [issuer(), 'https://elsewhere.test'],
    ]) {
      statuses.push((await send(await clientAssertion(key, 'fapi', audience))).status);
    }

    expect(statuses).toEqual([200, 401, 401, 401]);
  });

  it('is accepted from a clock that is a little ahead', async () => {
    const answer = await send(
      await clientAssertion(key, 'by-key', issuer(), { iat: now() + 5, nbf: now() + 5 }),
    );

    expect(answer.status).toBe(200);
  });

  it.each([
    ['for somebody else', { aud: 'https://elsewhere.test' }],
    ['for another realm', { aud: 'http://127.0.0.1/realms/other' }],
    ['of another issuer', { iss: 'by-uri' }],
    ['of a client that is not there', { sub: 'nobody', iss: 'nobody' }],
    ['without expiry', { exp: undefined }],
    ['that has expired', { exp: now() - 60 }],
    ['that is not valid yet', { nbf: now() + 600 }],
    ['that comes from the future', { iat: now() + 600 }],
    ['that never ends', { exp: 9_007_199_254_740_991 }],
    ['without jti', { jti: undefined }],
  ])('is refused %s', async (_why, claims) => {
    expect(await send(await clientAssertion(key, 'by-key', issuer(), claims))).toMatchObject(refused);
  });

  it('is refused by an unknown key, another algorithm, none, and when it is no JWT', async () => {
    const parts = (await clientAssertion(key, 'by-key', issuer())).split('.');
    const none = Buffer.from('{"alg":"none"}').toString('base64url');

    const answers = [
      await send(await clientAssertion(stranger, 'by-key', issuer())),
      await send(await clientAssertion(rsa, 'one-alg', issuer())),
      await send(`${none}.${parts[1]}.`),
      await send('not-a-jwt'),
      await send(''),
    ];

    expect(answers.map(({ status, json }) => [status, json.error])).toEqual(
      answers.map(() => [401, 'invalid_client']),
    );
  });

  it('is for the client that it names', async () => {
    const assertion = await clientAssertion(key, 'by-key', issuer());

    const answer = await send(assertion, open, { client_id: 'by-uri' });

    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(500);
  });

  it('cannot be joined with a secret', async () => {
    const answer = await send(await clientAssertion(key, 'by-key', issuer()), open, { client_secret: 'x' });

    expect(answer).toMatchObject({ status: 400, json: { error: 'invalid_request' } });
  });

  it('is good once, however many come with it at once', async () => {
    const assertion = await clientAssertion(key, 'by-key', issuer());

    const answers = await Promise.all(Array.from({ length: 20 }, () => send(assertion)));

    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(19);
    expect(await send(assertion)).toMatchObject(refused);
  });

  it('may carry a jti that another client used', async () => {
    const jti = randomUUID();

    const first = await send(await clientAssertion(key, 'by-key', issuer(), { jti }));
    const second = await send(await clientAssertion(key, 'one-alg', issuer(), { jti }));

    expect([first.status, second.status]).toEqual([200, 200]);
  });

  it('serves openid-client', async () => {
    const config = await client.discovery(
      new URL(issuer()),
      'by-key',
      undefined,
      client.PrivateKeyJwt(key.privateKey),
      { execute: [client.allowInsecureRequests] },
    );

    const tokens = await client.clientCredentialsGrant(config);

    expect(tokens.scope).toBe('reports:read python:execute');
  });
});

describe('keys at jwksUri', () => {
  it('are fetched where private addresses are allowed', async () => {
    const before = fetched;

    const answer = await send(await clientAssertion(key, 'by-uri', issuer()));
    const wrong = await send(await clientAssertion(stranger, 'by-uri', issuer()));

    expect(answer.status).toBe(200);
    expect(wrong).toMatchObject(refused);
    expect(fetched).toBeGreaterThan(before);
  });

  it.each(['by-uri', 'by-localhost', 'by-metadata-address'])(
    'are not fetched from private addresses by default (%s)',
    async (id) => {
      const before = fetched;

      const answer = await send(await clientAssertion(key, id, guarded.issuer('acme')), guarded);

      expect(answer).toMatchObject(refused);
      expect(fetched).toBe(before);
    },
  );
});

describe('client_secret_jwt', () => {
  const signed = (by: string, claims: Record<string, unknown> = {}) =>
    new SignJWT({
      iss: 'by-secret',
      sub: 'by-secret',
      aud: issuer(),
      jti: randomUUID(),
      exp: now() + 60,
      ...claims,
    })
      .setProtectedHeader({ alg: 'HS256' })
      .sign(Buffer.from(by));

  it('proves the secret without sending it', async () => {
    const right = await send(await signed(secret));
    const wrong = await send(await signed('another-secret-that-is-long-enough-too'));

    expect(right.status).toBe(200);
    expect(wrong).toMatchObject(refused);
  });

  it('is good once', async () => {
    const assertion = await signed(secret);

    const answers = await Promise.all(Array.from({ length: 20 }, () => send(assertion)));

    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  });

  it('does not stand in for a key, nor a key for it', async () => {
    const confused = await new SignJWT({
      iss: 'by-key',
      sub: 'by-key',
      aud: issuer(),
      jti: randomUUID(),
      exp: now() + 60,
    })
      .setProtectedHeader({ alg: 'HS256' })
      .sign(Buffer.from(JSON.stringify(key.publicJwk)));

    expect(await send(confused)).toMatchObject(refused);
    expect(await send(await clientAssertion(key, 'by-secret', issuer()))).toMatchObject(refused);
  });

  it('is the only way in for its client', async () => {
    const answer = await postForm(open.endpoint('acme', 'token'), service, { auth: ['by-secret', secret] });

    expect(answer).toMatchObject(refused);
  });
});
