/** Ordinary token exchange (RFC 8693): for which API, how far, in whose name, and what is refused. */
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import { useServer } from '../support/use-server.ts';
import { ACCESS_TOKEN, audienceOf, by, callsOf, chainRealm, JWT } from './api-exchange-support.ts';

const server = useServer({
  realms: [chainRealm('strict'), chainRealm('keycloak', { profile: 'keycloak' }), chainRealm('elsewhere')],
});

describe.each(['strict', 'keycloak'])('in a realm with the profile %s, an exchange', (profile) => {
  const { login, service, exchange, introspect, userinfo, token } = callsOf(server, profile);
  let user: string;
  let robot: string;
  beforeAll(async () => {
    [user, robot] = await Promise.all([login({ scope: 'openid cart:read' }), service('robot')]);
  });

  describe('of the token of a person', () => {
    it('gives a token for another API, with all that the person and the client may do there', async () => {
      const { status, json, headers } = await exchange(user);

      expect([status, headers.get('cache-control')]).toEqual([200, 'no-store']);
      expect(json).toMatchObject({
        issued_token_type: ACCESS_TOKEN,
        token_type: 'Bearer',
        expires_in: 300,
        scope: 'orders:read orders:write',
      });
      expect(json).not.toHaveProperty('refresh_token');
      expect(await introspect(json.access_token)).toMatchObject({
        active: true,
        aud: audienceOf('orders'),
        client_id: 'shop',
        sub: (await introspect(user)).sub,
        username: 'bert',
        scope: 'orders:read orders:write',
        act: { sub: 'shop', client_id: 'shop' },
      });
    });

    it('is a JWT where the API has JWTs, and is introspected alike', async () => {
      const { json } = await exchange(user, { audience: 'ledger', requested_token_type: JWT });

      const claims = decodeJwt(json.access_token);
      const shown = await introspect(json.access_token);
      expect(json.issued_token_type).toBe(JWT);
      expect(decodeProtectedHeader(json.access_token).typ).toBe(profile === 'strict' ? 'at+jwt' : 'JWT');
      expect(claims).toMatchObject({
        aud: audienceOf('ledger'),
        scope: 'book',
        client_id: 'shop',
        act: { sub: 'shop', client_id: 'shop' },
      });
      for (const name of ['aud', 'sub', 'scope', 'client_id', 'act', 'exp', 'iat', 'jti', 'roles'])
        expect([name, shown[name]]).toEqual([name, claims[name]]);
      expect(json.expires_in).toBe((claims.exp ?? 0) - (claims.iat ?? 0));
    });

    it.each([
      ['by id', [['audience', 'orders']]],
      ['by audience', [['audience', audienceOf('orders')]]],
      ['as a resource', [['resource', audienceOf('orders')]]],
      [
        'in every way at once',
        [
          ['audience', 'orders'],
          ['audience', audienceOf('orders')],
          ['resource', audienceOf('orders')],
        ],
      ],
    ] as const)('finds the API %s', async (_how, pairs) => {
      const { json } = await exchange(user, {}, { pairs });

      expect((await introspect(json.access_token)).aud).toBe(audienceOf('orders'));
    });

    it('gives what was asked for of that, and leaves out the rest', async () => {
      const { json } = await exchange(user, { scope: 'orders:read orders:refund' });

      expect(json.scope).toBe('orders:read');
      expect((await introspect(json.access_token)).scope).toBe('orders:read');
    });

    it('passes on openid where the subject token has it, and nothing of OpenID Connect else', async () => {
      const asked = 'openid email offline_access orders:read';
      const offline = await login({ scope: 'openid offline_access cart:read' });

      const { json } = await exchange(user, { scope: asked });
      const unnamed = await exchange(await login(), { scope: asked });

      expect([json.scope, unnamed.json.scope]).toEqual(['openid orders:read', 'orders:read']);
      expect((await exchange(offline, { scope: asked })).json.scope).toBe('openid orders:read');
      expect(await userinfo(json.access_token)).toMatchObject({
        status: 200,
        json: { sub: (await introspect(user)).sub },
      });
      expect((await userinfo(unnamed.json.access_token)).status).toBe(403);
    });

    it('for the same API is no wider than the subject token', async () => {
      const wide = await login({ scope: 'cart:read cart:write' });
      const narrow = await login({ scope: 'cart:write' });

      expect((await exchange(wide, { audience: 'shop' })).json.scope).toBe('cart:read');
      // The client's ceiling lacks cart:write, the token cart:read.
      expect(await exchange(narrow, { audience: 'shop' })).toMatchObject({
        status: 400,
        json: { error: 'invalid_target' },
      });
    });

    it('gives a token without permissions for an API that has none', async () => {
      const { status, json } = await exchange(user, { audience: 'bare' });

      expect([status, json.scope]).toEqual([200, '']);
    });

    it('does not outlive the subject token, nor the life that the API or the client sets', async () => {
      const { registry } = server.services;
      await registry.createClient(profile, {
        id: 'brief',
        secret: 'brief-secret',
        firstParty: true,
        grants: ['password'],
        accessTokenTtl: 60,
      });
      const { json } = await token(
        { grant_type: 'password', username: 'bert', password: 'bert-password-1' },
        { auth: by('brief') },
      );

      const first = (await exchange(json.access_token)).json;
      const [subject, made] = [await introspect(json.access_token), await introspect(first.access_token)];

      expect([first.expires_in <= 60, made.exp]).toEqual([true, subject.exp]);
      await registry.updateClient(profile, 'shop', (client) => ({ ...client, accessTokenTtl: 20 }));
      expect((await exchange(user)).json.expires_in).toBe(20);
      await registry.updateClient(profile, 'shop', ({ accessTokenTtl: _, ...client }) => client);
    });
  });

  describe('of the token of a service', () => {
    it('stays about the service, within its roles, its ceiling and the ceiling of the client', async () => {
      const { json } = await exchange(robot);

      expect(json.scope).toBe('orders:read');
      expect(await introspect(json.access_token)).toMatchObject({
        sub: 'robot',
        client_id: 'shop',
        roles: ['robot'],
        scope: 'orders:read',
        act: { sub: 'shop' },
      });
    });

    it('names the service in a JWT too, however often it is exchanged', async () => {
      const first = await exchange(await service('freight'));

      const { json } = await exchange(
        first.json.access_token,
        { audience: 'ledger' },
        { auth: by('orders') },
      );

      expect(decodeJwt(json.access_token)).toMatchObject({
        sub: 'freight',
        client_id: 'orders',
        scope: 'book',
      });
      expect(await introspect(json.access_token)).toMatchObject({ sub: 'freight', roles: ['robot'] });
    });

    it('names no actor when the service itself exchanges, and never has openid', async () => {
      const { json } = await exchange(robot, { scope: 'openid orders:read' }, { auth: by('robot') });

      expect(json.scope).toBe('orders:read');
      expect(await introspect(json.access_token)).not.toHaveProperty('act');
    });
  });

  describe('once more', () => {
    it('nests who acted, and does not name one twice', async () => {
      const orders = (await exchange(user)).json.access_token;
      const again = (await exchange(orders, { audience: 'ledger' })).json.access_token;
      const ledger = (await exchange(orders, { audience: 'ledger' }, { auth: by('orders') })).json
        .access_token;

      expect((await introspect(again)).act).toEqual({ sub: 'shop', client_id: 'shop' });
      expect((await introspect(ledger)).act).toEqual({
        sub: 'orders',
        client_id: 'orders',
        act: { sub: 'shop', client_id: 'shop' },
      });
      expect(decodeJwt(ledger)['act']).toEqual((await introspect(ledger)).act);
    });

    it('takes an actor token, in front of who acted before', async () => {
      const orders = (await exchange(user)).json.access_token;
      const actor = await login({ resource: audienceOf('orders') });
      const more = { audience: 'ledger', actor_token: actor, actor_token_type: ACCESS_TOKEN };

      const { json } = await exchange(orders, more, { auth: by('orders') });

      expect((await introspect(json.access_token)).act).toEqual({
        sub: (await introspect(actor)).sub,
        client_id: 'ui',
        act: { sub: 'shop', client_id: 'shop' },
      });
    });

    it('is refused after eight times', async () => {
      let value = (await exchange(user)).json.access_token;
      for (let count = 1; count < 8; count += 1) {
        const [audience, id] = count % 2 === 1 ? ['ledger', 'orders'] : ['orders', 'ledger'];
        value = (await exchange(value, { audience }, { auth: by(id) })).json.access_token;
      }

      expect((await introspect(value)).active).toBe(true);
      expect(await exchange(value, { audience: 'orders' }, { auth: by('ledger') })).toMatchObject({
        status: 400,
        json: { error: 'invalid_request', error_description: 'subject_token was exchanged too often' },
      });
    });
  });

  describe('is refused', () => {
    type Pairs = readonly (readonly [string, string])[];
    type Case = [what: string, more: Record<string, string>, error: string, pairs?: Pairs];
    const cases: Case[] = [
      ['an API that is not there', { audience: 'nowhere' }, 'invalid_target'],
      ['the id of a client that answers for several APIs', { audience: 'gateway' }, 'invalid_target'],
      [
        'an API beyond `exchanges`',
        { audience: 'orders', resource: audienceOf('nowhere') },
        'invalid_target',
      ],
      ['the administration of the realm', { audience: 'daypass' }, 'invalid_target'],
      ['its audience', { audience: 'urn:daypass:admin' }, 'invalid_target'],
      ['a resource that is no URI', { audience: '', resource: 'orders' }, 'invalid_target'],
      [
        'a resource with a fragment',
        { audience: '', resource: `${audienceOf('orders')}#x` },
        'invalid_target',
      ],
      ['an API of another realm', { audience: `${audienceOf('orders')}/` }, 'invalid_target'],
      [
        'two APIs',
        {},
        'invalid_target',
        [
          ['audience', 'orders'],
          ['audience', 'ledger'],
        ],
      ],
      [
        'an API and another resource',
        {},
        'invalid_target',
        [
          ['audience', 'orders'],
          ['resource', audienceOf('ledger')],
        ],
      ],
      ['no API', { audience: '' }, 'invalid_request'],
      ['a scope that does not exist', { scope: 'orders:read orders:fly' }, 'invalid_scope'],
      ['a scope of a guest', { scope: 'guest:view' }, 'invalid_scope'],
      ['nothing but scopes that the person lacks', { scope: 'orders:refund' }, 'invalid_scope'],
      ['nothing but a scope of another API', { scope: 'cart:read' }, 'invalid_scope'],
      ['another type of subject', { subject_token_type: JWT }, 'invalid_request'],
      [
        'an ID token',
        { requested_token_type: 'urn:ietf:params:oauth:token-type:id_token' },
        'invalid_request',
      ],
      ['a JWT of an API without JWTs', { requested_token_type: JWT }, 'invalid_request'],
      ['an actor without its type', { actor_token: 'dpa_x' }, 'invalid_request'],
      [
        'an actor that is not there',
        { actor_token: 'dpa_x', actor_token_type: ACCESS_TOKEN },
        'invalid_request',
      ],
      ['no subject', { subject_token: '' }, 'invalid_request'],
      ['a subject that nobody has', { subject_token: 'dpa_x' }, 'invalid_request'],
    ];

    it.each<Case>(cases)('for %s', async (_what, more, error, pairs = []) => {
      expect(await exchange(user, more, { pairs })).toMatchObject({ status: 400, json: { error } });
    });

    it('for a token that this client was not meant to have', async () => {
      const foreign = await exchange(user, { audience: 'ledger' }, { auth: by('nosy') });
      const unknown = await exchange('dpa_x', { audience: 'ledger' }, { auth: by('nosy') });

      expect(foreign).toMatchObject({ status: 400, json: { error: 'invalid_request' } });
      expect(foreign.json).toEqual(unknown.json);
      const orders = await login({ resource: audienceOf('orders') });
      expect((await exchange(orders, { audience: 'ledger' }, { auth: by('nosy') })).status).toBe(200);
    });

    it('for an actor whose token this client was not meant to have', async () => {
      const orders = await login({ resource: audienceOf('orders') });
      const more = { audience: 'ledger', actor_token: user, actor_token_type: ACCESS_TOKEN };

      expect(await exchange(orders, more, { auth: by('nosy') })).toMatchObject({
        status: 400,
        json: { error: 'invalid_request' },
      });
    });

    it('for clients without the right or the grant, and for strangers', async () => {
      const foreign = await callsOf(server, 'elsewhere').login();

      expect(await exchange(user, {}, { auth: by('plain') })).toMatchObject({
        status: 400,
        json: { error: 'unauthorized_client' },
      });
      expect(await exchange(user, {}, { auth: by('gateway') })).toMatchObject({
        status: 400,
        json: { error: 'unauthorized_client' },
      });
      expect((await exchange(user, {}, { auth: ['shop', 'wrong-secret'] })).status).toBe(401);
      expect(await exchange(foreign)).toMatchObject({ status: 400, json: { error: 'invalid_request' } });
      expect(await exchange(user, { audience: 'shop' }, { auth: by('ledger') })).toMatchObject({
        status: 400,
        json: { error: 'invalid_target' },
      });
    });

    it('for a refresh token as the subject, and guests’ details of a client that may not mint', async () => {
      const { json } = await token({
        grant_type: 'password',
        client_id: 'ui',
        username: 'bert',
        password: 'bert-password-1',
      });

      expect(await exchange(json.refresh_token)).toMatchObject({
        status: 400,
        json: { error: 'invalid_request' },
      });
      expect(await exchange(user, { authorization_details: '[{"type":"embed_resource"}]' })).toMatchObject({
        status: 400,
        json: { error: 'unauthorized_client' },
      });
    });
  });
});
