/** RFC 8414 and OpenID Connect Discovery: every member is true, and every address is the public one. */
import { request } from 'node:http';
import * as client from 'openid-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, get, postForm } from '../support/http.ts';
import { clientAssertion, newKey } from '../support/proofs.ts';
import { acme } from '../support/realms.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

let server: TestServer;
let below: TestServer;
beforeAll(async () => {
  const realms = [
    acme({ name: 'strict', registration: { open: true } }),
    acme({ name: 'keycloak', profile: 'keycloak' }),
  ];
  server = await startTestServer({ realms });
  below = await startTestServer({ realms, env: { DAYPASS_URL: 'https://login.acme.test/auth' } });
});
afterAll(() => Promise.all([server?.stop(), below?.stop()]));

const openid = (realm = 'strict') => get(`${server.issuer(realm)}/.well-known/openid-configuration`);

describe.each(['strict', 'keycloak'])('metadata of a %s realm', (realm) => {
  let document: Answer;
  beforeAll(async () => {
    document = await openid(realm);
  });

  it('is the same at all of its addresses', async () => {
    const others = [
      await get(`${server.issuer(realm)}/.well-known/oauth-authorization-server`),
      await get(`${server.url}/.well-known/oauth-authorization-server/realms/${realm}`),
    ];

    expect(others.map(({ status, json }) => [status, json])).toEqual(others.map(() => [200, document.json]));
    expect((await get(`${server.url}/.well-known/openid-configuration/realms/${realm}`)).status).toBe(404);
  });

  it('names the issuer character for character, and only addresses below it', () => {
    const addresses = Object.entries<unknown>(document.json).filter(([, value]) =>
      /^https?:/.test(String(value)),
    );

    expect(document.json.issuer).toBe(server.issuer(realm));
    expect(addresses.length).toBeGreaterThan(10);
    for (const [, address] of addresses) expect(String(address).startsWith(server.issuer(realm))).toBe(true);
  });

  it('names addresses that answer', async () => {
    const addresses = Object.entries<string>(document.json).filter(([name]) =>
      /(_endpoint|_uri|_iframe)$/.test(name),
    );

    for (const [name, address] of addresses) {
      const answers = [
        await get(address),
        ...(name.endsWith('_endpoint') ? [await postForm(address, {})] : []),
      ];

      expect([name, answers.filter(({ status }) => status === 404 || status >= 500)]).toEqual([name, []]);
    }
  });

  it('names signing algorithms that there are keys for', async () => {
    const { json } = await get(document.json.jwks_uri);
    const available = new Set(json.keys.map(({ alg }: { alg: string }) => alg));

    for (const name of ['id_token', 'userinfo', 'introspection']) {
      const named: string[] = document.json[`${name}_signing_alg_values_supported`];
      expect([name, named.filter((alg) => !available.has(alg) && !alg.startsWith('HS'))]).toEqual([name, []]);
    }
  });

  it('names grants that are there, and none that is not', async () => {
    const named: string[] = document.json.grant_types_supported;
    const tried = [
      ...named,
      'implicit',
      'urn:ietf:params:oauth:grant-type:jwt-bearer',
      'urn:ietf:params:oauth:grant-type:uma-ticket',
    ];

    const unsupported = await Promise.all(
      tried.map(async (grant_type) => {
        const answer = await postForm(server.endpoint(realm, 'token'), { grant_type, client_id: 'dc-ui' });
        return answer.json.error === 'unsupported_grant_type';
      }),
    );

    expect(unsupported).toEqual(tried.map((grant) => !named.includes(grant)));
  });

  it('promises nothing that we do not do', () => {
    expect(document.json).toMatchObject({
      response_types_supported: ['code', 'none'],
      code_challenge_methods_supported: ['S256'],
      request_uri_parameter_supported: false,
      backchannel_user_code_parameter_supported: false,
      backchannel_token_delivery_modes_supported: ['poll'],
      authorization_response_iss_parameter_supported: true,
      prompt_values_supported: ['none', 'login', 'consent', 'select_account'],
      subject_types_supported: ['public', 'pairwise'],
    });
    const signing = Object.entries(document.json).filter(([name]) =>
      /signing_alg_values_supported$/.test(name),
    );
    expect(signing.flatMap(([, algorithms]) => algorithms)).not.toContain('none');
    expect(document.json).not.toHaveProperty('frontchannel_logout_supported');
    expect(document.json).not.toHaveProperty('mtls_endpoint_aliases');
  });

  it('names the ways to authenticate at each endpoint', async () => {
    const methods = [
      'client_secret_basic',
      'client_secret_post',
      'client_secret_jwt',
      'private_key_jwt',
      'tls_client_auth',
      'self_signed_tls_client_auth',
    ];

    expect(document.json.token_endpoint_auth_methods_supported).toEqual(['none', ...methods]);
    expect(document.json.revocation_endpoint_auth_methods_supported).toEqual(['none', ...methods]);
    expect(document.json.introspection_endpoint_auth_methods_supported).toEqual(methods);
  });

  it('names the scopes and claims that a login can bring', async () => {
    const { json } = await postForm(server.endpoint(realm, 'token'), {
      grant_type: 'password',
      client_id: 'dc-ui',
      username: 'george.becker',
      password: 'my_password',
      scope: document.json.scopes_supported.join(' '),
    });
    const person = await get(document.json.userinfo_endpoint, {
      authorization: `Bearer ${json.access_token}`,
    });

    expect(json.scope.split(' ')).toEqual(expect.arrayContaining(document.json.scopes_supported));
    expect(document.json.claims_supported).toEqual(expect.arrayContaining(Object.keys(person.json)));
  });

  it('may be kept for half the time that a new key is published before it signs', async () => {
    const certs = await get(document.json.jwks_uri);

    expect([document, certs].map(({ headers }) => headers.get('cache-control'))).toEqual([
      'public, max-age=300',
      'public, max-age=300',
    ]);
  });
});

it('has a session iframe only where Keycloak’s adapter wants one', async () => {
  expect((await openid('strict')).json).not.toHaveProperty('check_session_iframe');
});

it('accepts assertions by every algorithm that it names', async () => {
  const algorithms: string[] = (await openid()).json.token_endpoint_auth_signing_alg_values_supported;
  const asymmetric = algorithms.filter((alg) => !alg.startsWith('HS'));
  const keys = await Promise.all(asymmetric.map(newKey));
  await server.services.registry.createClient('strict', {
    id: 'by-key',
    grants: ['client_credentials'],
    tokenEndpointAuthMethod: 'private_key_jwt',
    jwks: { keys: keys.map(({ publicJwk }) => ({ kty: '', ...publicJwk })) },
  });

  const statuses = await Promise.all(
    keys.map(async (key) => {
      const answer = await postForm(server.endpoint('strict', 'token'), {
        grant_type: 'client_credentials',
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: await clientAssertion(key, 'by-key', server.issuer('strict')),
      });
      return answer.status;
    }),
  );

  expect(statuses).toEqual(asymmetric.map(() => 200));
});

describe('a request under another name', () => {
  const ask = (path: string, headers: Record<string, string>): Promise<string> =>
    new Promise((resolve, reject) => {
      const sent = request(`${server.url}${path}`, { headers }, (response) => {
        let text = '';
        response.on('data', (chunk) => {
          text += chunk;
        });
        response.on('end', () => resolve(`${text}\n${JSON.stringify(response.headers)}`));
      });
      sent.on('error', reject);
      sent.end();
    });

  it.each([
    { host: 'evil.example' },
    { host: 'evil.example:80@127.0.0.1' },
    { host: '127.0.0.1', 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'gopher' },
    { host: '127.0.0.1', forwarded: 'host=evil.example;proto=gopher' },
    { host: '127.0.0.1', 'x-original-url': '/evil.example', 'x-forwarded-prefix': '/evil.example' },
  ])('finds nothing of it in any answer (%o)', async (headers) => {
    const honest = await openid();
    const paths = [
      '/realms/strict/.well-known/openid-configuration',
      '/realms/strict',
      '/realms/strict/protocol/openid-connect/auth?client_id=dc-ui',
      '/realms/strict/protocol/openid-connect/userinfo',
      '/auth/realms/strict/.well-known/openid-configuration',
    ];

    const answers = await Promise.all(paths.map((path) => ask(path, headers)));

    expect(JSON.parse(answers[0]?.split('\n')[0] ?? '')).toEqual(honest.json);
    for (const answer of answers) {
      expect(answer).not.toContain('evil.example');
      expect(answer).not.toContain('gopher');
    }
  });
});

it('redirects the old Keycloak address of metadata to the canonical one, and answers endpoints at both', async () => {
  const metadata = await get(`${server.url}/auth/realms/strict/.well-known/openid-configuration`);
  const certs = await get(`${server.url}/auth/realms/strict/protocol/openid-connect/certs`);
  const token = await postForm(`${server.url}/auth/realms/strict/protocol/openid-connect/token`, {});

  expect(metadata.headers.get('location')).toBe(
    `${server.issuer('strict')}/.well-known/openid-configuration`,
  );
  expect(certs.status).toBe(200);
  expect(token.json.error_description).toBe('Missing form parameter: grant_type');
});

it('follows a public address with a path', async () => {
  const at = `http://127.0.0.1:${new URL(below.adminUrl).port}`;
  expect(at).toBeDefined();
  const local = below.services.settings.port;

  const document = await get(`http://127.0.0.1:${local}/auth/realms/strict/.well-known/openid-configuration`);
  const rooted = await get(
    `http://127.0.0.1:${local}/.well-known/oauth-authorization-server/auth/realms/strict`,
  );

  expect(document.json.issuer).toBe('https://login.acme.test/auth/realms/strict');
  expect(document.json.token_endpoint).toBe(
    'https://login.acme.test/auth/realms/strict/protocol/openid-connect/token',
  );
  expect(rooted.json).toEqual(document.json);
});

it('describes the realm as Keycloak does', async () => {
  for (const path of ['', '/']) {
    const answer = await get(`${server.issuer('keycloak')}${path}`);

    expect(answer.headers.get('content-type')).toBe('application/json;charset=UTF-8');
    expect(Object.keys(answer.json)).toEqual([
      'realm',
      'public_key',
      'token-service',
      'account-service',
      'tokens-not-before',
    ]);
    expect(answer.json).toMatchObject({
      realm: 'keycloak',
      'token-service': `${server.issuer('keycloak')}/protocol/openid-connect`,
      'account-service': `${server.issuer('keycloak')}/account`,
      'tokens-not-before': 0,
    });
  }
});

it('serves openid-client by either kind of discovery', async () => {
  for (const algorithm of ['oidc', 'oauth2'] as const) {
    const options = { algorithm, execute: [client.allowInsecureRequests] };
    const config = await client.discovery(
      new URL(server.issuer('strict')),
      'dc-ui',
      undefined,
      client.None(),
      options,
    );

    expect(config.serverMetadata().issuer).toBe(server.issuer('strict'));
  }
});
