/** Introspection in both profiles: what a caller is told that may not ask, asks wrongly, or asks about what is not its own. */
import { describe, expect, it } from 'vitest';
import { type Answer, postForm } from '../support/http.ts';
import { acme, analytics, engine, gateway, george } from '../support/realms.ts';
import { useServer } from '../support/use-server.ts';

const jwtApis = acme().apis.map((api) => ({ ...api, tokens: { format: 'jwt', alg: 'RS256' } }));

const server = useServer({
  realms: [acme({ name: 'strict' }), acme({ name: 'keycloak', profile: 'keycloak', apis: jwtApis })],
});

const introspect = (
  realm: string,
  form: Record<string, string> | string,
  auth?: readonly [string, string],
  headers: Record<string, string> = {},
): Promise<Answer> =>
  postForm(server.endpoint(realm, 'token/introspect'), form, { headers, ...(auth && { auth }) });
const logIn = async (realm: string, scope = 'openid') =>
  (await postForm(server.endpoint(realm, 'token'), { ...george, scope })).json;

type Expected = readonly [status: number, error: string, description?: string];
type Row = {
  readonly of: string;
  readonly form: Record<string, string> | string;
  readonly auth?: readonly [string, string];
  readonly strict: Expected;
  readonly keycloak: Expected;
};

const badClient = 'Invalid client or Invalid client credentials';
const rows: readonly Row[] = [
  {
    of: 'nobody',
    form: { token: 'x' },
    strict: [401, 'invalid_client'],
    keycloak: [401, 'invalid_client', badClient],
  },
  {
    of: 'an unknown client',
    form: { token: 'x' },
    auth: ['nobody', 'nobody-secret'],
    strict: [401, 'invalid_client'],
    keycloak: [401, 'invalid_client', badClient],
  },
  {
    of: 'a client with a wrong secret',
    form: { token: 'x' },
    auth: ['gateway', 'not-the-secret'],
    strict: [401, 'invalid_client'],
    keycloak: [401, 'invalid_client', badClient],
  },
  {
    of: 'a public client',
    form: { token: 'x', client_id: 'dc-ui' },
    strict: [401, 'invalid_client'],
    keycloak: [403, 'invalid_request', 'Client not allowed.'],
  },
  {
    of: 'a caller that names no token',
    form: {},
    auth: gateway,
    strict: [400, 'invalid_request'],
    keycloak: [400, 'invalid_request', 'Token not provided.'],
  },
  {
    of: 'a parameter twice',
    form: 'token=x&token=y',
    auth: gateway,
    strict: [400, 'invalid_request'],
    keycloak: [400, 'invalid_request', 'duplicated parameter'],
  },
];

describe.each(['strict', 'keycloak'] as const)('a %s realm', (realm) => {
  it.each(rows)('refuses $of', async ({ form, auth, ...expected }) => {
    const [status, error, description] = expected[realm];

    const answer = await introspect(realm, form, auth);

    expect(answer).toMatchObject({ status, json: { error } });
    if (description !== undefined) expect(answer.json.error_description).toBe(description);
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  it('does not tell a public client about its own token either', async () => {
    const { access_token } = await logIn(realm);

    const answer = await introspect(realm, { token: access_token, client_id: 'dc-ui' });

    expect(answer.status).toBe(realm === 'strict' ? 401 : 403);
    expect(answer.text).not.toContain('active');
  });

  it('says nothing but inactive of what is not for the caller', async () => {
    const { access_token, refresh_token } = await logIn(realm);
    const [service] = [
      await postForm(server.endpoint(realm, 'token'), { grant_type: 'client_credentials' }, { auth: engine }),
    ];

    const answers = await Promise.all([
      introspect(realm, { token: 'made-up' }, gateway),
      introspect(realm, { token: `${access_token}x` }, gateway),
      introspect(realm, { token: access_token }, ['portal', 'portal-secret']),
      introspect(realm, { token: service.json.access_token }, ['portal', 'portal-secret']),
      introspect(realm, { token: refresh_token }, gateway),
    ]);

    expect(answers.map(({ status, text }) => [status, text])).toEqual(
      answers.map(() => [200, '{"active":false}']),
    );
  });
});

it('takes an unknown hint for none in a strict realm and refuses it in a keycloak one', async () => {
  const strict = await logIn('strict');
  const keycloak = await logIn('keycloak');
  const hint = { token_type_hint: 'colour' };

  const ignored = await introspect('strict', { token: strict.access_token, ...hint }, gateway);
  const refused = await introspect('keycloak', { token: keycloak.access_token, ...hint }, gateway);

  expect(ignored).toMatchObject({ status: 200, json: { active: true } });
  expect(refused).toMatchObject({
    status: 400,
    json: { error: 'invalid_request', error_description: 'Unsupported token type [colour].' },
  });
});

it.each(['access_token', 'refresh_token', 'requesting_party_token'])(
  'finds a token under the hint %s',
  async (hint) => {
    const { access_token } = await logIn('keycloak');

    const answer = await introspect('keycloak', { token: access_token, token_type_hint: hint }, gateway);

    expect(answer).toMatchObject({ status: 200, json: { active: true } });
  },
);

it('describes a token of a keycloak realm as its JWT does', async () => {
  const { access_token, session_state } = await logIn('keycloak');

  const answer = await introspect('keycloak', { token: access_token }, gateway);

  expect(answer.json).toMatchObject({
    active: true,
    typ: 'Bearer',
    token_type: 'Bearer',
    azp: 'dc-ui',
    client_id: 'dc-ui',
    aud: analytics,
    iss: server.issuer('keycloak'),
    username: 'george.becker',
    preferred_username: 'george.becker',
    scope: 'openid dashboards:read reports:read metrics:read',
    realm_access: { roles: ['analyst'] },
    resource_access: { analytics: { roles: ['dashboards:read', 'reports:read', 'metrics:read'] } },
    sid: session_state,
    exp: expect.any(Number),
    iat: expect.any(Number),
    jti: expect.any(String),
    sub: expect.any(String),
  });
});

it('answers a disabled realm with access_denied', async () => {
  await server.services.registry.updateRealm('strict', (settings) => ({ ...settings, enabled: false }));

  const answer = await introspect('strict', { token: 'x' }, gateway);

  expect(answer).toMatchObject({
    status: 403,
    json: { error: 'access_denied', error_description: 'Realm not enabled' },
  });
  await server.services.registry.updateRealm('strict', (settings) => ({ ...settings, enabled: true }));
});
