/** Tokens that are bound to a key or a certificate are exchanged by who holds it, and by nobody else. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { certificate, otherCertificate, trustLoopback } from '../support/certificates.ts';
import { postForm } from '../support/http.ts';
import { george } from '../support/realms.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import {
  ACCESS_TOKEN,
  detail,
  EXCHANGE,
  exchange,
  grant,
  guestRealm,
  introspect,
  mintGuest,
  mints,
  ownToken,
  type ProofKey,
  proof,
  proofKey,
  session,
} from './guest-support.ts';

const REFUSED = { status: 400, json: { error: 'invalid_request' } };
const sealed = ['sealed', 'sealed-secret'] as const;

let server: TestServer;
let key: ProofKey;
let thief: ProofKey;
beforeAll(async () => {
  [key, thief] = await Promise.all([proofKey(), proofKey()]);
  const grants = ['client_credentials', EXCHANGE];
  const clients = [
    { id: 'sealed', secret: 'sealed-secret', grants, mints, tlsClientCertificateBoundAccessTokens: true },
  ];
  server = await startTestServer({ realms: [guestRealm({}, { clients })], env: trustLoopback });
});
afterAll(() => server?.stop());

const provenBy = async (one: ProofKey) => ({
  DPoP: await proof(one, { htm: 'POST', htu: server.endpoint('acme', 'token') }),
});
const issued = async (form: Record<string, string>, options: object): Promise<string> =>
  (await postForm(server.endpoint('acme', 'token'), form, options)).json.access_token;
const boundOwn = async () =>
  issued(
    { grant_type: 'client_credentials' },
    { auth: ['portal', 'portal-secret'], headers: await provenBy(key) },
  );
const boundGuest = async () =>
  (await mintGuest(server, grant({ binding: { key: { jkt: key.jkt } } }))).json.token;

describe('an exchange of what is bound to a key', () => {
  it.each<[string, () => Promise<string>, unknown]>([
    ["a client's own token", boundOwn, [detail(), session()]],
    ['a guest token', boundGuest, [detail()]],
  ])('takes the proof of that key, and binds to it, what is made of %s', async (_what, token, details) => {
    const subject = await token();
    const by = async (one: ProofKey) => exchange(server, { subject, details, headers: await provenBy(one) });

    expect(await exchange(server, { subject, details })).toMatchObject(REFUSED);
    expect(await by(thief)).toMatchObject(REFUSED);
    const { status, json } = await by(key);
    expect([status, json.token_type]).toEqual([200, 'DPoP']);
    expect((await introspect(server, json.access_token)).json.cnf).toEqual({ jkt: key.jkt });
  });

  it('takes it of an actor too', async () => {
    const more = { actor_token: await boundOwn(), actor_token_type: ACCESS_TOKEN };
    const subject = await ownToken(server);

    expect(await exchange(server, { subject, more })).toMatchObject(REFUSED);
    expect(await exchange(server, { subject, more, headers: await provenBy(thief) })).toMatchObject(REFUSED);
    expect((await exchange(server, { subject, more, headers: await provenBy(key) })).status).toBe(200);
  });

  it('is for the client that the token was issued to', async () => {
    const subject = await issued(george, { headers: await provenBy(key) });
    const details = [detail({ rows: 'all' })];

    const answer = await exchange(server, { subject, details, headers: await provenBy(key) });

    expect(answer).toMatchObject(REFUSED);
  });
});

describe('an exchange of what is bound to a certificate', () => {
  it('takes the same certificate', async () => {
    const own = { 'client-cert': certificate.header };
    const foreign = { 'client-cert': otherCertificate.header };
    const subject = await issued({ grant_type: 'client_credentials' }, { auth: sealed, headers: own });
    const by = (headers: Record<string, string>) => exchange(server, { subject, auth: sealed, headers });

    const answers = [await by({}), await by(foreign), await by(own)];

    expect(answers.map(({ status, json }) => [status, json.error])).toEqual([
      [400, 'invalid_request'],
      [400, 'invalid_request'],
      [200, undefined],
    ]);
  });
});
