/** Logout by a client's back end: no cookie, and an ID token that names the session (OIDC RP-Initiated Logout §2). */
import { decodeJwt } from 'jose';
import { describe, expect, it } from 'vitest';
import { obtain } from '../support/authorization.ts';
import { get, postForm } from '../support/http.ts';
import { useServer } from '../support/use-server.ts';
import { browserRealm } from './oidc-realm.ts';

const server = useServer({ realms: [browserRealm(), browserRealm({ name: 'kc', profile: 'keycloak' })] });

const SIGNED_OUT = /You are signed out/;
const logout = (realm: string, params: Record<string, string>) =>
  get(`${server.endpoint(realm, 'logout')}?${new URLSearchParams(params)}`, { accept: 'text/html' });
const isAlive = async (realm: string, clientId: string, token: string) =>
  (
    await postForm(server.endpoint(realm, 'token'), {
      grant_type: 'refresh_token',
      client_id: clientId,
      refresh_token: token,
    })
  ).status === 200;

describe.each(['acme', 'kc'])('in realm %s a hint without a cookie', (realm) => {
  it.each(['app', 'pairwise'])('ends the session of %s that it names', async (clientId) => {
    const other = (await obtain(server, { realm, clientId })).json;
    const { id_token: idToken, refresh_token: refreshToken } = (await obtain(server, { realm, clientId }))
      .json;

    const answer = await logout(realm, { id_token_hint: idToken });

    expect([answer.status, SIGNED_OUT.test(answer.text)]).toEqual([200, true]);
    expect(await isAlive(realm, clientId, refreshToken)).toBe(false);
    expect(await isAlive(realm, clientId, other.refresh_token)).toBe(true);
    expect(SIGNED_OUT.test((await logout(realm, { id_token_hint: idToken })).text)).toBe(true);
  });

  it('whose signature is wrong ends nothing', async () => {
    const { id_token: idToken, refresh_token: refreshToken } = (await obtain(server, { realm })).json;
    const [head, , signature] = idToken.split('.');
    const claims = Buffer.from(JSON.stringify({ ...decodeJwt(idToken), x: 1 })).toString('base64url');

    const answer = await logout(realm, { id_token_hint: `${head}.${claims}.${signature}` });

    expect([answer.status, SIGNED_OUT.test(answer.text)]).toEqual([400, false]);
    expect(await isAlive(realm, 'app', refreshToken)).toBe(true);
  });
});

it('claims nothing for a hint that names no session', async () => {
  const { keyRing } = server.services;
  const keys = await keyRing.keysOf('acme', ['RS256']);
  const { signJwt } = await import('../../src/keys/sign-jwt.ts');
  const jwk = keys.jwks.find(({ alg }) => alg === 'RS256') ?? { kty: '' };
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: server.issuer('acme'), aud: 'app', sub: 'x', iat: now, exp: now + 60 };
  const hints = [
    await signJwt(jwk, 'JWT', claims),
    await signJwt(jwk, 'JWT', { ...claims, sid: 'not-one-of-ours' }),
  ];

  for (const hint of hints) {
    const answer = await logout('acme', { id_token_hint: hint });
    expect([answer.status, SIGNED_OUT.test(answer.text)]).toEqual([400, false]);
  }
});

describe('after the keys were taken away, an older hint', () => {
  const withdraw = async () => {
    const { json, visitor } = await obtain(server);
    await server.services.keyRing.rotate('acme', { now: true });
    return { hint: json.id_token, refreshToken: json.refresh_token, visitor };
  };

  it('has the person asked, who can then sign out', async () => {
    const { hint, refreshToken, visitor } = await withdraw();
    const url = `${server.endpoint('acme', 'logout')}?${new URLSearchParams({ id_token_hint: hint })}`;

    const page = await visitor.open(url);

    expect([page.status, SIGNED_OUT.test(page.text)]).toEqual([200, false]);
    expect(await isAlive('acme', 'app', refreshToken)).toBe(true);
    const done = await visitor.submit(page, { logout: 'yes' }, '/confirm');
    expect(SIGNED_OUT.test(done.text)).toBe(true);
    expect(await isAlive('acme', 'app', refreshToken)).toBe(false);
  });

  it('ends nothing without a cookie, and nothing is claimed', async () => {
    const { hint, refreshToken } = await withdraw();

    const answer = await logout('acme', { id_token_hint: hint });

    expect([answer.status, SIGNED_OUT.test(answer.text)]).toEqual([400, false]);
    expect(await isAlive('acme', 'app', refreshToken)).toBe(true);
  });

  it('of another issuer stays one that cannot be read', async () => {
    const { hint } = await withdraw();
    const [head, , signature] = hint.split('.');
    const claims = Buffer.from(JSON.stringify({ iss: 'https://other.example', aud: 'app' })).toString(
      'base64url',
    );

    const answer = await logout('acme', { id_token_hint: `${head}.${claims}.${signature}` });

    expect(answer.status).toBe(400);
  });
});
