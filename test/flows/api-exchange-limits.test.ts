/** What an exchange must not widen: a person's consent, the binding of a token, the right of a client. */
import { decodeJwt } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import { redeem, walk } from '../support/authorization.ts';
import { certificate, otherCertificate, trustLoopback } from '../support/certificates.ts';
import { get, postForm } from '../support/http.ts';
import { type ClientKey, dpopProof, newKey } from '../support/proofs.ts';
import { app, registrationAddress, sendJson } from '../support/registration.ts';
import { useServer } from '../support/use-server.ts';
import { createVisitor, signIn } from '../support/visitor.ts';
import {
  ACCESS_TOKEN,
  audienceOf,
  bert,
  by,
  callback,
  callsOf,
  chainRealm,
  EXCHANGE,
} from './api-exchange-support.ts';

const server = useServer({
  env: trustLoopback,
  realms: ['strict', 'keycloak'].map((profile) =>
    chainRealm(profile, {
      profile,
      registration: {
        open: true,
        permissions: ['shop:cart:read', 'orders:orders:read', 'orders:orders:write'],
      },
      clients: [
        {
          id: 'both',
          secret: 'both-secret',
          grants: [EXCHANGE, 'client_credentials'],
          introspects: ['shop'],
          exchanges: ['orders'],
          mints: { apis: ['shop'], types: ['dashboard'], actions: ['view'], subjectsFrom: ['shop'] },
        },
        {
          id: 'minter',
          secret: 'minter-secret',
          grants: [EXCHANGE],
          mints: {
            apis: ['boards'],
            types: ['dashboard'],
            actions: ['view'],
            subjectsFrom: ['shop', 'robot'],
          },
        },
        {
          id: 'bound',
          secret: 'bound-secret',
          grants: [EXCHANGE],
          introspects: ['shop'],
          exchanges: ['orders'],
          dpopBoundAccessTokens: true,
        },
        {
          id: 'sealed',
          secret: 'sealed-secret',
          grants: [EXCHANGE, 'client_credentials'],
          roles: ['robot'],
          exchanges: ['orders'],
          tlsClientCertificateBoundAccessTokens: true,
        },
        {
          id: 'pairwise',
          secret: 'pairwise-secret',
          grants: [EXCHANGE, 'authorization_code'],
          redirectUris: [callback],
          subjectType: 'pairwise',
          introspects: ['shop'],
          exchanges: ['ledger'],
        },
        { id: 'asks-nobody', public: true, consent: 'none', grants: ['password'] },
      ],
    }),
  ),
});

const REFUSED = { status: 400, json: { error: 'invalid_request' } };

describe.each(['strict', 'keycloak'])('in a realm with the profile %s', (realm) => {
  const { login, service, exchange, introspect, userinfo, revoke, token } = callsOf(server, realm);

  describe('what a person agreed to for a client', () => {
    const agreed = async (scope: string, resource: string, clientId = 'third') => {
      const request = {
        realm,
        clientId,
        redirectUri: callback,
        person: bert,
        params: { scope, resource: audienceOf(resource) },
      };
      return (await redeem(server, await walk(server, request), request)).json.access_token as string;
    };
    /** Agrees to both APIs, and gets a token for the shop. */
    const agreedToBoth = async () => {
      const request = { realm, clientId: 'third', redirectUri: callback, person: bert };
      const visited = await walk(server, {
        ...request,
        params: { scope: 'openid orders:read', resource: audienceOf('orders') },
      });
      const { visitor } = visited;
      const params = { scope: 'openid cart:read', resource: audienceOf('shop') };
      const again = { ...request, visitor, params };
      return (await redeem(server, await walk(server, again), again)).json.access_token as string;
    };

    it('is the limit: nothing for an API that was not on the page', async () => {
      const subject = await agreed('openid cart:read', 'shop');

      expect((await introspect(subject)).scope).toBe('openid cart:read');
      for (const scope of ['', 'orders:read', 'openid'])
        expect(await exchange(subject, { scope })).toMatchObject({
          status: 400,
          json: { error: 'invalid_target' },
        });
      expect(await exchange(subject, { audience: 'bare' })).toMatchObject({
        status: 400,
        json: { error: 'invalid_target' },
      });
    });

    it('is the limit: of another API, what was agreed to there', async () => {
      const subject = await agreedToBoth();

      expect((await exchange(subject)).json.scope).toBe('orders:read');
      expect((await exchange(subject, { scope: 'orders:read orders:write' })).json.scope).toBe('orders:read');
    });

    it('stays the limit, however often the token is exchanged', async () => {
      const orders = (await exchange(await agreedToBoth())).json.access_token;

      expect(await exchange(orders, { audience: 'ledger' }, { auth: by('orders') })).toMatchObject({
        status: 400,
        json: { error: 'invalid_target' },
      });
      const back = await exchange(orders, { audience: 'shop' }, { auth: by('orders') });
      expect(back.json.scope).toBe('cart:read');
    });

    it('ends, with all that was exchanged, when the person takes it back on the account page', async () => {
      const orders = (await exchange(await agreedToBoth())).json.access_token;
      const back = await exchange(orders, { audience: 'shop' }, { auth: by('orders') });
      const visitor = createVisitor(server.url);
      const page = await signIn(visitor, await visitor.open(`/realms/${realm}/account`), bert);
      const live = async () =>
        [await introspect(orders), await introspect(back.json.access_token)].map(({ active }) => active);
      expect(await live()).toEqual([true, true]);

      for (const { action, fields } of page.forms.filter((form) => form.action.endsWith('/withdraw')))
        await visitor.post(action, fields);

      expect(await live()).toEqual([false, false]);
    });

    it('is asked of nobody for clients of one’s own', async () => {
      expect((await exchange(await login({ client_id: 'asks-nobody' }))).json.scope).toBe(
        'orders:read orders:write',
      );
      expect(await exchange(await login({ client_id: 'third', scope: 'cart:read' }))).toMatchObject({
        status: 400,
        json: { error: 'invalid_target' },
      });
    });

    it('holds at userinfo: no more than the scopes of the subject token', async () => {
      const subject = await login({ scope: 'openid profile cart:read' });

      const { json } = await exchange(subject, { scope: 'openid email orders:read' });

      expect(Object.keys((await userinfo(json.access_token)).json)).toEqual(['sub']);
    });

    it('is the limit for clients that registered themselves too', async () => {
      const { json } = await sendJson('POST', registrationAddress(server, realm), {
        body: { ...app, redirect_uris: [callback] },
      });
      const request = {
        realm,
        redirectUri: callback,
        clientId: json.client_id,
        person: bert,
        params: { scope: 'openid cart:read', resource: audienceOf('shop') },
      };
      const auth =
        json.client_secret === undefined ? {} : { auth: [json.client_id, json.client_secret] as const };
      const made = await redeem(server, await walk(server, request), { ...request, ...auth });

      expect(made.status).toBe(200);
      expect(await exchange(made.json.access_token)).toMatchObject({
        status: 400,
        json: { error: 'invalid_target' },
      });
    });
  });

  describe('a client that registers itself', () => {
    it.each<[string, object, number]>([
      ['the grant', { grant_types: ['authorization_code', EXCHANGE] }, 400],
      ['the list', { exchanges: ['orders'] }, 201],
    ])('cannot give itself %s', async (_what, more, status) => {
      const answer = await sendJson('POST', registrationAddress(server, realm), {
        body: { ...app, redirect_uris: [callback], ...more },
      });

      expect(answer.status).toBe(status);
      if (status !== 201) return;
      expect(answer.json).not.toHaveProperty('exchanges');
      const stored = await server.services.registry.findClient(realm, answer.json.client_id);
      expect(stored).not.toHaveProperty('exchanges');
      expect(stored?.registered).not.toHaveProperty('exchanges');
    });
  });

  describe('a token that is bound', () => {
    let key: ClientKey;
    let thief: ClientKey;
    beforeAll(async () => {
      [key, thief] = [await newKey(), await newKey()];
    });
    const proven = async (one = key) => ({
      DPoP: await dpopProof(one, { url: server.endpoint(realm, 'token') }),
    });

    it('is made when the client proves a key, and opens userinfo only with that', async () => {
      const subject = await login({ scope: 'openid cart:read' });

      const { json } = await exchange(subject, { scope: 'openid orders:read' }, { headers: await proven() });

      expect(json.token_type).toBe('DPoP');
      expect((await introspect(json.access_token)).cnf).toEqual({ jkt: expect.any(String) });
      const url = server.endpoint(realm, 'userinfo');
      const proof = await dpopProof(key, { url, method: 'GET', token: json.access_token });
      const opened = await get(url, { authorization: `DPoP ${json.access_token}`, DPoP: proof });
      expect([opened.status, (await userinfo(json.access_token)).status]).toEqual([200, 401]);
    });

    it('is demanded of a client that has only such tokens', async () => {
      const subject = await login();

      expect(await exchange(subject, {}, { auth: by('bound') })).toMatchObject({
        status: 400,
        json: { error: 'invalid_grant' },
      });
      const answer = await exchange(subject, {}, { auth: by('bound'), headers: await proven() });
      expect(answer.json.token_type).toBe('DPoP');
    });

    it('is exchanged by the client that it was issued to, with a proof of its key', async () => {
      const subject = await service('robot', {}, await proven());
      const own = { auth: by('robot') };

      expect(await exchange(subject, {}, own)).toMatchObject(REFUSED);
      expect(await exchange(subject, {}, { ...own, headers: await proven(thief) })).toMatchObject(REFUSED);
      expect(await exchange(subject, {}, { headers: await proven() })).toMatchObject(REFUSED);
      expect((await exchange(subject, {}, { ...own, headers: await proven() })).status).toBe(200);
      expect(await exchange(subject, {}, { ...own, headers: { DPoP: 'not.a.proof' } })).toMatchObject({
        status: 400,
        json: { error: 'invalid_dpop_proof' },
      });
    });

    it('is bound to the certificate of the client', async () => {
      const own = { auth: by('sealed'), headers: { 'client-cert': certificate.header } };
      const subject = (await token({ grant_type: 'client_credentials' }, own)).json.access_token;

      expect((await exchange(subject, {}, { auth: by('sealed') })).status).toBe(400);
      const foreign = { auth: by('sealed'), headers: { 'client-cert': otherCertificate.header } };
      expect(await exchange(subject, {}, foreign)).toMatchObject(REFUSED);
      const { json } = await exchange(subject, {}, own);
      expect((await introspect(json.access_token)).cnf).toEqual((await introspect(subject)).cnf);
      expect((await introspect(json.access_token)).cnf).toHaveProperty('x5t#S256');
    });
  });

  describe('beside guest tokens', () => {
    const details = JSON.stringify([
      { type: 'embed_resource', identifier: 'd', datatypes: ['dashboard'], actions: ['view'], rows: 'all' },
    ]);
    const session = { type: 'embed_session', subject: { tenant: 'blue', id: 'u_1' } };
    const named = JSON.stringify([...JSON.parse(details), session]);

    it('the details decide which kind of token is meant', async () => {
      const own = await service('both');
      const options = { auth: by('both') };

      const guest = await exchange(own, { audience: '', authorization_details: named }, options);
      const ordinary = await exchange(await login(), {}, options);
      const empty = await exchange(
        await login(),
        { audience: 'orders' },
        {
          ...options,
          pairs: [
            ['audience', 'orders'],
            ['authorization_details', ''],
          ],
        },
      );

      expect(guest.json.access_token).toMatch(/^dpg_/);
      expect(ordinary.json.scope).toBe('orders:read orders:write');
      expect(empty.json.scope).toBe('orders:read orders:write');
    });

    it('who may only mint is told of the details, as ever', async () => {
      expect(await exchange(await login(), {}, { auth: by('minter') })).toMatchObject({
        status: 400,
        json: { error: 'invalid_authorization_details' },
      });
    });

    it('a guest token is no subject', async () => {
      const { json } = await exchange(
        await service('both'),
        { audience: '', authorization_details: named },
        { auth: by('both') },
      );

      expect(await exchange(json.access_token, {}, { auth: by('both') })).toMatchObject(REFUSED);
    });

    it('a guest that was made of a token by exchange dies with what that came from', async () => {
      const subject = await login();
      const orders = (await exchange(subject)).json.access_token;
      const form = { audience: '', authorization_details: details };
      const { json } = await exchange(orders, form, { auth: by('minter') });
      expect((await introspect(json.access_token)).active).toBe(true);

      await revoke(subject, { client_id: 'ui' });

      expect((await introspect(json.access_token)).active).toBe(false);
    });

    it('a token about a service is no token of the client that exchanged it', async () => {
      const orders = (await exchange(await service('robot'), {}, { auth: by('robot') })).json.access_token;
      const foreign = await exchange(await service('freight'), {}, { auth: by('both') });

      expect((await introspect(orders)).sub).toBe('robot');
      expect((await introspect(foreign.json.access_token)).sub).toBe('freight');
      expect(
        await exchange(
          foreign.json.access_token,
          { audience: '', authorization_details: named },
          { auth: by('both') },
        ),
      ).toMatchObject(REFUSED);
    });
  });

  it('names a person to a client as that client knows the person', async () => {
    const subject = await login({ scope: 'openid cart:read' });
    const more = { audience: 'ledger', scope: 'openid book' };

    const value = (await exchange(subject, more, { auth: by('pairwise') })).json.access_token;

    const { sub } = decodeJwt(value);
    expect(sub).not.toBe((await introspect(subject)).sub);
    expect([(await introspect(value)).sub, (await userinfo(value)).json.sub]).toEqual([sub, sub]);
  });

  it('is announced in the metadata, and told in the log like other tokens', async () => {
    const { json } = await get(`${server.issuer(realm)}/.well-known/openid-configuration`);
    const metrics = async () =>
      (await (await fetch(`${server.adminUrl}/metrics`)).text())
        .split('\n')
        .filter((line) => line.startsWith('daypass_events_total') && line.includes('token.issued'))
        .join('\n');
    const subject = await login();
    const before = await metrics();

    await exchange(subject);

    expect(json.grant_types_supported).toContain(EXCHANGE);
    expect(await metrics()).not.toBe(before);
    expect(
      await postForm(server.endpoint(realm, 'token'), {
        grant_type: EXCHANGE,
        client_id: 'ui',
        subject_token: await login(),
        subject_token_type: ACCESS_TOKEN,
        audience: 'orders',
      }),
    ).toMatchObject({ status: 400, json: { error: 'unauthorized_client' } });
  });
});
