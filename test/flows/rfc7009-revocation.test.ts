/** RFC 7009: tokens of every format, by their own client, at once; and nobody is told whether there was anything. */
import * as client from 'openid-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { get, postForm } from '../support/http.ts';
import { acme, engine, gateway, george, warehouse } from '../support/realms.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

let server: TestServer;
beforeAll(async () => {
  const jwtOnly = acme().apis.map((api) => ({ ...api, tokens: { format: 'jwt', alg: 'RS256' } }));
  server = await startTestServer({
    realms: [acme({ name: 'strict' }), acme({ name: 'keycloak', profile: 'keycloak', apis: jwtOnly })],
  });
});
afterAll(() => server?.stop());

describe.each(['strict', 'keycloak'])('in a %s realm', (realm) => {
  const token = async (form: Record<string, string>, auth?: readonly [string, string]) =>
    (await postForm(server.endpoint(realm, 'token'), form, auth && { auth })).json;
  const revoke = (form: Record<string, string>, auth?: readonly [string, string]) =>
    postForm(server.endpoint(realm, 'revoke'), form, auth && { auth });
  const isActive = async (value: string): Promise<boolean> =>
    (await postForm(server.endpoint(realm, 'token/introspect'), { token: value }, { auth: gateway })).json
      .active;
  const userinfo = async (value: string): Promise<number> =>
    (await get(server.endpoint(realm, 'userinfo'), { authorization: `Bearer ${value}` })).status;
  const refresh = (refresh_token: string) =>
    postForm(server.endpoint(realm, 'token'), {
      grant_type: 'refresh_token',
      client_id: 'dc-ui',
      refresh_token,
    });

  it('kills an access token at introspection and userinfo at once, and leaves the rest of the login', async () => {
    const login = await token({ ...george, scope: 'openid' });
    expect([await isActive(login.access_token), await userinfo(login.access_token)]).toEqual([true, 200]);

    const answer = await revoke({ client_id: 'dc-ui', token: login.access_token });

    expect(answer.status).toBe(200);
    expect([await isActive(login.access_token), await userinfo(login.access_token)]).toEqual([false, 401]);
    expect(await refresh(login.refresh_token)).toMatchObject({ status: 200 });
  });

  it.each([{}, { resource: warehouse }])('kills a service token (%o)', async (resource) => {
    const { access_token } = await token({ grant_type: 'client_credentials', ...resource }, engine);

    await revoke({ token: access_token, token_type_hint: 'refresh_token' }, engine);

    expect(await isActive(access_token)).toBe(false);
  });

  it('takes the whole grant with a refresh token', async () => {
    const login = await token({ ...george, scope: 'openid' });
    const refreshed = (await refresh(login.refresh_token)).json;

    await revoke({ client_id: 'dc-ui', token: refreshed.refresh_token });

    expect(await Promise.all([login, refreshed].map(({ access_token }) => isActive(access_token)))).toEqual([
      false,
      false,
    ]);
    expect(await userinfo(refreshed.access_token)).toBe(401);
    expect(await refresh(refreshed.refresh_token)).toMatchObject({
      status: 400,
      json: { error: 'invalid_grant' },
    });
  });

  it('answers the same to everything: own, spent, made up, somebody else’s', async () => {
    const login = await token({ ...george, scope: 'openid' });
    const service = await token({ grant_type: 'client_credentials' }, engine);
    const own = { client_id: 'dc-ui', token: login.access_token };

    const answers = [
      await revoke({ client_id: 'dc-ui', token: service.access_token }),
      await revoke({ client_id: 'dc-ui', token: 'made-up' }),
      await revoke(own),
      await revoke(own),
    ];

    for (const { status, text, headers } of answers) {
      expect([status, text]).toEqual([200, '{}']);
      expect(headers.get('content-type')).toMatch(/^application\/json/);
      expect(headers.get('cache-control')).toBe('no-store');
    }
    expect(await isActive(service.access_token)).toBe(true);
  });

  it("leaves another client's refresh token alone", async () => {
    const login = await token({ ...george, scope: 'openid' });

    await revoke({ token: login.refresh_token }, engine);

    expect(await isActive(login.access_token)).toBe(true);
    expect(await refresh(login.refresh_token)).toMatchObject({ status: 200 });
  });

  it('asks who is there', async () => {
    const { access_token } = await token({ grant_type: 'client_credentials' }, engine);

    const answers = [
      await revoke({ token: access_token, client_id: 'ds-engine' }),
      await revoke({ token: access_token }, ['ds-engine', 'not-the-secret']),
      await revoke({ token: access_token }, ['nobody', 'nobody-secret']),
    ];
    const nothing = await revoke({}, engine);

    expect(answers.map(({ status, json }) => [status, json.error])).toEqual(
      answers.map(() => [401, 'invalid_client']),
    );
    expect(nothing).toMatchObject({ status: 400, json: { error: 'invalid_request' } });
    expect(await isActive(access_token)).toBe(true);
  });

  it('serves openid-client', async () => {
    const config = await client.discovery(new URL(server.issuer(realm)), 'dc-ui', undefined, client.None(), {
      execute: [client.allowInsecureRequests],
    });
    const { username, password } = george;
    const login = await client.genericGrantRequest(config, 'password', {
      username,
      password,
      scope: 'openid',
    });

    await client.tokenRevocation(config, login.refresh_token ?? '');

    expect(await isActive(login.access_token)).toBe(false);
    await expect(client.refreshTokenGrant(config, login.refresh_token ?? '')).rejects.toMatchObject({
      error: 'invalid_grant',
    });
  });
});
