/** A `DPoP` header at the JSON API: what is minted is bound to the key that it proves (RFC 9449 §4.3). */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sha256 } from '../../src/base/hash.ts';
import { postForm } from '../support/http.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import {
  call,
  grant,
  guestRealm,
  introspect,
  mintGuest,
  ownApiToken,
  type ProofKey,
  portal,
  proof,
  proofKey,
} from './guest-support.ts';

describe('a proof at the JSON API', () => {
  let server: TestServer;
  let key: ProofKey;
  beforeAll(async () => {
    key = await proofKey();
    server = await startTestServer({ realms: [guestRealm()] });
  });
  afterAll(() => server?.stop());

  const proven = async (path = '/guest-tokens', claims: object = {}, one = key) => ({
    DPoP: await proof(one, { htm: 'POST', htu: `${server.issuer('acme')}${path}`, ...claims }),
  });
  const boundTo = async (token: string) => (await introspect(server, token)).json.cnf;

  it('binds the token, for a client by its secret or by a token of its own', async () => {
    const authorization = `Bearer ${await ownApiToken(server)}`;
    const answers = [
      await mintGuest(server, grant(), { headers: await proven() }),
      await mintGuest(server, grant(), { headers: { ...(await proven()), authorization } }),
    ];

    for (const { status, json } of answers) {
      expect([status, json.token_type]).toEqual([201, 'DPoP']);
      expect(await boundTo(json.token)).toEqual({ jkt: key.jkt });
    }
  });

  it('binds it to the key of the token that the client calls with', async () => {
    const htu = server.endpoint('acme', 'token');
    const headers = { DPoP: await proof(key, { htm: 'POST', htu }) };
    const form = { grant_type: 'client_credentials', resource: 'urn:daypass:admin' };
    const own = await postForm(htu, form, { auth: portal, headers });
    const token = own.json.access_token;

    const { status, json } = await mintGuest(server, grant(), {
      headers: { ...(await proven(undefined, { ath: sha256(token) })), authorization: `DPoP ${token}` },
    });

    expect([status, json.token_type]).toEqual([201, 'DPoP']);
    expect(await boundTo(json.token)).toEqual({ jkt: key.jkt });
  });

  it('binds every token of a batch', async () => {
    const body = { tokens: [grant(), grant()] };

    const { json } = await call(server, 'POST', '/guest-tokens/batch', body, {
      headers: await proven('/guest-tokens/batch'),
    });

    const bound = json.results.map(({ token }: { token: string }) => boundTo(token));
    expect(await Promise.all(bound)).toEqual([{ jkt: key.jkt }, { jkt: key.jkt }]);
  });

  it.each<[string, () => Promise<Record<string, string>>]>([
    ['for another address', () => proven('/guest-tokens/batch')],
    ['for another method', () => proven(undefined, { htm: 'GET' })],
    ['without an id of its own', () => proven(undefined, { jti: undefined })],
    ['none at all', async () => ({ DPoP: 'x' })],
  ])('is refused when it is %s', async (_what, headers) => {
    const answer = await mintGuest(server, grant(), { headers: await headers() });

    expect(answer).toMatchObject({ status: 400, json: { code: 'invalid_request' } });
  });

  it('is good once, and must be of the key that the body names', async () => {
    const headers = await proven();
    const first = await mintGuest(server, grant(), { headers });
    const second = await mintGuest(server, grant(), { headers });
    const clash = await mintGuest(server, grant({ binding: { key: { jkt: (await proofKey()).jkt } } }), {
      headers: await proven(),
    });

    expect([first.status, second.status, clash.status]).toEqual([201, 400, 400]);
  });

  it('is part of what an Idempotency-Key stands for', async () => {
    const id = { 'Idempotency-Key': randomUUID() };
    const by = async (one: ProofKey) =>
      mintGuest(server, grant(), { headers: { ...id, ...(await proven(undefined, {}, one)) } });
    const [first, again] = [await by(key), await by(key)];

    expect(again.json).toEqual(first.json);
    expect((await by(await proofKey())).status).toBe(409);
    expect((await mintGuest(server, grant(), { headers: id })).status).toBe(409);
  });

  it('is not for an opener, which the browser binds that redeems it', async () => {
    const path = '/guest-tokens/openers';

    const answer = await call(server, 'POST', path, grant(), { headers: await proven(path) });

    expect(answer).toMatchObject({ status: 400, json: { code: 'invalid_request' } });
  });
});
