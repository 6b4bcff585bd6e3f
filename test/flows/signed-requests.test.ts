/** The times of signed requests are bounded, whoever sends them: at the back channel (CIBA) more than elsewhere. */
import { SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, postForm } from '../support/http.ts';
import { type ClientKey, newKey } from '../support/proofs.ts';
import { acme } from '../support/realms.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

const auth = ['signer', 'signer-secret'] as const;
const redirectUri = 'https://app.example/cb';

let key: ClientKey;
let server: TestServer;
beforeAll(async () => {
  key = await newKey();
  const signer = {
    id: 'signer',
    secret: 'signer-secret',
    jwks: { keys: [key.publicJwk] },
    grants: ['authorization_code', 'urn:openid:params:grant-type:ciba'],
    redirectUris: [redirectUri],
    backchannelTokenDeliveryMode: 'poll',
    backchannelAuthenticationRequestSigningAlg: 'ES256',
  };
  server = await startTestServer({ realms: [acme({ clients: [...acme().clients, signer] })] });
});
afterAll(() => server?.stop());

type Times = Readonly<Record<'iat' | 'nbf' | 'exp', number | undefined>>;

/** `times`: seconds from now; `undefined` leaves one out. */
async function sent(endpoint: string, claims: object, times: Partial<Times>): Promise<Answer> {
  const now = Math.floor(Date.now() / 1000);
  const all: Times = { iat: 0, nbf: 0, exp: 60, ...times };
  const absolute = Object.entries(all).flatMap(([name, time]) =>
    time === undefined ? [] : [[name, now + time]],
  );
  const request = await new SignJWT({
    iss: 'signer',
    aud: server.issuer('acme'),
    jti: crypto.randomUUID(),
    ...claims,
    ...Object.fromEntries(absolute),
  })
    .setProtectedHeader({ alg: 'ES256' })
    .sign(key.privateKey);
  return postForm(server.endpoint('acme', endpoint), { client_id: 'signer', request }, { auth });
}

const authenticate = (times: Partial<Times>) =>
  sent('ext/ciba/auth', { scope: 'openid', login_hint: 'george.becker' }, times);
const push = (times: Partial<Times>) =>
  sent(
    'ext/par/request',
    {
      client_id: 'signer',
      response_type: 'code',
      redirect_uri: redirectUri,
      scope: 'openid',
      code_challenge: 'x'.repeat(43),
      code_challenge_method: 'S256',
    },
    times,
  );
const HOUR = 3600;
const DAY = 24 * HOUR;

describe('a signed authentication request', () => {
  it.each<[string, Partial<Times>]>([
    ['of now', {}],
    ['by a clock that is a little ahead', { iat: 5, nbf: 5 }],
    ['of half an hour ago', { iat: -HOUR / 2, nbf: -HOUR / 2 }],
    ['of an hour’s life', { exp: HOUR }],
  ])('%s is taken', async (_what, times) => {
    expect((await authenticate(times)).status).toBe(200);
  });

  it.each<[string, Partial<Times>]>([
    ['issued in an hour', { iat: HOUR }],
    ['issued in a minute', { iat: 60 }],
    ['valid in an hour', { nbf: HOUR, exp: 2 * HOUR }],
    ['issued an hour ago', { iat: -HOUR }],
    ['valid since an hour', { nbf: -HOUR }],
    ['issued a week ago', { iat: -7 * DAY, nbf: -7 * DAY }],
    ['of more than an hour’s life', { exp: HOUR + 60 }],
    ['that ended', { exp: -60 }],
    ['without an end', { exp: undefined }],
    ['without a beginning', { nbf: undefined }],
    ['without a time of issue', { iat: undefined }],
  ])('%s is refused', async (_what, times) => {
    expect(await authenticate(times)).toMatchObject({
      status: 400,
      json: { error: 'invalid_request' },
    });
  });
});

describe('a signed authorization request', () => {
  it.each<[string, Partial<Times>]>([
    ['of now', {}],
    ['of some hours ago', { iat: -5 * HOUR, nbf: -5 * HOUR }],
    ['without times (RFC 9101 §4 asks for none)', { iat: undefined, nbf: undefined, exp: undefined }],
  ])('%s is taken', async (_what, times) => {
    expect((await push(times)).status).toBe(201);
  });

  it.each<[string, Partial<Times>]>([
    ['issued in an hour', { iat: HOUR }],
    ['that ends in more than a day', { exp: DAY + 60 }],
  ])('%s is refused', async (_what, times) => {
    expect(await push(times)).toMatchObject({ status: 400, json: { error: 'invalid_request_object' } });
  });
});
