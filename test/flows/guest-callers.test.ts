/** Who may call the JSON API of guest tokens: clients as at the token endpoint, or bearers of the right tokens. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sha256 } from '../../src/base/hash.ts';
import { certificate, otherCertificate, trustLoopback } from '../support/certificates.ts';
import { postForm } from '../support/http.ts';
import { george } from '../support/realms.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import {
  call,
  grant,
  guestRealm,
  introspect,
  mintGuest,
  ownToken,
  portal,
  proof,
  proofKey,
} from './guest-support.ts';

describe('callers of the JSON API', () => {
  let server: TestServer;
  const certified = {
    id: 'certified',
    tokenEndpointAuthMethod: 'tls_client_auth',
    tlsClientAuthSubjectDn: certificate.subject,
    mints: { types: ['dashboard'], actions: ['view'] },
  };

  beforeAll(async () => {
    server = await startTestServer({
      env: trustLoopback,
      realms: [guestRealm({}, { clients: [certified] })],
    });
  });
  afterAll(() => server.stop());

  it("takes the client's own access token instead of its secret, and dies with it", async () => {
    const token = await ownToken(server);
    const minted = await mintGuest(server, grant(), { headers: { authorization: `Bearer ${token}` } });
    expect((await introspect(server, minted.json.token)).json.active).toBe(true);

    await revoke(server, token);

    expect((await introspect(server, minted.json.token)).json).toEqual({
      active: false,
      guest_reason: 'revoked',
    });
    const again = await mintGuest(server, grant(), { headers: { authorization: `Bearer ${token}` } });
    expect(again).toMatchObject({ status: 401, json: { code: 'invalid_client' } });
  });

  it.each(['portal', 'nobody'])(
    'holds off who guesses the secret of %s, the right one then too, but no other network',
    async (id) => {
      const by = (secret: string, network: string) =>
        call(server, 'GET', '/guest-tokens', undefined, {
          auth: [id, secret],
          headers: { 'x-forwarded-for': network },
        });
      const guesser = id === 'portal' ? '198.51.100.7' : '198.51.100.8';
      for (let tries = 0; tries < 20; tries += 1) {
        expect((await by(`wrong-${tries}`, guesser)).status).toBe(401);
      }

      const late = await by(portal[1], guesser);

      expect(late).toMatchObject({ status: 429, json: { code: 'too_many_requests' } });
      expect(Number(late.headers.get('retry-after'))).toBeGreaterThan(0);
      expect((await by(portal[1], '203.0.113.7')).status).toBe(id === 'portal' ? 200 : 401);
    },
  );

  it('asks who calls before it looks at what they say', async () => {
    const answer = await mintGuest(server, 'no json', { auth: ['portal', 'wrong'] });

    expect(answer.status).toBe(401);
  });

  it("does not take public clients, other people's tokens, guests or refresh tokens for callers", async () => {
    const guest = (await mintGuest(server)).json.token;
    const user = await userTokens(server);

    for (const token of [guest, user.refresh_token, 'dpa_nobody']) {
      const answer = await mintGuest(server, grant(), { headers: { authorization: `Bearer ${token}` } });
      expect(answer).toMatchObject({ status: 401, json: { code: 'invalid_client' } });
    }
    const byUser = await mintGuest(server, grant(), {
      headers: { authorization: `Bearer ${user.access_token}` },
    });
    expect(byUser).toMatchObject({ status: 403, json: { code: 'access_denied' } });
    const named = await call(server, 'POST', '/guest-tokens?client_id=dc-ui', grant(), {
      headers: { authorization: '' },
    });
    expect(named.status).toBe(401);
  });

  it("takes the client's own token that is bound to a key only with a proof for it", async () => {
    const [key, thief] = [await proofKey(), await proofKey()];
    const htu = server.endpoint('acme', 'token');
    const own = await postForm(
      htu,
      { grant_type: 'client_credentials' },
      { auth: portal, headers: { DPoP: await proof(key, { htm: 'POST', htu }) } },
    );
    const token = own.json.access_token;
    const address = `${server.issuer('acme')}/guest-tokens`;
    const shown = { htm: 'POST', htu: address, ath: sha256(token) };
    const by = async (scheme: string, DPoP?: string) =>
      (
        await mintGuest(server, grant(), {
          headers: { authorization: `${scheme} ${token}`, ...(DPoP === undefined ? {} : { DPoP }) },
        })
      ).status;

    expect(own.json.token_type).toBe('DPoP');
    expect(await by('DPoP', await proof(key, shown))).toBe(201);
    expect(await by('DPoP', await proof(thief, shown))).toBe(401);
    expect(await by('DPoP', await proof(key, { ...shown, ath: sha256('another') }))).toBe(401);
    expect(await by('DPoP', await proof(key, { ...shown, htu: `${address}/batch` }))).toBe(401);
    expect(await by('DPoP')).toBe(401);
    expect(await by('Bearer')).toBe(401);
  });

  it('takes a client certificate for the client that is named', async () => {
    const headers = { authorization: '', 'client-cert': certificate.header };
    const by = async (more: Record<string, string>) =>
      (
        await call(server, 'POST', '/guest-tokens?client_id=certified', grant(), {
          headers: { ...headers, ...more },
        })
      ).status;

    expect(await by({})).toBe(201);
    expect(await by({ 'client-cert': otherCertificate.header })).toBe(401);
    expect(await by({ 'client-cert': '' })).toBe(401);
  });
});

async function revoke(server: TestServer, token: string): Promise<void> {
  await postForm(server.endpoint('acme', 'revoke'), { token }, { auth: portal });
}

async function userTokens(server: TestServer) {
  return (await postForm(server.endpoint('acme', 'token'), george)).json;
}
