/** Refusals of the token endpoint: RFC 6749 §5.2 in strict realms, Keycloak's words in `keycloak` ones. */
import { beforeAll, describe, expect, it } from 'vitest';
import { createAgent, obtainCode } from '../support/browserless.ts';
import { type Answer, postForm } from '../support/http.ts';
import { acme, engine, george } from '../support/realms.ts';
import { useServer } from '../support/use-server.ts';

const callback = 'http://localhost:3000/demo/callback';
const disabled = ['retired', 'retired-secret'] as const;
const publicPair = ['ds-engine', 'not-the-secret'] as const;

const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code';

const contents = acme({
  clients: [
    ...acme().clients,
    { id: 'retired', secret: 'retired-secret', grants: ['client_credentials'], enabled: false },
    { id: 'other', public: true, firstParty: true, grants: ['authorization_code'], redirectUris: [callback] },
    { id: 'tv', public: true, grants: [deviceGrant] },
    {
      id: 'no-pkce',
      secret: 'no-pkce-secret',
      firstParty: true,
      pkce: 'optional',
      grants: ['authorization_code'],
      redirectUris: [callback],
    },
  ],
  users: [
    ...acme().users,
    { username: 'closed', password: 'closed_password', enabled: false },
    { username: 'fresh', password: 'fresh_password', requiredActions: ['change_password'] },
  ],
});

const server = useServer({
  realms: [
    { ...contents, name: 'strict' },
    { ...contents, name: 'keycloak', profile: 'keycloak' },
    { ...contents, name: 'newer', profile: 'keycloak', badCredentialsStatus: 400 },
  ],
});

type Expected = readonly [status: number, error: string, description?: string | undefined];
type Row = {
  readonly of: string;
  readonly form: Record<string, string> | string;
  readonly auth?: readonly [string, string];
  readonly strict: Expected;
  readonly keycloak: Expected;
};

const badClient = 'Invalid client or Invalid client credentials';
const clientCredentials = { grant_type: 'client_credentials' };
const verifier = 'v'.repeat(43);
const redeem = { grant_type: 'authorization_code', client_id: 'dc-ui', redirect_uri: callback };

const rows: readonly Row[] = [
  {
    of: 'no grant_type',
    form: { client_id: 'dc-ui' },
    strict: [400, 'invalid_request', 'Missing form parameter: grant_type'],
    keycloak: [400, 'invalid_request', 'Missing form parameter: grant_type'],
  },
  {
    of: 'an unknown grant_type',
    form: { grant_type: 'urn:example:other' },
    auth: engine,
    strict: [400, 'unsupported_grant_type'],
    keycloak: [400, 'unsupported_grant_type', 'Unsupported grant_type'],
  },
  {
    of: 'an unknown client',
    form: clientCredentials,
    auth: ['nobody', 'nobody-secret'],
    strict: [401, 'invalid_client'],
    keycloak: [401, 'invalid_client', badClient],
  },
  {
    of: 'a disabled client',
    form: clientCredentials,
    auth: disabled,
    strict: [401, 'invalid_client'],
    keycloak: [401, 'invalid_client', badClient],
  },
  {
    of: 'a wrong secret',
    form: clientCredentials,
    auth: publicPair,
    strict: [401, 'invalid_client'],
    keycloak: [401, 'unauthorized_client', badClient],
  },
  {
    of: 'no secret',
    form: { ...clientCredentials, client_id: 'ds-engine' },
    strict: [401, 'invalid_client'],
    keycloak: [401, 'unauthorized_client', badClient],
  },
  {
    of: 'no client at all',
    form: clientCredentials,
    strict: [401, 'invalid_client'],
    keycloak: [400, 'invalid_client', 'Missing client_id parameter'],
  },
  {
    of: 'a password login without a client',
    form: { grant_type: 'password', username: 'george.becker', password: 'my_password' },
    strict: [401, 'invalid_client'],
    keycloak: [400, 'invalid_client', 'Missing client_id parameter'],
  },
  {
    of: 'an unreadable header in place of a client',
    form: clientCredentials,
    auth: ['', ''],
    strict: [401, 'invalid_client'],
    keycloak: [401, 'invalid_client', badClient],
  },
  {
    of: 'no username',
    form: { grant_type: 'password', client_id: 'dc-ui', password: 'my_password' },
    strict: [400, 'invalid_request', "missing required parameter(s) 'username'"],
    keycloak: [401, 'invalid_request', 'Missing parameter: username'],
  },
  {
    of: 'no password',
    form: { grant_type: 'password', client_id: 'dc-ui', username: 'george.becker' },
    strict: [400, 'invalid_request', "missing required parameter(s) 'password'"],
    keycloak: [400, 'invalid_request', "missing required parameter(s) 'password'"],
  },
  {
    of: 'a parameter twice',
    form: 'grant_type=client_credentials&scope=reports:read&scope=reports:read',
    auth: engine,
    strict: [400, 'invalid_request'],
    keycloak: [400, 'invalid_request', 'duplicated parameter'],
  },
  {
    of: 'an unknown parameter twice',
    form: 'grant_type=client_credentials&colour=red&colour=blue',
    auth: engine,
    strict: [400, 'invalid_request'],
    keycloak: [400, 'invalid_request', 'duplicated parameter'],
  },
  {
    of: 'a public client that wants a service token',
    form: { ...clientCredentials, client_id: 'dc-ui' },
    strict: [400, 'unauthorized_client'],
    keycloak: [400, 'unauthorized_client', 'Public client not allowed to retrieve service account'],
  },
  {
    of: 'a client without service account',
    form: clientCredentials,
    auth: ['gateway', 'gateway-secret'],
    strict: [400, 'unauthorized_client'],
    keycloak: [400, 'unauthorized_client', 'Client not enabled to retrieve service account'],
  },
  {
    of: 'a client without direct grants',
    form: { grant_type: 'password', username: 'george.becker', password: 'my_password' },
    auth: engine,
    strict: [400, 'unauthorized_client'],
    keycloak: [400, 'unauthorized_client', 'Client not allowed for direct access grants'],
  },
  {
    of: 'a wrong password',
    form: { ...george, password: 'other_password' },
    strict: [400, 'invalid_grant', 'Invalid user credentials'],
    keycloak: [401, 'invalid_grant', 'Invalid user credentials'],
  },
  {
    of: 'an unknown user',
    form: { ...george, username: 'nobody' },
    strict: [400, 'invalid_grant', 'Invalid user credentials'],
    keycloak: [401, 'invalid_grant', 'Invalid user credentials'],
  },
  {
    of: 'a disabled user',
    form: { ...george, username: 'closed', password: 'closed_password' },
    strict: [400, 'invalid_grant', 'Invalid user credentials'],
    keycloak: [400, 'invalid_grant', 'Account disabled'],
  },
  {
    of: 'a disabled user with a wrong password',
    form: { ...george, username: 'closed', password: 'other_password' },
    strict: [400, 'invalid_grant', 'Invalid user credentials'],
    keycloak: [401, 'invalid_grant', 'Invalid user credentials'],
  },
  {
    of: 'a user with something left to do',
    form: { ...george, username: 'fresh', password: 'fresh_password' },
    strict: [400, 'invalid_grant', 'Account is not fully set up'],
    keycloak: [400, 'invalid_grant', 'Account is not fully set up'],
  },
  {
    of: 'no code',
    form: { ...redeem, code_verifier: verifier },
    strict: [400, 'invalid_request'],
    keycloak: [400, 'invalid_request', 'Missing parameter: code'],
  },
  {
    of: 'a forged code',
    form: { ...redeem, code: 'forged', code_verifier: verifier },
    strict: [400, 'invalid_grant'],
    keycloak: [400, 'invalid_grant', 'Code not valid'],
  },
  {
    of: 'no device code',
    form: { grant_type: deviceGrant, client_id: 'tv' },
    strict: [400, 'invalid_request'],
    keycloak: [400, 'invalid_request', 'Missing parameter: device_code'],
  },
  {
    of: 'a forged device code',
    form: { grant_type: deviceGrant, client_id: 'tv', device_code: 'forged' },
    strict: [400, 'invalid_grant'],
    keycloak: [400, 'invalid_grant', 'Device code not valid'],
  },
  {
    of: 'no refresh token',
    form: { grant_type: 'refresh_token', client_id: 'dc-ui' },
    strict: [400, 'invalid_request'],
    keycloak: [400, 'invalid_request', 'No refresh token'],
  },
  {
    of: 'a forged refresh token',
    form: { grant_type: 'refresh_token', client_id: 'dc-ui', refresh_token: 'forged' },
    strict: [400, 'invalid_grant'],
    keycloak: [400, 'invalid_grant', 'Invalid refresh token'],
  },
];

const token = (realm: string, form: Row['form'], auth?: readonly [string, string]) =>
  postForm(server.endpoint(realm, 'token'), form, auth && { auth });

function expectRefusal(answer: Answer, [status, error, description]: Expected) {
  expect(answer).toMatchObject({ status, json: { error } });
  if (description !== undefined) expect(answer.json.error_description).toBe(description);
  expect(Object.keys(answer.json).sort()).toEqual(['error', 'error_description']);
  expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
  expect(answer.headers.get('cache-control')).toBe('no-store');
  expect(answer.headers.get('pragma')).toBe('no-cache');
}

describe.each(['strict', 'keycloak'] as const)('a %s realm refuses', (realm) => {
  it.each(rows)('$of', async ({ form, auth, ...expected }) => {
    const answer = await token(realm, form, auth);

    expectRefusal(answer, expected[realm]);
  });
});

it('answers wrong user credentials with 400 where a keycloak realm says so', async () => {
  const answer = await token('newer', { ...george, password: 'other_password' });

  expectRefusal(answer, [400, 'invalid_grant', 'Invalid user credentials']);
});

it('challenges who tried to authenticate by header', async () => {
  const wrong = await token('strict', clientCredentials, publicPair);
  const none = await token('strict', clientCredentials);

  expect(wrong.headers.get('www-authenticate')).toMatch(/^Basic realm="[^"]+", error="invalid_client"$/);
  expect(none.headers.get('www-authenticate')).toBeNull();
});

it('answers programs in JSON, whatever they accept', async () => {
  const url = server.endpoint('strict', 'token');

  const answer = await postForm(url, { ...george, password: 'x' }, { headers: { accept: 'text/html' } });

  expectRefusal(answer, [400, 'invalid_grant']);
});

describe.each([
  ['strict', {}],
  [
    'keycloak',
    {
      replayed: 'Code not valid',
      redirect: 'Incorrect redirect_uri',
      foreign: 'Auth error: Found different client_id in clientSession',
      noVerifier: 'PKCE code verifier not specified',
      badVerifier: 'PKCE verification failed: Invalid code verifier',
      otherVerifier: 'PKCE verification failed: Code mismatch',
      noChallenge: 'PKCE code verifier specified but challenge not present in authorization',
    },
  ],
] as const)('a code in a %s realm', (realm, words: Partial<Record<string, string>>) => {
  let agent: ReturnType<typeof createAgent>;
  beforeAll(async () => {
    agent = createAgent(server.url);
  });
  const freshForm = async () => ({ ...(await obtainCode(server, { realm, agent })).form });

  it('is refused when it was redeemed before', async () => {
    const form = await freshForm();
    await token(realm, form);

    const answer = await token(realm, form);

    expectRefusal(answer, [400, 'invalid_grant', words['replayed']]);
  });

  it('is refused for another redirect_uri, and for none', async () => {
    const form = await freshForm();

    const other = await token(realm, { ...form, redirect_uri: `${callback}/other` });
    const { redirect_uri: _, ...without } = form;
    const none = await token(realm, without);

    expectRefusal(other, [400, 'invalid_grant', words['redirect']]);
    const error = realm === 'strict' ? 'invalid_request' : 'invalid_grant';
    expectRefusal(none, [400, error, words['redirect']]);
  });

  it('is refused from another client', async () => {
    const form = await freshForm();

    const answer = await token(realm, { ...form, client_id: 'other' });

    expectRefusal(answer, [400, 'invalid_grant', words['foreign']]);
  });

  it('is refused without its verifier, with a malformed one and with another', async () => {
    const { code_verifier, ...form } = await freshForm();

    const none = await token(realm, form);
    const malformed = await token(realm, { ...form, code_verifier: 'short' });
    const other = await token(realm, { ...form, code_verifier: verifier });

    expectRefusal(none, [400, 'invalid_grant', words['noVerifier']]);
    const error = realm === 'strict' ? 'invalid_request' : 'invalid_grant';
    expectRefusal(malformed, [400, error, words['badVerifier']]);
    expectRefusal(other, [400, 'invalid_grant', words['otherVerifier']]);
    expect(await token(realm, { ...form, code_verifier: code_verifier ?? '' })).toMatchObject({
      status: 200,
    });
  });

  it('is refused with a verifier where the authorization request had no challenge', async () => {
    const clientId = 'no-pkce';
    const params = { code_challenge: '', code_challenge_method: '' };
    const { form } = await obtainCode(server, { realm, agent, clientId, params, scope: 'openid' });

    const answer = await token(realm, form, [clientId, 'no-pkce-secret']);

    expectRefusal(answer, [400, 'invalid_grant', words['noChallenge']]);
  });

  it('survives a client that fails to authenticate', async () => {
    const form = await freshForm();

    const refused = await token(realm, form, ['gateway', 'made-up-secret']);
    const accepted = await token(realm, form);

    expect([400, 401]).toContain(refused.status);
    expect(accepted.status).toBe(200);
  });
});
