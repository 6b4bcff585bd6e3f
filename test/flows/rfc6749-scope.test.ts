/**
 * RFC 6749 §3.3 at the token endpoint: no permission named means all that roles and ceiling allow; what was named is
 * given as far as it may be; what does not exist is refused.
 */
import * as client from 'openid-client';
import { describe, expect, it } from 'vitest';
import { obtainCode } from '../support/browserless.ts';
import { type Answer, get, postForm } from '../support/http.ts';
import { acme, analytics, engine, gateway, george, warehouse } from '../support/realms.ts';
import { useServer } from '../support/use-server.ts';

const narrow = ['narrow', 'narrow-secret'] as const;

const server = useServer({
  realms: [
    acme({
      clients: [
        ...acme().clients,
        {
          id: 'narrow',
          secret: 'narrow-secret',
          grants: ['client_credentials', 'password', 'refresh_token'],
          roles: ['engine'],
          permissions: ['analytics:reports:read', 'warehouse:warehouse:query'],
        },
      ],
    }),
  ],
});

const token = (form: Readonly<Record<string, string>>, auth?: readonly [string, string]) =>
  postForm(server.endpoint('acme', 'token'), form, auth && { auth });
const introspect = async (value: string) =>
  (await postForm(server.endpoint('acme', 'token/introspect'), { token: value }, { auth: gateway })).json;

async function expectScope(answer: Answer, scope: string) {
  expect(answer).toMatchObject({ status: 200, json: { scope } });
  expect(await introspect(answer.json.access_token)).toMatchObject({ active: true, scope });
}

function expectInvalidScope(answer: Answer) {
  expect(answer).toMatchObject({ status: 400, json: { error: 'invalid_scope' } });
}

type Case = readonly [name: string, asked: Record<string, string>, given: string | undefined];

const all = 'dashboards:read reports:read metrics:read';
const password: readonly Case[] = [
  ['no scope', {}, all],
  ['an empty scope', { scope: '' }, all],
  ['OIDC scopes only', { scope: 'openid email' }, `openid email ${all}`],
  ['one permission', { scope: 'reports:read' }, 'reports:read'],
  ['one twice', { scope: 'reports:read reports:read' }, 'reports:read'],
  ['more than the roles give', { scope: 'openid reports:read dashboards:write' }, 'openid reports:read'],
  ['only what the roles do not give', { scope: 'dashboards:write' }, ''],
  ['a permission of another API', { scope: 'reports:read warehouse:query' }, 'reports:read'],
  ['what does not exist', { scope: 'reports:read reports:burn' }, undefined],
  ['what is no scope', { scope: 'reports:read "' }, undefined],
];

describe('the password grant', () => {
  it.each(password)('asked for %s', async (_name, asked, given) => {
    const answer = await token({ ...george, ...asked });

    if (given === undefined) expectInvalidScope(answer);
    else await expectScope(answer, given);
  });

  it("gives no more than the client's ceiling", async () => {
    const { client_id: _, ...person } = george;

    await expectScope(await token(person, narrow), 'reports:read');
  });

  it('gives offline_access only to a client that gets refresh tokens', async () => {
    await server.services.registry.createClient('acme', { id: 'once', public: true, grants: ['password'] });

    const without = await token({ ...george, client_id: 'once', scope: 'openid offline_access' });
    const having = await token({ ...george, scope: 'openid offline_access reports:read' });

    expect(without.json.scope).toBe(`openid ${all}`);
    expect(having.json.scope).toBe('openid offline_access reports:read');
  });
});

const service: readonly Case[] = [
  ['no scope', {}, 'reports:read python:execute'],
  ['one permission', { scope: 'python:execute' }, 'python:execute'],
  ['more than the roles give', { scope: 'python:execute dashboards:read' }, 'python:execute'],
  ['only what the roles do not give', { scope: 'dashboards:read' }, ''],
  ['all of another API', { resource: warehouse }, 'warehouse:query'],
  ['what another API has', { resource: warehouse, scope: 'reports:read' }, ''],
  ['OIDC scopes, of which it gets none', { scope: 'openid email' }, 'reports:read python:execute'],
  ['what does not exist', { scope: 'python:eat' }, undefined],
];

describe('client_credentials', () => {
  it.each(service)('asked for %s', async (_name, asked, given) => {
    const answer = await token({ grant_type: 'client_credentials', ...asked }, engine);

    if (given === undefined) expectInvalidScope(answer);
    else await expectScope(answer, given);
  });

  it('gives a client without roles a token with an empty scope', async () => {
    const answer = await token({ grant_type: 'client_credentials' }, ['portal', 'portal-secret']);

    await expectScope(answer, '');
  });

  it("gives no more than the client's ceiling", async () => {
    await expectScope(await token({ grant_type: 'client_credentials' }, narrow), 'reports:read');
  });

  it('gives nothing that opens userinfo', async () => {
    const { json } = await token({ grant_type: 'client_credentials', scope: 'openid' }, engine);

    const answer = await get(server.endpoint('acme', 'userinfo'), {
      authorization: `Bearer ${json.access_token}`,
    });

    expect(answer.status).toBe(401);
  });
});

describe('a refresh', () => {
  const refreshWith = async (scope: string | undefined) => {
    const login = await token({ ...george, scope: 'openid reports:read metrics:read' });
    const form = { grant_type: 'refresh_token', client_id: 'dc-ui', refresh_token: login.json.refresh_token };
    return token(scope === undefined ? form : { ...form, scope });
  };

  it.each([
    [undefined, 'openid reports:read metrics:read'],
    ['reports:read', 'reports:read'],
    ['openid metrics:read', 'openid metrics:read'],
    ['reports:read dashboards:read', 'reports:read'],
    ['reports:read dashboards:write offline_access', 'reports:read'],
  ])('asked for %s gives %s', async (asked, given) => {
    await expectScope(await refreshWith(asked), given);
  });

  it.each(['reports:burn', 'reports:read reports:burn', 'dashboards:read'])(
    'asked for %s is refused',
    async (asked) => {
      expectInvalidScope(await refreshWith(asked));
    },
  );

  it('keeps all of its scope for the next time, however little was asked for', async () => {
    const narrowed = await refreshWith('reports:read');

    const again = await token({
      grant_type: 'refresh_token',
      client_id: 'dc-ui',
      refresh_token: narrowed.json.refresh_token,
    });

    await expectScope(again, 'openid reports:read metrics:read');
  });
});

it('gives a code what was asked for and may be given', async () => {
  const { form } = await obtainCode(server, { realm: 'acme', scope: 'openid reports:read dashboards:write' });

  await expectScope(await token(form), 'openid reports:read');
});

it('makes a token that works at userinfo and at introspection', async () => {
  const { json } = await token({ ...george, scope: 'openid profile email reports:read' });

  const person = await get(server.endpoint('acme', 'userinfo'), {
    authorization: `Bearer ${json.access_token}`,
  });

  expect(person.json).toMatchObject({ preferred_username: 'george.becker', email: 'george@acme.test' });
  expect(await introspect(json.access_token)).toMatchObject({
    active: true,
    sub: person.json.sub,
    aud: analytics,
    username: 'george.becker',
    roles: ['analyst'],
    realm: 'acme',
  });
});

it('serves openid-client: service token, its introspection, its end', async () => {
  const discover = (id: string, secret: string) =>
    client.discovery(new URL(server.issuer('acme')), id, secret, client.ClientSecretBasic(secret), {
      execute: [client.allowInsecureRequests],
    });
  const service = await discover(...engine);
  const resourceServer = await discover(...gateway);

  const tokens = await client.clientCredentialsGrant(service, { scope: 'reports:read' });
  const before = await client.tokenIntrospection(resourceServer, tokens.access_token);
  await client.tokenRevocation(service, tokens.access_token);
  const after = await client.tokenIntrospection(resourceServer, tokens.access_token);

  expect(tokens.scope).toBe('reports:read');
  expect(before).toMatchObject({
    active: true,
    scope: 'reports:read',
    client_id: 'ds-engine',
    sub: 'ds-engine',
  });
  expect(after).toEqual({ active: false });
});
