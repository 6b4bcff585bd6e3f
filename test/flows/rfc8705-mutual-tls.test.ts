/** RFC 8705 behind a proxy (RFC 9440): certificates authenticate clients and bind tokens, from trusted proxies only. */
import { createHash } from 'node:crypto';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { certificate, otherCertificate, trustLoopback } from '../support/certificates.ts';
import { get, postForm } from '../support/http.ts';
import { acme, gateway, george, warehouse } from '../support/realms.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

const thumbprint = createHash('sha256').update(Buffer.from(certificate.base64, 'base64')).digest('base64url');
const pairs = ['plain', 'plain-secret'] as const;

const names = [
  ['tlsClientAuthSubjectDn', certificate.subject],
  ['tlsClientAuthSanDns', 'gateway.acme.test'],
  ['tlsClientAuthSanUri', 'spiffe://acme.test/gateway'],
  ['tlsClientAuthSanIp', '192.0.2.7'],
  ['tlsClientAuthSanEmail', 'gateway@acme.test'],
] as const;

const contents = acme({
  clients: [
    ...acme().clients,
    ...names.map(([name, value]) => ({
      id: name,
      grants: ['client_credentials'],
      roles: ['engine'],
      tokenEndpointAuthMethod: 'tls_client_auth',
      [name]: value,
    })),
    {
      id: 'self-signed',
      grants: ['client_credentials'],
      roles: ['engine'],
      tokenEndpointAuthMethod: 'self_signed_tls_client_auth',
      jwks: {
        keys: [
          {
            kty: 'EC',
            crv: 'P-256',
            x: 'dRsaDusV50YST8QI8CNnoYOqduGdiNdBDi5U0sG7WvU',
            y: '7Qtw1uyFxKCG09iRUOWC_T82AjxrKp-rBaxz_M7N20A',
            x5c: [certificate.base64],
          },
        ],
      },
    },
    {
      id: 'keys-out-of-reach',
      grants: ['client_credentials'],
      tokenEndpointAuthMethod: 'self_signed_tls_client_auth',
      jwksUri: 'https://127.0.0.1:9/keys',
    },
    {
      id: 'keys-without-members',
      grants: ['client_credentials'],
      tokenEndpointAuthMethod: 'self_signed_tls_client_auth',
      jwks: { keys: [{ kty: 'EC', crv: 'P-256', x5c: [certificate.base64] }] },
    },
    {
      id: 'plain',
      secret: 'plain-secret',
      grants: ['client_credentials'],
      roles: ['engine'],
      tlsClientCertificateBoundAccessTokens: true,
    },
    {
      id: 'app',
      public: true,
      grants: ['password', 'refresh_token'],
      tlsClientCertificateBoundAccessTokens: true,
    },
  ],
});

let trusting: TestServer;
let wary: TestServer;
let renamed: TestServer;
beforeAll(async () => {
  [trusting, wary, renamed] = await Promise.all([
    startTestServer({ env: trustLoopback, realms: [contents] }),
    startTestServer({ realms: [contents] }),
    startTestServer({
      env: { ...trustLoopback, DAYPASS_CLIENT_CERT_HEADER: 'X-Client-Cert' },
      realms: [contents],
    }),
  ]);
});
afterAll(() => Promise.all([trusting?.stop(), wary?.stop(), renamed?.stop()]));

const service = { grant_type: 'client_credentials' };
const own = certificate.headers;
const foreign = otherCertificate.headers;
const verified = { 'client-cert-verified': 'SUCCESS' };

const token = (
  form: Record<string, string>,
  options: { headers?: Record<string, string>; auth?: readonly [string, string]; at?: TestServer } = {},
) => {
  const { at = trusting, headers = {}, auth } = options;
  return postForm(at.endpoint('acme', 'token'), form, { headers, ...(auth && { auth }) });
};
const introspect = async (value: string) =>
  (await postForm(trusting.endpoint('acme', 'token/introspect'), { token: value }, { auth: gateway })).json;

describe.each([...names.map(([name]) => name), 'self-signed'])('a client known by %s', (client_id) => {
  it('is let in with its certificate and kept out without, or with another', async () => {
    const form = { ...service, client_id };

    const answers = [
      await token(form, { headers: own }),
      await token(form),
      await token(form, { headers: foreign }),
      await token(form, { headers: { ...verified, 'client-cert': ':bm90IGEgY2VydGlmaWNhdGU=:' } }),
      await token(form, { headers: { ...verified, 'client-cert': '%%%' } }),
    ];

    expect(answers.map(({ status, json }) => [status, json.error])).toEqual([
      [200, undefined],
      [401, 'invalid_client'],
      [401, 'invalid_client'],
      [401, 'invalid_client'],
      [401, 'invalid_client'],
    ]);
  });

  it('is kept out when no trusted proxy vouches for the certificate', async () => {
    const answer = await token({ ...service, client_id }, { headers: own, at: wary });

    expect(answer).toMatchObject({ status: 401, json: { error: 'invalid_client' } });
  });
});

describe('a certificate whose chain the proxy did not verify', () => {
  const unverified = [
    undefined,
    '',
    'NONE',
    'FAILED:self-signed certificate',
    'success',
    'SUCCESS, NONE',
    'FAILED:SUCCESS',
  ];
  const shown = (said: string | undefined) => ({
    'client-cert': certificate.header,
    ...(said === undefined ? {} : { 'client-cert-verified': said }),
  });

  it.each(unverified)(
    'is that of a client with a self-signed certificate, and of no other: %j',
    async (said) => {
      const ask = async (client_id: string) =>
        (await token({ ...service, client_id }, { headers: shown(said) })).status;

      expect([
        await ask('self-signed'),
        await ask('tlsClientAuthSubjectDn'),
        await ask('tlsClientAuthSanDns'),
      ]).toEqual([200, 401, 401]);
    },
  );

  it('is nobody’s at the other addresses that clients call', async () => {
    const ask = (path: string, more = {}) =>
      get(`${trusting.issuer('acme')}${path}?client_id=tlsClientAuthSubjectDn`, {
        ...shown('NONE'),
        ...more,
      });

    expect([(await ask('/guest-tokens')).status, (await ask('/events')).status]).toEqual([401, 401]);
  });

  it('is never verified where the operator names no header for it', async () => {
    const plain = await startTestServer({ env: { DAYPASS_TRUST_PROXY: '127.0.0.1/32' }, realms: [contents] });
    try {
      const ask = async (client_id: string) =>
        (await token({ ...service, client_id }, { headers: own, at: plain })).status;

      expect([await ask('self-signed'), await ask('tlsClientAuthSubjectDn')]).toEqual([200, 401]);
    } finally {
      await plain.stop();
    }
  });
});

it.each(['keys-out-of-reach', 'keys-without-members'])(
  'lets nobody in as a client with %s',
  async (client_id) => {
    const answer = await token({ ...service, client_id }, { headers: own });

    expect(answer).toMatchObject({
      status: 401,
      json: { error: 'invalid_client', error_description: 'client authentication failed' },
    });
  },
);

it('reads the certificate from the header that the operator names, and from no other', async () => {
  const form = { ...service, client_id: 'tlsClientAuthSubjectDn' };

  const named = await token(form, {
    headers: { ...verified, 'x-client-cert': certificate.header },
    at: renamed,
  });
  const usual = await token(form, { headers: own, at: renamed });

  expect([named.status, usual.status]).toEqual([200, 401]);
});

it('takes PEM, percent-encoded, as some proxies send it', async () => {
  const headers = { ...verified, 'client-cert': encodeURIComponent(certificate.pem) };

  expect((await token({ ...service, client_id: 'tlsClientAuthSanDns' }, { headers })).status).toBe(200);
});

describe('a bound token', () => {
  it('names the certificate, in the JWT and at introspection', async () => {
    const opaque = await token(service, { headers: own, auth: pairs });
    const jwt = await token({ ...service, resource: warehouse }, { headers: own, auth: pairs });

    const cnf = { 'x5t#S256': thumbprint };
    expect(decodeJwt(jwt.json.access_token)).toMatchObject({ cnf });
    expect(await introspect(opaque.json.access_token)).toMatchObject({
      active: true,
      token_type: 'Bearer',
      cnf,
    });
  });

  it('is not issued without a certificate', async () => {
    const answers = [
      await token(service, { auth: pairs }),
      await token({ ...george, client_id: 'app' }),
      await token({ ...george, client_id: 'app' }, { headers: own, at: wary }),
    ];

    expect(answers.map(({ status, json }) => [status, json.error])).toEqual(
      answers.map(() => [400, 'invalid_grant']),
    );
  });

  it('of a person opens userinfo with the certificate only', async () => {
    const login = await token({ ...george, client_id: 'app', scope: 'openid' }, { headers: own });
    const ask = (headers: Record<string, string>) =>
      get(trusting.endpoint('acme', 'userinfo'), {
        authorization: `Bearer ${login.json.access_token}`,
        ...headers,
      });

    const answers = [await ask(own), await ask({}), await ask(foreign)];

    expect(answers.map(({ status }) => status)).toEqual([200, 401, 401]);
  });

  it('of a public client is refreshed with the certificate only, and not rotated', async () => {
    const login = await token({ ...george, client_id: 'app' }, { headers: own });
    const { refresh_token } = login.json;
    const form = { grant_type: 'refresh_token', client_id: 'app', refresh_token };

    const answers = [
      await token(form),
      await token(form, { headers: foreign }),
      await token(form, { headers: own }),
    ];

    expect(answers.map(({ status }) => status)).toEqual([400, 400, 200]);
    expect(answers[2]?.json.refresh_token).toBe(refresh_token);
    expect(await introspect(answers[2]?.json.access_token)).toMatchObject({
      cnf: { 'x5t#S256': thumbprint },
    });
  });
});
