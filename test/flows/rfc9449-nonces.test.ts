/** RFC 9449 §8: a browser whose clock is wrong is given a nonce, at every address that takes a proof. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sha256 } from '../../src/base/hash.ts';
import { basic } from '../support/http.ts';
import { type ClientKey, dpopProof, newKey } from '../support/proofs.ts';
import { george } from '../support/realms.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { call, detail, EXCHANGE, grant, guestRealm, introspect, ownToken, session } from './guest-support.ts';

const bound = ['bound', 'bound-secret'] as const;

let server: TestServer;
let key: ClientKey;
beforeAll(async () => {
  key = await newKey();
  const client = {
    id: 'bound',
    secret: 'bound-secret',
    grants: ['client_credentials'],
    mints: { types: ['dashboard'], actions: ['view'] },
  };
  server = await startTestServer({ realms: [guestRealm({}, { clients: [client] })] });
});
afterAll(() => server?.stop());

const now = () => Math.floor(Date.now() / 1000);
const realmUrl = (path: string) => `${server.issuer('acme')}${path}`;
const form = (fields: Record<string, string>) => new URLSearchParams(fields);

type Claims = Record<string, unknown>;
/** A request to one address, whose proof has these claims beside those that the address asks for. */
type Request = {
  readonly url: string;
  readonly token?: string;
  readonly method?: string;
  readonly init: RequestInit;
};
type Sender = { send(claims: Claims): Promise<{ status: number; headers: Headers; error: unknown }> };

function senderOf({ url, token, method = 'POST', init }: Request): Sender {
  return {
    async send(claims) {
      const dpop = await dpopProof(key, { url, method, claims, ...(token === undefined ? {} : { token }) });
      const response = await fetch(url, { ...init, method, headers: { ...init.headers, dpop } });
      const body = await response.text();
      const { error, code } = body === '' ? {} : JSON.parse(body);
      return { status: response.status, headers: response.headers, error: error ?? code };
    },
  };
}

const token = () => realmUrl('/protocol/openid-connect/token');

async function opener(): Promise<Request> {
  const { json } = await call(server, 'POST', '/guest-tokens/openers', grant());
  return { url: json.url, init: {} };
}

async function guestRefresh(): Promise<Request> {
  const body = grant({ lifetime: { ttl: 60, refresh: { allowed: true } } });
  const { json } = await call(server, 'POST', '/guest-tokens/openers', body);
  const dpop = await dpopProof(key, { url: json.url });
  const opened = await (await fetch(json.url, { method: 'POST', headers: { dpop } })).json();
  const fields = { grant_type: 'refresh_token', refresh_token: opened.refresh_token };
  return { url: token(), init: { body: form(fields) } };
}

async function guestExchange(): Promise<Request> {
  const fields = {
    grant_type: EXCHANGE,
    subject_token: await ownToken(server),
    subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    authorization_details: JSON.stringify([detail(), session()]),
  };
  return {
    url: token(),
    init: { headers: { authorization: basic(['portal', 'portal-secret']) }, body: form(fields) },
  };
}

async function boundToken(): Promise<string> {
  const dpop = await dpopProof(key, { url: token() });
  const headers = { authorization: basic(bound), dpop };
  const fields = form({ grant_type: 'client_credentials', resource: 'urn:daypass:admin' });
  return (await (await fetch(token(), { method: 'POST', headers, body: fields })).json()).access_token;
}

async function ownCall(): Promise<Request> {
  const value = await boundToken();
  const headers = { authorization: `DPoP ${value}`, 'content-type': 'application/json' };
  return {
    url: realmUrl('/guest-tokens'),
    token: value,
    init: { headers, body: JSON.stringify(mintable()) },
  };
}

const mintable = () =>
  grant({ resources: [{ type: 'dashboard', id: 'dash-1', actions: ['view'], rows: 'all' }] });

async function mint(): Promise<Request> {
  const headers = { authorization: basic(bound), 'content-type': 'application/json' };
  return { url: realmUrl('/guest-tokens'), init: { headers, body: JSON.stringify(mintable()) } };
}

async function userinfo(): Promise<Request> {
  const dpop = await dpopProof(key, { url: token() });
  const login = await fetch(token(), {
    method: 'POST',
    headers: { dpop },
    body: form({ ...george, scope: 'openid' }),
  });
  const value = (await login.json()).access_token;
  const headers = { authorization: `DPoP ${value}` };
  const url = realmUrl('/protocol/openid-connect/userinfo');
  return { url, method: 'GET', token: value, init: { headers } };
}

const addresses: readonly [name: string, make: () => Promise<Request>][] = [
  ['an opener', opener],
  ['a refresh by the holder of a guest token', guestRefresh],
  ['a token exchange', guestExchange],
  ['the password grant', async () => ({ url: token(), init: { body: form(george) } })],
  [
    'client_credentials, which the library answers',
    async () => ({
      url: token(),
      init: { headers: { authorization: basic(bound) }, body: form({ grant_type: 'client_credentials' }) },
    }),
  ],
  ['userinfo', userinfo],
  ['the JSON API, for a new token', mint],
  ['the JSON API, called with a bound token', ownCall],
];

describe.each(addresses)('%s', (_name, make) => {
  it.each([-4000, 4000])(
    'takes a proof of a clock that is off by %i s with the nonce of its answer',
    async (off) => {
      const { send } = senderOf(await make());

      const stale = await send({ iat: now() + off });
      const nonce = stale.headers.get('dpop-nonce') ?? '';
      const repeated = await send({ iat: now() + off, nonce });

      expect([400, 401]).toContain(stale.status);
      const challenge = stale.headers.get('www-authenticate') ?? '';
      expect(`${stale.error} ${challenge}`).toContain('use_dpop_nonce');
      expect(nonce).toMatch(/^[\w-]{43}$/);
      expect([200, 201]).toContain(repeated.status);
    },
  );

  it('asks for another nonce when it did not issue this one', async () => {
    const { send } = senderOf(await make());

    const answer = await send({ nonce: 'A'.repeat(43) });

    const challenge = answer.headers.get('www-authenticate') ?? '';
    expect(`${answer.error} ${challenge}`).toContain('use_dpop_nonce');
    expect(answer.headers.get('dpop-nonce')).not.toBeNull();
  });

  it('takes a clock that is off by less than a minute as it is', async () => {
    const { send } = senderOf(await make());

    expect([200, 201]).toContain((await send({ iat: now() + 50 })).status);
  });
});

describe('a proof with a nonce', () => {
  it('counts once, however far its time is from ours', async () => {
    const request = await mint();
    const nonce = (await senderOf(request).send({ iat: 1 })).headers.get('dpop-nonce');
    const claims = { iat: now() - 90_000, jti: 'the-only-one', nonce };

    const first = await senderOf(request).send(claims);
    const second = await senderOf(request).send(claims);

    expect([first.status, second.status]).toEqual([201, 400]);
  });

  it('holds at every address: ours and those of the library', async () => {
    const fromLibrary = (await senderOf(await userinfo()).send({ iat: 1 })).headers.get('dpop-nonce');
    const fromUs = (await senderOf(await mint()).send({ iat: 1 })).headers.get('dpop-nonce');

    expect((await senderOf(await mint()).send({ iat: 1, nonce: fromLibrary })).status).toBe(201);
    expect((await senderOf(await userinfo()).send({ iat: 1, nonce: fromUs })).status).toBe(200);
  });

  it('is told to pages of other origins', async () => {
    const { url, init } = await opener();
    const dpop = await dpopProof(key, { url, claims: { iat: 1 } });

    const answer = await fetch(url, {
      ...init,
      method: 'POST',
      headers: { dpop, origin: 'https://app.acme.test' },
    });

    expect(answer.headers.get('access-control-expose-headers')).toContain('DPoP-Nonce');
  });
});

describe('introspection of a proof', () => {
  const seen = { htm: 'GET', htu: 'https://bi.acme.test/data' };

  async function asked(claims: Claims, by = key) {
    const { url } = await mint();
    const headers = { DPoP: await dpopProof(key, { url }) };
    const { json } = await call(server, 'POST', '/guest-tokens', mintable(), { auth: bound, headers });
    const dpop = await dpopProof(by, {
      url: seen.htu,
      method: seen.htm,
      claims: { ath: sha256(json.token), ...claims },
    });
    return (await introspect(server, json.token, { ...seen, dpop })).json;
  }

  it('gives the resource server a nonce for the browser where only the time is wrong', async () => {
    const stale = await asked({ iat: now() + 3600 });

    expect(stale).toEqual({
      active: false,
      guest_reason: 'use_dpop_nonce',
      dpop_nonce: expect.stringMatching(/^[\w-]{43}$/),
    });
    expect(await asked({ iat: now() + 3600, nonce: stale.dpop_nonce })).toMatchObject({ active: true });
  });

  it('leaves a nonce of the resource server to the resource server', async () => {
    expect(await asked({ nonce: 'of-the-resource-server' })).toMatchObject({ active: true });
  });

  it('tells a wrong key from a wrong clock', async () => {
    expect(await asked({ iat: now() + 3600 }, await newKey())).toEqual({
      active: false,
      guest_reason: 'key_mismatch',
    });
  });
});
