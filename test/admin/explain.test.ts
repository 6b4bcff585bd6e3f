import { describe, expect, it } from 'vitest';
import { postForm } from '../support/http.ts';
import { useServer } from '../support/use-server.ts';
import { admins, head, tenant } from './support.ts';

const mints = { apis: ['analytics'], types: ['dashboard'], actions: ['view'], maxTtl: 3600 };
const base = tenant('acme', {
  users: [
    { username: 'george', email: 'george@acme.test', password: 'my_password', roles: ['analyst'] },
    { username: 'off', password: 'off_password', enabled: false },
    { username: 'new' },
  ],
});
const realm = {
  ...base,
  clients: [
    ...base.clients,
    { id: 'embedder', secret: 'embedder-secret', grants: ['client_credentials'], mints },
    {
      id: 'narrow',
      public: true,
      grants: ['authorization_code', 'password'],
      redirectUris: ['https://app.example.com/cb'],
      permissions: ['analytics:reports:read'],
    },
  ],
};
const server = useServer({ realms: [head, realm, tenant('globex')] });

async function ask(body: object) {
  const call = await admins(server, 'acme', 'support');
  return call({ method: 'POST', path: '/realms/acme/explain', body });
}

async function rulesOf(body: object) {
  const { body: answer } = await ask(body);
  return [answer.verdict, answer.reasons.map(({ rule }: { rule: string }) => rule)];
}

async function serviceToken(realmName = 'acme') {
  const form = { grant_type: 'client_credentials' };
  const auth = ['ds-engine', 'ds-engine-secret'] as const;
  return (await postForm(server.endpoint(realmName, 'token'), form, { auth })).json.access_token as string;
}

async function userToken() {
  const form = { grant_type: 'password', client_id: 'dc-ui', username: 'george', password: 'my_password' };
  return (await postForm(server.endpoint('acme', 'token'), form)).json.access_token as string;
}

async function guest(more: object = {}) {
  const response = await fetch(`${server.issuer('acme')}/guest-tokens`, {
    method: 'POST',
    headers: {
      Authorization: `Basic ${btoa('embedder:embedder-secret')}`,
      'Content-Type': 'application/json',
    },
    body: JSON.stringify(guestRequest(more)),
  });
  return (await response.json()) as { id: string; token: string };
}

function guestRequest(more: object = {}) {
  return {
    subject: { tenant: 'green', id: 'u1' },
    resources: [
      { type: 'dashboard', id: 'sales', actions: ['view'], rows: { col: 'a', op: 'eq', value: 1 } },
    ],
    lifetime: { ttl: 600 },
    ...more,
  };
}

describe('why a token is inactive', () => {
  it('names what was cut, of a service', async () => {
    const token = await serviceToken();
    expect(await rulesOf({ token })).toEqual(['active', []]);

    const own = await admins(server, 'acme', 'realm-admin');
    const { etag } = await own({ path: '/realms/acme/clients/ds-engine' });
    const path = '/realms/acme/clients/ds-engine';
    const off = await own({ method: 'PATCH', path, body: { enabled: false }, headers: { 'If-Match': etag } });
    const { body } = await ask({ token });
    await own({ method: 'PATCH', path, body: { enabled: true }, headers: { 'If-Match': off.etag } });

    expect(body).toMatchObject({
      verdict: 'inactive',
      reasons: [
        { rule: 'revoked', detail: expect.stringContaining('client ds-engine') },
        { rule: 'client.disabled', setting: 'clients[ds-engine].enabled' },
      ],
    });
    expect(JSON.stringify(body)).not.toContain(token);
    expect(body.reasons[1].changed).toEqual({
      time: expect.stringMatching(/Z$/),
      by: { kind: 'client', id: 'realm-admin' },
      requestId: off.headers.get('X-Request-Id'),
    });
  });

  it('names the session that has ended', async () => {
    const token = await userToken();
    const own = await admins(server, 'acme', 'realm-admin');
    const { body: users } = await own({ path: '/realms/acme/users?search=george' });
    const { body: sessions } = await own({ path: `/realms/acme/users/${users.items[0].id}/sessions` });
    await own({ method: 'DELETE', path: `/realms/acme/sessions/${sessions.items[0].id}` });

    const { body } = await ask({ token });

    expect(body.reasons[0]).toMatchObject({ rule: 'revoked', detail: expect.stringContaining('session') });
  });

  it('names a permission that was lost, and who may not read it', async () => {
    const token = await userToken();
    const own = await admins(server, 'acme', 'realm-admin');
    const path = '/realms/acme/roles/analyst';
    const { etag, body: role } = await own({ path });
    const fewer = { permissions: ['analytics:reports:read', 'analytics:metrics:read'] };
    const changed = await own({ method: 'PATCH', path, body: fewer, headers: { 'If-Match': etag } });

    const { body } = await ask({ token, client: 'portal' });
    await own({ method: 'PATCH', path, body: role, headers: { 'If-Match': changed.etag } });

    expect(body.reasons).toMatchObject([
      { rule: 'reader.not-entitled', setting: 'clients[portal].introspects' },
      { rule: 'scope.lost', detail: expect.stringContaining('dashboards:read') },
    ]);
  });

  it('knows nothing of the tokens of another realm, and says whose they say they are', async () => {
    const form = { grant_type: 'client_credentials', resource: 'https://warehouse.acme.test' };
    const auth = ['ds-engine', 'ds-engine-secret'] as const;
    const { json } = await postForm(server.endpoint('globex', 'token'), form, { auth });

    expect(await rulesOf({ token: json.access_token })).toEqual([
      'inactive',
      ['token.foreign', 'token.unknown'],
    ]);
    expect(await rulesOf({ token: await serviceToken('globex') })).toEqual(['inactive', ['token.unknown']]);
    expect(await rulesOf({ token: 'a.b.c' })).toEqual(['inactive', ['token.unknown']]);
  });

  it('names the mass cut of a guest token', async () => {
    const { token } = await guest();
    expect(await rulesOf({ token })).toEqual(['active', []]);
    const own = await admins(server, 'acme', 'realm-admin');
    await own({ method: 'POST', path: '/realms/acme/guest-tokens/revoke', body: { tenant: 'green' } });

    const { body } = await ask({ token });

    expect(body).toMatchObject({ verdict: 'inactive', about: { kind: 'guest token', tenant: 'green' } });
    expect(body.reasons[0].detail).toContain('mass cut of the tenant');
  });
});

describe('why something would be refused', () => {
  it('a redirect: in what it differs from the nearest one', async () => {
    const asked = (redirectUri: string) => ask({ client: 'narrow', redirectUri });

    expect((await asked('https://app.example.com/cb')).body).toMatchObject({
      verdict: 'allowed',
      reasons: [],
    });
    expect((await asked('https://app.example.com/cb/')).body).toMatchObject({
      verdict: 'refused',
      reasons: [
        {
          rule: 'redirect.unregistered',
          detail: expect.stringContaining('differs in pathname'),
          setting: 'clients[narrow].redirectUris',
        },
      ],
    });
  });

  it('a login: nobody, disabled, without a password, locked', async () => {
    expect(await rulesOf({ login: 'nobody' })).toEqual(['refused', ['user.unknown']]);
    expect(await rulesOf({ login: 'off' })).toEqual(['refused', ['user.disabled']]);
    expect(await rulesOf({ login: 'new' })).toEqual(['refused', ['password.none']]);
    expect(await rulesOf({ login: 'George@acme.test' })).toEqual(['allowed', []]);
    const form = {
      grant_type: 'password',
      client_id: 'dc-ui',
      username: 'george',
      password: 'wrong_password',
    };
    for (let tries = 0; tries < 10; tries += 1) await postForm(server.endpoint('acme', 'token'), form);
    expect(await rulesOf({ login: 'george' })).toEqual(['refused', ['user.locked']]);
  });

  it('a permission: by a role, by the ceiling, or because there is none', async () => {
    const scope = 'openid dashboards:read reports:read python:execute nothing:here';
    const { body } = await ask({ client: 'narrow', user: 'george', scope });

    expect(body).toMatchObject({ verdict: 'narrowed', about: { granted: ['openid', 'reports:read'] } });
    expect(body.reasons.map(({ rule, setting }: Record<string, string>) => [rule, setting])).toEqual([
      ['ceiling', 'clients[narrow].permissions'],
      ['role.lacks', 'users[george].roles'],
      ['ceiling', 'clients[narrow].permissions'],
      ['scope.unknown', 'apis[analytics].permissions'],
    ]);
    expect((await ask({ client: 'nobody' })).status).toBe(404);
  });

  it('a guest token, which is not minted', async () => {
    const allowed = await ask({ client: 'embedder', mint: guestRequest() });
    const narrowed = await ask({ client: 'embedder', mint: guestRequest({ lifetime: { ttl: 86_400 } }) });
    const report = [{ type: 'report', id: 'r', actions: ['view'], rows: 'all' }];
    const refused = await ask({ client: 'embedder', mint: guestRequest({ resources: report }) });

    expect(allowed.body).toMatchObject({ verdict: 'allowed', about: { client: 'embedder' } });
    expect(narrowed.body.verdict).not.toBe('allowed');
    expect(refused.body).toMatchObject({ verdict: 'refused' });
    expect(await rulesOf({ client: 'portal', mint: guestRequest() })).toEqual(['refused', ['mints.missing']]);
    const own = await admins(server, 'acme', 'realm-admin');
    const { body } = await own({ path: '/realms/acme/guest-tokens?client=embedder&state=active' });
    expect(body.items).toEqual([]);
  });

  it('is told nobody without the permission', async () => {
    const call = await admins(server, 'acme', 'ds-engine');

    expect(
      (await call({ method: 'POST', path: '/realms/acme/explain', body: { login: 'george' } })).status,
    ).toBe(403);
  });
});
