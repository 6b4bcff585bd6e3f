/** Token exchange (RFC 8693) as the door to guest tokens: whose token, for what, limited how. */
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { decodeJwt, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, get, postForm } from '../support/http.ts';
import { analytics, george } from '../support/realms.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import {
  ACCESS_TOKEN,
  detail,
  EXCHANGE,
  exchange,
  grant,
  guestRealm,
  ID_TOKEN,
  introspect,
  JWT,
  mintGuest,
  other,
  ownToken,
  proof,
  proofKey,
  session,
} from './guest-support.ts';

const assertionKey = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const jwks = { keys: [{ ...assertionKey.publicKey.export({ format: 'jwk' }), use: 'sig', alg: 'ES256' }] };

describe('token exchange', () => {
  let server: TestServer;
  let user: Record<string, string>;

  const login = async (): Promise<Record<string, string>> =>
    (await postForm(server.endpoint('acme', 'token'), { ...george, scope: 'openid' })).json;

  beforeAll(async () => {
    const base = guestRealm();
    const roles = [...base.roles, { name: 'elsewhere', permissions: ['warehouse:metrics:write'] }];
    const apis = base.apis.map((api) =>
      api.id === 'warehouse' ? { ...api, permissions: [...api.permissions, { name: 'metrics:write' }] } : api,
    );
    const users = base.users.map((one) => ({ ...one, roles: [...one.roles, 'elsewhere'] }));
    const everything = {
      actions: ['view', 'filter', 'edit', 'export:csv'],
      types: ['dashboard', 'metric'],
      subjectsFrom: ['dc-ui'],
    };
    const clients = [
      { id: 'wide', secret: 'wide-secret', grants: ['client_credentials', EXCHANGE], mints: everything },
      { id: 'signer', secret: 'signer-secret', grants: [EXCHANGE], jwks, mints: everything },
    ];
    server = await startTestServer({ realms: [guestRealm({ roles, apis, users }, { clients })] });
    user = await login();
  });
  afterAll(() => server.stop());

  const wide = ['wide', 'wide-secret'] as const;
  const signer = ['signer', 'signer-secret'] as const;

  describe('the subject', () => {
    it("is a guest named in the details, by the client's own token", async () => {
      const answer = await exchange(server, { subject: await ownToken(server) });

      expect(answer).toMatchObject({
        status: 200,
        json: {
          token_type: 'Bearer',
          issued_token_type: ACCESS_TOKEN,
          expires_in: 600,
          scope: 'guest:view guest:filter',
        },
      });
      const { json } = await introspect(server, answer.json.access_token);
      expect(json).toMatchObject({
        active: true,
        tenant: 'blue',
        guest_id: 'u_42',
        sub: expect.stringMatching(/^guest:.{22}$/),
      });
    });

    it.each(['access_token', 'id_token'])(
      'is a user of a client that subjectsFrom names, by %s',
      async (name) => {
        const type = name === 'id_token' ? ID_TOKEN : ACCESS_TOKEN;
        const answer = await exchange(server, {
          subject: user[name] ?? '',
          type,
          details: [detail({ rows: 'all' })],
        });

        expect(answer.status).toBe(200);
        const { json } = await introspect(server, answer.json.access_token);
        expect(json).toMatchObject({
          active: true,
          tenant: 'acme',
          guest_id: decodeJwt(user['id_token'] ?? '').sub,
        });
      },
    );

    it('passes on no more than the user may do at the API of the token', async () => {
      const details = [detail({ rows: 'all', actions: ['view', 'edit'] })];
      const answer = await exchange(server, { subject: user['access_token'] ?? '', details, auth: wide });

      expect(answer.json.scope).toBe('guest:view');
      const metrics = [detail({ rows: 'all', datatypes: ['metric'], actions: ['edit'] })];
      const elsewhere = await exchange(server, {
        subject: user['access_token'] ?? '',
        details: metrics,
        auth: wide,
      });
      expect(elsewhere).toMatchObject({ status: 400, json: { error: 'invalid_authorization_details' } });
    });

    const assertion = (claims: Record<string, unknown> = {}, life = 60): Promise<string> =>
      new SignJWT({
        iss: 'signer',
        aud: server.issuer('acme'),
        sub: 'u_7',
        tenant: 'red',
        jti: randomUUID(),
        ...claims,
      })
        .setProtectedHeader({ alg: 'ES256' })
        .setIssuedAt()
        .setExpirationTime(Math.floor(Date.now() / 1000) + life)
        .sign(assertionKey.privateKey);

    it('is told by an assertion that the client signed, once', async () => {
      const subject = await assertion();
      const ask = () => exchange(server, { subject, type: JWT, details: [detail()], auth: signer });

      const [first, second] = [await ask(), await ask()];

      expect((await introspect(server, first.json.access_token)).json).toMatchObject({
        tenant: 'red',
        guest_id: 'u_7',
      });
      expect(second).toMatchObject({ status: 400, json: { error: 'invalid_request' } });
    });

    it.each<[string, Record<string, unknown>, number?]>([
      ['lives longer than five minutes', {}, 400],
      ['is for somebody else', { aud: 'https://elsewhere.test' }],
      ['is by somebody else', { iss: 'portal' }],
      ['has no tenant', { tenant: undefined }],
      ['has no jti', { jti: undefined }],
    ])('is not told by an assertion that %s', async (_what, claims, life) => {
      const answer = await exchange(server, {
        subject: await assertion(claims, life),
        type: JWT,
        details: [detail()],
        auth: signer,
      });

      expect(answer).toMatchObject({ status: 400, json: { error: 'invalid_request' } });
    });

    it('is the one that the assertion names, whatever the details say', async () => {
      const details = [detail(), session({ subject: { tenant: 'blue', id: 'u_7' } })];
      const answer = await exchange(server, { subject: await assertion(), type: JWT, details, auth: signer });

      expect(answer).toMatchObject({ status: 400, json: { error: 'invalid_request' } });
    });

    it.each<[string, () => Promise<string>]>([
      ['dead', async () => 'dpa_nobody'],
      ["another client's own", async () => ownToken(server, other)],
      ['a refresh token', async () => user['refresh_token'] ?? ''],
      ['revoked', async () => revoked((await login())['access_token'] ?? '', { client_id: 'dc-ui' })],
      ['a revoked guest', async () => revoked((await mintGuest(server)).json.token)],
      ["another client's guest", async () => (await mintGuest(server, grant(), { auth: other })).json.token],
    ])('is not taken from a token that is %s', async (_what, token) => {
      const answer = await exchange(server, { subject: await token() });

      expect(answer).toMatchObject({
        status: 400,
        json: {
          error: 'invalid_request',
          error_description: 'subject_token is not active or not yours to exchange',
        },
      });
    });

    async function revoked(token: string, form: Record<string, string> = {}): Promise<string> {
      await postForm(server.endpoint('acme', 'revoke'), { token, ...form });
      return token;
    }

    it('is not taken from an ID token of a user whose sessions were cut since', async () => {
      const { id_token: subject = '' } = await login();
      const id = decodeJwt(subject).sub ?? '';
      const { store } = server.services;
      await store.commit([{ cut: `u:${id}`, realm: 'acme', ttl: 600 }]);

      const answer = await exchange(server, { subject, type: ID_TOKEN, details: [detail({ rows: 'all' })] });

      expect(answer).toMatchObject({ status: 400, json: { error: 'invalid_request' } });
      user = await login();
    });
  });

  describe('the parameters', () => {
    const ask = async (more: Record<string, string>, details?: unknown): Promise<Answer> =>
      exchange(server, {
        subject: await ownToken(server),
        more,
        ...(details === undefined ? {} : { details }),
      });

    it.each<[string, Record<string, string>, number, string]>([
      ['an audience of its own', { audience: 'analytics' }, 200, ''],
      ['a resource of its own', { resource: analytics }, 200, ''],
      ['another API', { audience: 'warehouse' }, 400, 'invalid_target'],
      ['an unknown resource', { resource: 'https://nowhere.test' }, 400, 'invalid_target'],
      ['a scope that covers nothing', { scope: 'guest:edit' }, 400, 'invalid_scope'],
      ['a scope that does not exist', { scope: 'guest:view dashboards:read' }, 400, 'invalid_scope'],
      ['an unknown token type', { requested_token_type: 'urn:x' }, 400, 'invalid_request'],
      ['an actor token without its type', { actor_token: 'x' }, 400, 'invalid_request'],
      ['an actor type without its token', { actor_token_type: ACCESS_TOKEN }, 400, 'invalid_request'],
      ['a dead actor', { actor_token: 'x', actor_token_type: ACCESS_TOKEN }, 400, 'invalid_request'],
      ['a parameter nobody knows', { favourite: 'blue' }, 200, ''],
    ])('answer %s', async (_what, more, status, error) => {
      const answer = await ask(more);

      expect(answer.status).toBe(status);
      expect(answer.json.error ?? '').toBe(error);
    });

    it('are refused when a member of an object is there twice', async () => {
      const details = JSON.stringify([detail(), session()]);

      const answer = await ask({
        authorization_details: details.replace('"rows":', '"rows":"none","rows":'),
      });

      expect(answer).toMatchObject({ status: 400, json: { error: 'invalid_authorization_details' } });
    });

    it('narrow to what the scope covers', async () => {
      const answer = await ask({ scope: 'guest:view' });

      expect(answer.json).toMatchObject({
        scope: 'guest:view',
        authorization_details: [{ actions: ['view'] }, {}],
      });
    });

    it('ask for a signed token or for one to be refreshed', async () => {
      const signed = await ask({ requested_token_type: JWT });
      const refreshed = await ask({ requested_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' });

      expect(signed.json).toMatchObject({
        issued_token_type: JWT,
        access_token: expect.stringMatching(/^ey/),
      });
      expect(refreshed.json).toMatchObject({
        refresh_token: expect.stringMatching(/^dpgr_/),
        refresh_expires_in: 28_800,
      });
    });

    it.each<[string, unknown]>([
      ['no resource', [session()]],
      ['two sessions', [detail(), session(), session()]],
      ['no rows', [detail({ rows: undefined }), session()]],
      ['an unknown field', [detail({ colums: {} }), session()]],
      ['an unknown type', [{ type: 'payment' }]],
      ['more than the ceiling', [detail({ datatypes: ['dataset'] }), session()]],
      [
        'an unknown policy',
        [detail(), session(), { type: 'embed_policy', identifier: 'x', datatypes: ['row'], params: {} }],
      ],
      ['no guest', [detail()]],
    ])('are refused with %s', async (_what, details) => {
      expect(await ask({}, details)).toMatchObject({
        status: 400,
        json: { error: 'invalid_authorization_details' },
      });
    });

    it('are not looked at when the client may not mint, or proves nothing', async () => {
      const subject = await ownToken(server);
      const noMinter = await exchange(server, { subject, auth: ['ds-engine', 'ds-engine-secret'] });
      const wrong = await exchange(server, { subject, auth: ['portal', 'wrong'] });
      const publicClient = await postForm(server.endpoint('acme', 'token'), {
        grant_type: EXCHANGE,
        client_id: 'dc-ui',
        subject_token: subject,
        subject_token_type: ACCESS_TOKEN,
      });

      expect(noMinter).toMatchObject({ status: 400, json: { error: 'unauthorized_client' } });
      expect(wrong).toMatchObject({ status: 401, json: { error: 'invalid_client' } });
      expect(publicClient).toMatchObject({ status: 400, json: { error: 'unauthorized_client' } });
    });

    it('say who acts for the guest, nested', async () => {
      const actor = { actor_token: user['access_token'] ?? '', actor_token_type: ACCESS_TOKEN };
      const first = await ask(actor);
      const second = await exchange(server, {
        subject: first.json.access_token,
        details: [detail()],
        more: { actor_token: await ownToken(server), actor_token_type: ACCESS_TOKEN },
      });

      expect((await introspect(server, first.json.access_token)).json.act).toMatchObject({
        client_id: 'dc-ui',
      });
      expect((await introspect(server, second.json.access_token)).json.act).toMatchObject({
        sub: 'portal',
        act: { client_id: 'dc-ui' },
      });
    });

    it("take no actor that is another client's", async () => {
      const answer = await ask({
        actor_token: await ownToken(server, other),
        actor_token_type: ACCESS_TOKEN,
      });

      expect(answer).toMatchObject({ status: 400, json: { error: 'invalid_request' } });
    });

    it('bind the token to the key of a proof, which must be the one that is asked for', async () => {
      const key = await proofKey();
      const headers = async () => ({
        DPoP: await proof(key, { htm: 'POST', htu: server.endpoint('acme', 'token') }),
      });
      const subject = await ownToken(server);
      const bound = await exchange(server, { subject, headers: await headers() });
      const wrong = { binding: { key: { jkt: (await proofKey()).jkt } } };
      const clash = await exchange(server, {
        subject,
        headers: await headers(),
        details: [detail(), session(wrong)],
      });

      expect(bound.json.token_type).toBe('DPoP');
      expect((await introspect(server, bound.json.access_token)).json.cnf).toEqual({ jkt: key.jkt });
      expect(clash.status).toBe(400);
    });
  });

  it('gives nothing that works where a user is needed', async () => {
    const { access_token: token } = (
      await exchange(server, { subject: user['access_token'] ?? '', details: [detail({ rows: 'all' })] })
    ).json;
    const headers = { authorization: `Bearer ${token}` };

    expect((await get(server.endpoint('acme', 'userinfo'), headers)).status).toBe(401);
    expect((await get(`${server.issuer('acme')}/account`, headers)).status).toBe(303);
    for (const grantType of ['refresh_token', 'authorization_code']) {
      const answer = await postForm(server.endpoint('acme', 'token'), {
        grant_type: grantType,
        client_id: 'dc-ui',
        refresh_token: token,
        code: token,
        redirect_uri: 'http://localhost:3000/demo/callback',
      });
      expect(answer).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
    }
  });

  it("ends with the user's token", async () => {
    const { access_token: parent = '' } = await login();
    const { json } = await exchange(server, { subject: parent, details: [detail({ rows: 'all' })] });
    expect((await introspect(server, json.access_token)).json.active).toBe(true);

    await postForm(server.endpoint('acme', 'revoke'), { token: parent, client_id: 'dc-ui' });

    expect((await introspect(server, json.access_token)).json).toEqual({
      active: false,
      guest_reason: 'revoked',
    });
  });
});
