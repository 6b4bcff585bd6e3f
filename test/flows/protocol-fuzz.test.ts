/** Whatever is sent to the protocol's endpoints and pages: never a server error, never a token found active by chance. */
import { request } from 'node:http';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { basic } from '../support/http.ts';
import { acme, engine, gateway } from '../support/realms.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

let server: TestServer;
beforeAll(async () => {
  const registration = { open: true };
  server = await startTestServer({
    realms: [
      acme({ name: 'strict', registration }),
      acme({ name: 'keycloak', profile: 'keycloak', registration }),
    ],
  });
});
afterAll(() => server?.stop());

type Sent = {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
};

/** By hand, because `fetch` would refuse or mend half of this. */
function send({ method, path, headers, body }: Sent): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const sent = request(
      `${server.url}${path}`,
      { method, headers: { ...headers, 'content-length': body.length }, agent: false },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }),
        );
        response.on('error', reject);
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

const base = '/protocol/openid-connect';
const path = fc
  .tuple(
    fc.constantFrom('strict', 'keycloak'),
    fc.constantFrom(
      `${base}/token`,
      `${base}/token/introspect`,
      `${base}/revoke`,
      `${base}/ext/par/request`,
      `${base}/userinfo`,
      `${base}/logout`,
      `${base}/auth/device`,
      `${base}/ext/ciba/auth`,
      `${base}/auth`,
      '/clients-registrations/openid-connect',
      '/clients-registrations/openid-connect/gateway',
      `${base}/auth/${'x'.repeat(21)}`,
      `${base}/logout/confirm`,
      `${base}/logout/success`,
      '/device',
      `/device/${'x'.repeat(21)}`,
      `/login/${'x'.repeat(21)}`,
      `/login/${'x'.repeat(21)}/cancel`,
      '/account',
      '/account/change-password',
    ),
    fc.constantFrom('', '/', '?a=1', '?access_token=x', '?grant_type=password', '?%', '?x[]=1&x[]=2'),
  )
  .map(([realm, address, query]) => `/realms/${realm}${address}${query}`);

const knownNames = [
  'grant_type',
  'client_id',
  'client_secret',
  'client_assertion',
  'client_assertion_type',
  'username',
  'password',
  'scope',
  'resource',
  'audience',
  'code',
  'code_verifier',
  'redirect_uri',
  'refresh_token',
  'token',
  'token_type_hint',
  'access_token',
  'device_code',
  'auth_req_id',
  'request',
  'request_uri',
  'response_type',
  'response_mode',
  'claims',
  'authorization_details',
  'login_hint',
  'id_token_hint',
  'max_age',
  'prompt',
  'nonce',
  'state',
  'subject_token',
  'subject_token_type',
  'actor_token',
  'requested_token_type',
  'dpop_jkt',
  'code_challenge',
  'code_challenge_method',
  'acr_values',
  'ui_locales',
  'registration',
];
const strangeNames = [
  '__proto__',
  'constructor',
  'toString',
  'grant_type[]',
  'token[]',
  'scope[0]',
  '',
  'grant_type\0',
  'GRANT_TYPE',
];
const knownValues = [
  'password',
  'client_credentials',
  'refresh_token',
  'authorization_code',
  'urn:ietf:params:oauth:grant-type:device_code',
  'urn:openid:params:grant-type:ciba',
  'urn:ietf:params:oauth:grant-type:token-exchange',
  'dc-ui',
  'ds-engine',
  'gateway',
  'ds-engine-secret',
  'george.becker',
  'openid',
  'reports:read',
  'https://analytics.acme.test',
  'code',
  'access_token',
  'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
  'urn:ietf:params:oauth:token-type:access_token',
  'none',
  'login',
  'http://localhost:3000/demo/callback',
  'urn:ietf:params:oauth:request_uri:x',
  'S256',
  '{}',
  '[]',
  'null',
  '{"a":',
  '[{"type":"embed_resource"}]',
  '{"id_token":{"sub":5}}',
  'eyJhbGciOiJub25lIn0.e30.',
  'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJkYy11aSJ9.AAAA',
  'dpa_x',
  'dpr_x',
  'dpg_x',
  'dpgr_x',
  '~a~b',
  '-1',
  '1e309',
  '\0',
  '\u{1f600}',
  'x'.repeat(5000),
  '__proto__',
];
const value = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...knownValues) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 60 }) },
);
const name = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...knownNames) },
  { weight: 1, arbitrary: fc.constantFrom(...strangeNames) },
);
const entries = fc.array(fc.tuple(name, value), { maxLength: 8 });

const encoded = entries.map((pairs) => Buffer.from(new URLSearchParams(pairs).toString()));
const raw = entries.map((pairs) => Buffer.from(pairs.map(([key, text]) => `${key}=${text}`).join('&')));
const json = fc
  .oneof(
    entries.map((pairs) => JSON.stringify(Object.fromEntries(pairs))),
    fc.json(),
  )
  .map((text) => Buffer.from(text));
const body = fc.oneof(
  { weight: 6, arbitrary: encoded },
  { weight: 2, arbitrary: raw },
  { weight: 2, arbitrary: json },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      Buffer.from('%'),
      Buffer.from('grant_type=%zz'),
      Buffer.from('&'.repeat(3000)),
      Buffer.alloc(0),
    ),
  },
);

const type = fc.constantFrom(
  'application/x-www-form-urlencoded',
  'application/x-www-form-urlencoded',
  'application/x-www-form-urlencoded',
  'application/x-www-form-urlencoded; charset=utf-16',
  'application/json',
  'text/plain',
  'multipart/form-data',
  'multipart/form-data; boundary=x',
  'x',
  '',
  'application/jwt',
  'a/b; c="',
);
const authorization = fc.oneof(
  fc.constantFrom(
    basic(engine),
    basic(gateway),
    'Basic',
    'Basic =',
    'Basic ***',
    'Bearer',
    'Bearer x',
    'DPoP x',
    'Bearer a b',
    'Basic OjpvOg==',
    'Digest x',
    ',',
  ),
  fc
    .string({ unit: 'grapheme-ascii', maxLength: 40 })
    .map((text) => `Basic ${Buffer.from(text).toString('base64')}`),
);
const headers = fc.record(
  {
    'content-type': type,
    authorization,
    accept: fc.constantFrom(
      '*/*',
      'text/html',
      'application/json',
      'application/token-introspection+jwt',
      'x',
      ';q=',
      'application/*;q=0',
    ),
    origin: fc.constantFrom('null', 'https://evil.example', 'http://localhost:3000', 'x'),
    dpop: fc.constantFrom(
      'x',
      'eyJhbGciOiJub25lIn0.e30.',
      'eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7fX0.e30.AAAA',
    ),
    'content-encoding': fc.constantFrom('gzip', 'x'),
    'x-http-method-override': fc.constantFrom('DELETE', 'GET'),
    'client-cert': fc.constantFrom(':AAAA:', 'x', '%'),
    cookie: fc.constantFrom('_session=x', '_session=x; _session.sig=y', 'a', '='),
    'if-none-match': fc.constant('*'),
  },
  { requiredKeys: ['content-type'] },
);

const method = fc.oneof(
  { weight: 8, arbitrary: fc.constant('POST') },
  { weight: 1, arbitrary: fc.constantFrom('GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD', 'PROPFIND') },
);

it('answers anything with something below 500, and nothing made up as active', async () => {
  const garbage = fc.record({ method, path, headers, body });

  await fc.assert(
    fc.asyncProperty(garbage, async (sent) => {
      const { status, text } = await send(sent);

      expect(status).toBeGreaterThanOrEqual(200);
      expect(status).toBeLessThan(500);
      expect(text).not.toContain('"active":true');
      expect(text).not.toMatch(/node_modules|at .*\.ts:\d+/);
    }),
    { numRuns: 1500, interruptAfterTimeLimit: 45_000 },
  );
});

it('takes no token for active that differs in anything from a real one', async () => {
  const address = `/realms/strict${base}`;
  const headersOf = (pair: readonly [string, string]) => ({
    'content-type': 'application/x-www-form-urlencoded',
    authorization: basic(pair),
  });
  const introspect = (token: string) =>
    send({
      method: 'POST',
      path: `${address}/token/introspect`,
      headers: headersOf(gateway),
      body: Buffer.from(new URLSearchParams({ token }).toString()),
    });
  const issued = await send({
    method: 'POST',
    path: `${address}/token`,
    headers: headersOf(engine),
    body: Buffer.from('grant_type=client_credentials'),
  });
  const { access_token: real }: { access_token: string } = JSON.parse(issued.text);
  expect((await introspect(real)).text).toContain('"active":true');

  const changed = fc
    .tuple(
      fc.nat(real.length - 1),
      fc.string({ unit: 'grapheme-ascii', minLength: 0, maxLength: 3 }),
      fc.boolean(),
    )
    .map(([at, text, keep]) => `${real.slice(0, at)}${text}${real.slice(keep ? at : at + 1)}`)
    .filter((text) => text !== real);

  await fc.assert(
    fc.asyncProperty(changed, async (token) => {
      expect((await introspect(token)).text).not.toContain('"active":true');
    }),
    { numRuns: 300, interruptAfterTimeLimit: 20_000 },
  );
});
