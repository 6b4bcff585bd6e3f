/** Guest assertions: who they may name, and that they are no other JWT of the same client. */
import { randomUUID } from 'node:crypto';
import { SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { postForm } from '../support/http.ts';
import { assertionType, type ClientKey, clientAssertion, newKey } from '../support/proofs.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { detail, EXCHANGE, guestRealm, introspect, JWT, mints } from './guest-support.ts';

const seconds = () => Math.floor(Date.now() / 1000);

describe('a guest assertion', () => {
  let server: TestServer;
  let key: ClientKey;

  beforeAll(async () => {
    key = await newKey();
    const signer = {
      id: 'signer',
      grants: ['client_credentials', EXCHANGE],
      jwks: { keys: [key.publicJwk] },
      tokenEndpointAuthMethod: 'private_key_jwt',
      mints,
    };
    server = await startTestServer({ realms: [guestRealm({}, { clients: [signer] })] });
  });
  afterAll(() => server?.stop());

  const assertion = (claims: Record<string, unknown> = {}): Promise<string> => {
    const now = Math.floor(Date.now() / 1000);
    return new SignJWT({
      iss: 'signer',
      aud: server.issuer('acme'),
      sub: 'u_7',
      tenant: 'red',
      jti: randomUUID(),
      iat: now,
      exp: now + 60,
      ...claims,
    })
      .setProtectedHeader({ alg: 'ES256' })
      .sign(key.privateKey);
  };
  const authentication = async (value?: string) => ({
    client_id: 'signer',
    client_assertion_type: assertionType,
    client_assertion: value ?? (await clientAssertion(key, 'signer', server.issuer('acme'))),
  });
  const exchanged = async (subject: string) =>
    postForm(server.endpoint('acme', 'token'), {
      grant_type: EXCHANGE,
      subject_token: subject,
      subject_token_type: JWT,
      authorization_details: JSON.stringify([detail()]),
      ...(await authentication()),
    });

  it('names a guest as every other door does', async () => {
    const tenant = 'é'.repeat(128);
    const { json } = await exchanged(await assertion({ tenant }));

    expect((await introspect(server, json.access_token)).json).toMatchObject({ tenant, guest_id: 'u_7' });
  });

  it.each<[string, Record<string, unknown>]>([
    ['a control character in sub', { sub: 'a\nb' }],
    ['NUL in sub', { sub: 'a\0b' }],
    ['a lone surrogate in tenant', { tenant: 'a\ud800' }],
    ['a tenant of 258 bytes', { tenant: 'é'.repeat(129) }],
    ['an empty tenant', { tenant: '' }],
    ['the client as its guest', { sub: 'signer' }],
    ['a time of issue to come', { iat: Math.floor(Date.now() / 1000) + 100 }],
  ])('is refused with %s', async (_what, claims) => {
    expect(await exchanged(await assertion(claims))).toMatchObject({
      status: 400,
      json: { error: 'invalid_request' },
    });
  });

  it.each<[string, () => Record<string, unknown>, string]>([
    ['a fast clock', () => ({ iat: seconds() + 100 }), 'has an iat in the future: the clocks differ'],
    ['a life that is over', () => ({ iat: seconds() - 200, exp: seconds() - 100 }), 'is expired'],
    ['too long a life', () => ({ exp: seconds() + 400 }), 'lives longer than 300 s'],
    ['no jti', () => ({ jti: undefined }), 'lacks a fitting jti'],
    ['no tenant', () => ({ tenant: undefined }), 'lacks a fitting tenant'],
    ['no end', () => ({ exp: undefined }), 'lacks a fitting exp'],
    ['another audience', () => ({ aud: 'https://other.test' }), 'lacks a fitting aud'],
    ['another issuer', () => ({ iss: 'other' }), 'lacks a fitting iss'],
  ])('is refused for %s, and says so to the client that signed it', async (_what, claims, reason) => {
    const { status, json } = await exchanged(await assertion(claims()));

    expect([status, json.error]).toEqual([400, 'invalid_request']);
    expect(json.error_description).toContain(`subject_token ${reason}`);
  });

  it('says that it was used before, and of a foreign signature nothing', async () => {
    const value = await assertion();
    await exchanged(value);
    const stranger = await clientAssertion(await newKey(), 'signer', server.issuer('acme'), {
      tenant: 'red',
    });

    const [again, foreign] = [await exchanged(value), await exchanged(stranger)];

    expect(again.json.error_description).toBe('subject_token has a jti that was used before');
    expect(foreign.json.error_description).toBe('subject_token is not active or not yours to exchange');
  });

  it('does not authenticate the client that it names, nor is what does that a guest', async () => {
    const login = { grant_type: 'client_credentials' };
    const token = server.endpoint('acme', 'token');
    const asClient = await postForm(token, {
      ...login,
      ...(await authentication(await assertion({ sub: 'signer' }))),
    });
    const asGuest = await exchanged(await clientAssertion(key, 'signer', server.issuer('acme')));
    const own = await postForm(token, { ...login, ...(await authentication()) });

    expect(asClient).toMatchObject({ status: 401, json: { error: 'invalid_client' } });
    expect(asGuest).toMatchObject({ status: 400, json: { error: 'invalid_request' } });
    expect(own.status).toBe(200);
  });
});
