/** The second request of a client is answered as the first: nothing that one request changes is there for the next. */
import { randomUUID } from 'node:crypto';
import { SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { certificate, trustLoopback } from '../support/certificates.ts';
import { type Answer, basic, postForm } from '../support/http.ts';
import { assertionType, type ClientKey, clientAssertion, newKey } from '../support/proofs.ts';
import { acme } from '../support/realms.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

const SECRET = 'a-secret-that-is-long-enough-to-sign-with';
const CIBA = 'urn:openid:params:grant-type:ciba';
const redirectUri = 'https://app.example/cb';

const methods = [
  'client_secret_basic',
  'client_secret_post',
  'client_secret_jwt',
  'private_key_jwt',
  'tls_client_auth',
  'self_signed_tls_client_auth',
  'none',
] as const;
type Method = (typeof methods)[number];

let key: ClientKey;
let server: TestServer;
beforeAll(async () => {
  key = await newKey();
  server = await startTestServer({
    env: trustLoopback,
    realms: [acme({ clients: [...acme().clients, ...methods.map(clientOf)] })],
  });
});
afterAll(() => server?.stop());

/** The key of a client has its certificate, and signs its requests too. */
function clientOf(method: Method) {
  const isConfidential = method !== 'none';
  return {
    id: method,
    ...(isConfidential ? { tokenEndpointAuthMethod: method } : { public: true }),
    ...(method.startsWith('client_secret') ? { secret: SECRET } : {}),
    ...(method === 'tls_client_auth' ? { tlsClientAuthSubjectDn: certificate.subject } : {}),
    jwks: { keys: [{ ...key.publicJwk, kid: 'signing', x5c: [certificate.base64] }] },
    grants: ['authorization_code', 'refresh_token', ...(isConfidential ? ['client_credentials', CIBA] : [])],
    redirectUris: [redirectUri],
    ...(isConfidential
      ? { backchannelTokenDeliveryMode: 'poll', backchannelAuthenticationRequestSigningAlg: 'ES256' }
      : {}),
  };
}

async function proofOf(
  method: Method,
): Promise<{ form: Record<string, string>; headers: Record<string, string> }> {
  const form = { client_id: method };
  const assertion = { ...form, client_assertion_type: assertionType };
  const audience = server.issuer('acme');
  switch (method) {
    case 'client_secret_basic':
      return { form: {}, headers: { authorization: basic([method, SECRET]) } };
    case 'client_secret_post':
      return { form: { ...form, client_secret: SECRET }, headers: {} };
    case 'client_secret_jwt': {
      const claims = { iss: method, sub: method, aud: audience, jti: randomUUID() };
      const jwt = new SignJWT(claims)
        .setProtectedHeader({ alg: 'HS256' })
        .setIssuedAt()
        .setExpirationTime('1m');
      return { form: { ...assertion, client_assertion: await jwt.sign(Buffer.from(SECRET)) }, headers: {} };
    }
    case 'private_key_jwt':
      return {
        form: { ...assertion, client_assertion: await clientAssertion(key, method, audience) },
        headers: {},
      };
    case 'tls_client_auth':
    case 'self_signed_tls_client_auth':
      return { form, headers: certificate.headers };
    case 'none':
      return { form, headers: {} };
  }
}

async function send(method: Method, endpoint: string, form: Record<string, string>): Promise<Answer> {
  const proof = await proofOf(method);
  return postForm(server.endpoint('acme', endpoint), { ...proof.form, ...form }, { headers: proof.headers });
}

function signed(method: Method, claims: Record<string, unknown>): Promise<string> {
  return new SignJWT({ iss: method, aud: server.issuer('acme'), jti: randomUUID(), ...claims })
    .setProtectedHeader({ alg: 'ES256', kid: 'signing' })
    .setIssuedAt()
    .setNotBefore('0s')
    .setExpirationTime('1m')
    .sign(key.privateKey);
}

const requests: readonly [name: string, send: (method: Method) => Promise<Answer>, status: number][] = [
  [
    'a signed authorization request',
    async (method) => {
      const claims = {
        client_id: method,
        response_type: 'code',
        redirect_uri: redirectUri,
        scope: 'openid',
        code_challenge: 'x'.repeat(43),
        code_challenge_method: 'S256',
      };
      return send(method, 'ext/par/request', { client_id: method, request: await signed(method, claims) });
    },
    201,
  ],
  [
    'a signed authentication request',
    async (method) => {
      const claims = { scope: 'openid', login_hint: 'george.becker' };
      return send(method, 'ext/ciba/auth', { client_id: method, request: await signed(method, claims) });
    },
    200,
  ],
  ['a request for a token', (method) => send(method, 'token', { grant_type: 'client_credentials' }), 200],
  ['a question about a token', (method) => send(method, 'token/introspect', { token: 'none' }), 200],
];

describe.each(methods)('a client that authenticates by %s', (method) => {
  const own = requests.filter(([, , status]) => method !== 'none' || status === 201);

  it.each(own)('sends %s as often as it likes', async (_name, ask, status) => {
    const answers = [await ask(method), await ask(method), await ask(method)];

    expect(answers.map((answer) => [answer.status, answer.json.error])).toEqual(
      answers.map(() => [status, undefined]),
    );
  });
});
