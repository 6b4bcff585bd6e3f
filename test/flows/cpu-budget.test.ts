/**
 * No request costs more than its budget of CPU, whatever its body: the largest values of each field, at each address of
 * the protocol, the pages and the compatibility sections that takes a body.
 */
import { describe, expect, it } from 'vitest';
import {
  apiKey,
  type FacadeServer,
  report,
  semaphorDashboard,
  send,
  startForFile,
  tokenOf,
} from '../facades/support.ts';
import { requestUrl } from '../support/authorization.ts';
import { postForm } from '../support/http.ts';
import { engine, george } from '../support/realms.ts';
import { createVisitor, formOf } from '../support/visitor.ts';
import { deepList, deepObject, expectCheap, fields, marks, times } from './cpu-budget-support.ts';

let server: FacadeServer;
startForFile(
  (started) => {
    server = started;
  },
  { change: (acme) => ({ ...acme, registration: { ...acme.registration, open: true } }) },
);

/** About as much as a form of 56 KiB holds. */
const LARGE = 54_000;
const jwtLike = times(3, () => 'e'.repeat(LARGE / 3)).join('.');

describe('forms of the protocol cost no more than their budget', () => {
  const endpoints = [
    'token',
    'token/introspect',
    'revoke',
    'userinfo',
    'auth',
    'logout',
    'auth/device',
    'ext/par/request',
    'ext/ciba/auth',
  ];
  const forms: readonly [name: string, form: string][] = [
    [
      'the most fields',
      `grant_type=client_credentials${times(990, (one) => `&f${one}=${'%CD%85'.repeat(7)}`).join('')}`,
    ],
    ['too many fields', `grant_type=client_credentials${'&a'.repeat(LARGE / 2)}`],
    ['separators', `grant_type=client_credentials${'&'.repeat(LARGE)}`],
    ['scopes', `grant_type=client_credentials&scope=${'a+'.repeat(LARGE / 2)}`],
    ['resources', `grant_type=client_credentials${'&resource=https://a'.repeat(900)}`],
    ['a token', `grant_type=refresh_token&refresh_token=${jwtLike}`],
    ['another token', `token=${jwtLike}`],
    [
      'an assertion',
      `grant_type=client_credentials&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion=${jwtLike}`,
    ],
    ['a request object', `client_id=dc-ui&response_type=code&request=${jwtLike}`],
    ['a hint', `id_token_hint=${jwtLike}`],
    ['nested details', `grant_type=client_credentials&authorization_details=${deepList(LARGE / 2)}`],
    ['nested claims', `client_id=dc-ui&response_type=code&claims=${deepObject(9000)}`],
  ];

  it.each(forms)('%s', async (_name, form) => {
    for (const endpoint of endpoints) {
      await expectCheap(() => postForm(server.endpoint('acme', endpoint), form));
      await expectCheap(() => postForm(server.endpoint('acme', endpoint), form, { auth: engine }));
    }
  });

  it.each([
    'username',
    'password',
    'client_id',
    'client_secret',
    'scope',
    'code',
    'state',
    'resource',
    'login_hint',
  ])('a %s of combining marks', async (field) => {
    const form = { ...george, [field]: marks(9000) };

    for (const endpoint of ['token', 'auth', 'ext/ciba/auth', 'auth/device']) {
      await expectCheap(() => postForm(server.endpoint('acme', endpoint), form));
    }
  });
});

describe('forms of the pages cost no more than their budget', () => {
  it.each(['username', 'password', 'csrf', 'other'])('a %s of combining marks', async (field) => {
    const visitor = createVisitor(server.url);
    const client = { realm: 'acme', clientId: 'dc-ui', redirectUri: 'http://localhost:3000/demo/callback' };
    const { action, fields: filled } = formOf(await visitor.open(requestUrl(server, client)), '');
    const form = { username: 'a', password: 'b', ...filled, [field]: marks(10_000) };

    await expectCheap(() => visitor.post(action, form));
    await expectCheap(() => visitor.post(`${server.issuer('acme')}/account/password`, form));
    await expectCheap(() =>
      visitor.post(`${server.issuer('acme')}/device`, { ...form, user_code: marks(9000) }),
    );
  });
});

describe('registration costs no more than its budget', () => {
  const key = { kty: 'EC', crv: 'P-256', x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU' };
  const uris = { redirect_uris: ['https://a.example/cb'] };
  const url = (one: number) => `https://a${one}.example/cb`;
  const bodies: readonly [name: string, body: string | object][] = [
    ['redirect URIs', { redirect_uris: times(2000, url) }],
    ['one redirect URI, often', { redirect_uris: times(2000, () => url(1)) }],
    ['logout URIs', { ...uris, post_logout_redirect_uris: times(2000, url) }],
    ['request URIs', { ...uris, request_uris: times(2000, url) }],
    ['contacts', { ...uris, contacts: times(3500, () => 'a@b.example') }],
    ['keys', { ...uris, jwks: { keys: times(300, (one) => ({ ...key, y: 'x', kid: `k${one}` })) } }],
    ['a large key', { ...uris, jwks: { keys: [{ kty: 'RSA', e: 'AQAB', n: 'x'.repeat(50_000) }] } }],
    [
      'large keys',
      { ...uris, jwks: { keys: times(80, () => ({ kty: 'RSA', e: 'AQAB', n: 'x'.repeat(500) })) } },
    ],
    ['certificates', { ...uris, jwks: { keys: [{ ...key, x5c: times(1000, () => 'x'.repeat(40)) }] } }],
    ['scopes', { ...uris, scope: 'a '.repeat(LARGE / 2) }],
    ['grant types', { ...uris, grant_types: times(4500, () => 'implicit') }],
    ['response types', { ...uris, response_types: times(3500, () => 'code id_token') }],
    ['a name', { ...uris, client_name: marks(25_000) }],
    ['names', { ...uris, ...fields(2500, 'x', 'client_name#l') }],
    ['unknown fields', { ...uris, ...fields(4500, 1) }],
    ['nested URIs', `{"redirect_uris":${deepList(LARGE / 2)}}`],
    ['nested keys', `{"redirect_uris":["https://a.example/cb"],"jwks":${deepObject(9000)}}`],
    ['nested fields', `{"redirect_uris":["https://a.example/cb"],"other":${deepList(LARGE / 2)}}`],
  ];

  it.each(bodies)('%s', async (_name, body) => {
    await expectCheap(() => send(`${server.base}/clients-registrations/openid-connect`, { body }));
  });
});

describe('calls of the compatibility sections cost no more than their budget', () => {
  const values = fields(
    100,
    times(60, (one) => one),
  );
  const params: readonly [name: string, params: object][] = [
    ['the longest row limits', { rlsSettings: [{ metricId: 'm', values }] }],
    [
      'the most row limits',
      { rlsSettings: times(99, (one) => ({ metricId: `m${one}`, values: { a: times(100, String) } })) },
    ],
    [
      'filters',
      { dashboardAppFilters: times(99, (one) => ({ dashboardId: `d${one}`, values: fields(30, 1) })) },
    ],
    [
      'nested filters',
      {
        dashboardAppFilters: [
          { dashboardId: 'd', values: { a: times(900, () => JSON.parse(deepList(26))) } },
        ],
      },
    ],
    ['embeds', { allowedEmbeds: times(8000, String) }],
    ['wrong limits', { rlsSettings: times(15_000, () => 1) }],
    ['unknown fields', fields(5000, 1)],
  ];

  it.each(params)('DataBrain: %s', async (_name, given) => {
    const body = { clientId: 'id', dataAppName: 'sales-dashboard', params: given };

    await expectCheap(() => send(`${server.base}/api/v2/guest-token/create`, { token: apiKey, body }));
  });

  it.each<[string, object]>([
    [
      'policies',
      { rcls: times(20, () => ({ name: 'region_filter', params: { region: times(600, String) } })) },
    ],
    ['parameters', { securityParams: fields(50, times(200, String)) }],
    ['domains', { semanticDomainAccess: { mode: 'include', domains: times(8000, String) } }],
    ['marks', { tenantId: marks(9000), displayName: marks(9000) }],
    ['unknown fields', fields(5000, 1)],
  ])('Semaphor: %s', async (_name, more) => {
    await expectCheap(() => send(`${server.base}/api/v1/token`, { body: { ...semaphorDashboard, ...more } }));
  });

  it.each<[string, object]>([
    ['data', { data: fields(4000, 1) }],
    ['marks', { notes: marks(20_000) }],
    ['a network', { restrict: 'host', host: 'a-'.repeat(30_000) }],
    ['nested data', { data: { a: times(900, () => JSON.parse(deepList(28))) } }],
  ])('Informer: %s', async (_name, more) => {
    const token = await tokenOf(server, 'ada.admin', 'ada_password');

    expect(
      (
        await expectCheap(() =>
          send(`${server.base}/api/tokens`, { token, body: { type: 'report', reportId: report, ...more } }),
        )
      ).status,
    ).toBe(400);
  });
});
