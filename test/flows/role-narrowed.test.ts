/** What living tokens may do after a role of their owner has lost a permission, or includes one role less. */
import { decodeJwt } from 'jose';
import { beforeEach, describe, expect, it } from 'vitest';
import { callback, walk } from '../support/authorization.ts';
import { postForm } from '../support/http.ts';
import { useServer } from '../support/use-server.ts';

const audience = 'https://api.co.test';
const clerk = { name: 'clerk', permissions: ['api:a:read'] };
const boss = {
  name: 'boss',
  includes: ['clerk'],
  permissions: ['api:a:write', 'api:payments:approve', 'jwt:pay', 'daypass:guests:manage'],
};
const narrower = { ...boss, permissions: ['api:a:write'] };
const svc = ['svc', 'svc-secret-svc-secret-2'] as const;
const bert = { username: 'bert', password: 'bert-password-1' };
const redirectUris = [callback];

const server = useServer({
  realms: [
    {
      name: 'co',
      apis: [
        {
          id: 'api',
          audience,
          default: true,
          permissions: [{ name: 'a:read' }, { name: 'a:write' }, { name: 'payments:approve' }],
        },
        {
          id: 'jwt',
          audience: 'https://jwt.co.test',
          permissions: [{ name: 'pay' }],
          tokens: { format: 'jwt' },
        },
      ],
      roles: [clerk, boss],
      clients: [
        {
          id: svc[0],
          secret: svc[1],
          grants: ['client_credentials'],
          roles: ['boss'],
          introspects: ['api', 'jwt'],
        },
        { id: 'app', public: true, firstParty: true, grants: ['password', 'refresh_token'] },
        { id: 'web', public: true, firstParty: true, grants: ['authorization_code'], redirectUris },
      ],
      users: [{ ...bert, roles: ['boss'] }],
    },
  ],
});

beforeEach(async () => {
  await server.services.registry.applyRealm({ name: 'co', roles: [clerk, boss] });
});

const rolesAre = (...roles: readonly object[]) =>
  server.services.registry.applyRealm({ name: 'co', roles: roles as (typeof clerk)[] });
const token = (form: Record<string, string>, auth?: readonly [string, string]) =>
  postForm(server.endpoint('co', 'token'), form, auth && { auth });
const login = async (more: Record<string, string> = {}) =>
  (await token({ grant_type: 'password', client_id: 'app', ...bert, ...more })).json;
const introspect = async (value: string) =>
  (await postForm(server.endpoint('co', 'token/introspect'), { token: value }, { auth: svc })).json;
const refresh = async (value: string, more: Record<string, string> = {}) =>
  (await token({ grant_type: 'refresh_token', client_id: 'app', refresh_token: value, ...more })).json;

describe('a permission that a role has lost', () => {
  it('is gone from living access tokens, of people and of clients', async () => {
    const mine = await login();
    const theirs = (await token({ grant_type: 'client_credentials' }, svc)).json;
    expect([mine.scope, theirs.scope]).toEqual(Array(2).fill('a:read a:write payments:approve'));

    await rolesAre(narrower);

    const said = await Promise.all([mine, theirs].map(({ access_token }) => introspect(access_token)));
    expect(said).toMatchObject(Array(2).fill({ active: true, scope: 'a:read a:write' }));
  });

  it('is gone from living JWTs at introspection', async () => {
    const { access_token } = await login({ resource: 'https://jwt.co.test' });
    expect((await introspect(access_token)).scope).toBe('pay');

    await rolesAre(narrower);

    expect(await introspect(access_token)).toMatchObject({ active: true, scope: '' });
  });

  it('is gone from what is refreshed', async () => {
    const first = await login({ scope: 'openid a:read payments:approve offline_access' });
    const signed = await login({ resource: 'https://jwt.co.test' });
    await rolesAre(narrower);

    const second = await refresh(first.refresh_token);
    const third = await refresh(second.refresh_token, { scope: 'a:read payments:approve' });
    const jwt = await refresh(signed.refresh_token);

    expect([second.scope, third.scope]).toEqual(['openid offline_access a:read', 'a:read']);
    expect(await introspect(third.access_token)).toMatchObject({ active: true, scope: 'a:read' });
    expect(decodeJwt(jwt.access_token)['scope'] ?? '').toBe('');
  });

  it('is gone from refresh tokens at introspection by their own client', async () => {
    const app = ['own', 'own-secret-own-secret'] as const;
    const [id, secret] = app;
    await server.services.registry.createClient('co', {
      id,
      secret,
      grants: ['password', 'refresh_token'],
      firstParty: true,
    });
    const { refresh_token } = (await token({ grant_type: 'password', ...bert }, app)).json;
    await rolesAre(narrower);

    const { json } = await postForm(
      server.endpoint('co', 'token/introspect'),
      { token: refresh_token },
      { auth: app },
    );

    expect(json).toMatchObject({ active: true, scope: 'a:read a:write' });
  });

  it('is gone from a code that is redeemed afterwards', async () => {
    const params = { scope: 'openid a:read payments:approve' };
    const { view, pkce } = await walk(server, { realm: 'co', clientId: 'web', person: bert, params });
    const code = new URL(view.location ?? '').searchParams.get('code') ?? '';
    await rolesAre(narrower);

    const { json } = await token({
      grant_type: 'authorization_code',
      client_id: 'web',
      code,
      redirect_uri: callback,
      code_verifier: pkce.verifier,
    });

    expect(json.scope).toBe('openid a:read');
  });

  it('is gone at our own doors', async () => {
    const { access_token } = await login({ resource: 'urn:daypass:admin' });
    const list = () =>
      fetch(`${server.issuer('co')}/guest-tokens?tenant=blue`, {
        headers: { authorization: `Bearer ${access_token}` },
      });
    expect((await list()).status).toBe(200);

    await rolesAre(narrower);

    expect((await list()).status).toBe(403);
  });

  it('comes back with the role', async () => {
    const { access_token } = await login();
    await rolesAre(narrower);
    await rolesAre(boss);

    expect((await introspect(access_token)).scope).toBe('a:read a:write payments:approve');
  });
});

describe('a role that is included no more', () => {
  it('gives nothing to living tokens', async () => {
    const { access_token, refresh_token } = await login();

    await rolesAre({ ...boss, includes: [] });

    expect((await introspect(access_token)).scope).toBe('a:write payments:approve');
    expect((await refresh(refresh_token)).scope).toBe('a:write payments:approve');
  });
});
