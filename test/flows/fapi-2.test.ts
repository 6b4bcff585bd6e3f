/** FAPI 2.0 Security Profile for a client with `fapi: true`: what it must do, and what is refused. */
import { randomUUID } from 'node:crypto';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { postForm } from '../support/http.ts';
import { acme, gateway } from '../support/realms.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

type Key = Awaited<ReturnType<typeof generateKeyPair>>['privateKey'];

let server: TestServer;
let key: Key;
let rsaKey: Key;

beforeAll(async () => {
  const pair = await generateKeyPair('ES256', { extractable: true });
  const rsa = await generateKeyPair('RS256', { extractable: true });
  key = pair.privateKey;
  rsaKey = rsa.privateKey;
  const jwks = {
    keys: [
      { ...(await exportJWK(pair.publicKey)), kid: 'ec', alg: 'ES256', use: 'sig' },
      { ...(await exportJWK(rsa.publicKey)), kid: 'rsa', alg: 'RS256', use: 'sig' },
    ],
  };
  const bank = {
    id: 'bank',
    fapi: true,
    firstParty: true,
    tokenEndpointAuthMethod: 'private_key_jwt',
    jwks,
    grants: ['authorization_code', 'client_credentials', 'refresh_token'],
    redirectUris: ['https://bank.example/cb'],
    roles: ['engine'],
  };
  server = await startTestServer({ realms: [acme({ clients: [...acme().clients, bank] })] });
});
afterAll(() => server?.stop());

type Assertion = { readonly aud?: string | readonly string[]; readonly alg?: 'ES256' | 'RS256' };

async function proveClient({ aud = server.issuer('acme'), alg = 'ES256' }: Assertion = {}) {
  const client_assertion = await new SignJWT({ aud: typeof aud === 'string' ? aud : [...aud] })
    .setProtectedHeader({ alg, kid: alg === 'ES256' ? 'ec' : 'rsa' })
    .setIssuer('bank')
    .setSubject('bank')
    .setJti(randomUUID())
    .setIssuedAt()
    .setExpirationTime('1m')
    .sign(alg === 'ES256' ? key : rsaKey);
  return {
    client_assertion,
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
  };
}

async function proof(address: string): Promise<Record<string, string>> {
  const pair = await generateKeyPair('ES256', { extractable: true });
  const dpop = await new SignJWT({ htm: 'POST', htu: address })
    .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk: await exportJWK(pair.publicKey) })
    .setJti(randomUUID())
    .setIssuedAt()
    .sign(pair.privateKey);
  return { dpop };
}

const tokenUrl = () => server.endpoint('acme', 'token');
const ask = async (assertion: Assertion, headers: Record<string, string> = {}) =>
  postForm(tokenUrl(), { grant_type: 'client_credentials', ...(await proveClient(assertion)) }, { headers });

describe('a FAPI 2.0 client', () => {
  it('gets sender-constrained tokens', async () => {
    const answer = await ask({}, await proof(tokenUrl()));

    expect(answer).toMatchObject({ status: 200, json: { token_type: 'DPoP' } });
    const asked = await postForm(
      `${tokenUrl()}/introspect`,
      { token: answer.json.access_token },
      { auth: gateway },
    );
    expect(asked.json).toMatchObject({ active: true, cnf: { jkt: expect.any(String) } });
  });

  it('gets no token without a proof of its key', async () => {
    expect(await ask({})).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
  });

  it.each<[string, Assertion]>([
    ['signed with RS256', { alg: 'RS256' }],
    ['for the token endpoint', { aud: 'token endpoint' }],
    ['with the issuer in a list', { aud: ['issuer'] }],
  ])('is not known by an assertion %s', async (_name, assertion) => {
    const issuer = server.issuer('acme');
    const aud = assertion.aud === 'token endpoint' ? tokenUrl() : [issuer];
    const sent = assertion.aud === undefined ? assertion : { aud };

    const answer = await ask(sent, await proof(tokenUrl()));

    expect(answer).toMatchObject({ status: 401, json: { error: 'invalid_client' } });
  });

  it('must push its authorization requests', async () => {
    const query = new URLSearchParams({
      client_id: 'bank',
      response_type: 'code',
      redirect_uri: 'https://bank.example/cb',
      scope: 'openid',
      code_challenge: 'x'.repeat(43),
      code_challenge_method: 'S256',
    });

    const answer = await fetch(`${server.endpoint('acme', 'auth')}?${query}`, { redirect: 'manual' });

    const address = new URL(answer.headers.get('location') ?? '');
    expect(address.searchParams.get('error')).toBe('invalid_request');
    expect(address.searchParams.get('iss')).toBe(server.issuer('acme'));
  });

  it('gets a request_uri for less than ten minutes', async () => {
    const url = server.endpoint('acme', 'ext/par/request');
    const form = {
      client_id: 'bank',
      ...(await proveClient()),
      response_type: 'code',
      redirect_uri: 'https://bank.example/cb',
      scope: 'openid',
      code_challenge: 'x'.repeat(43),
      code_challenge_method: 'S256',
    };

    const answer = await postForm(url, form, { headers: await proof(url) });

    expect(answer.status).toBe(201);
    expect(answer.json.expires_in).toBeLessThan(600);
  });
});
