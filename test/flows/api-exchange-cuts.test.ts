/** A token by exchange dies with every thing that it came from, at once, and takes along what was made from it. */
import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Client } from '../../src/registry/model/model.ts';
import { endSession, realmNode } from '../../src/revocation/nodes.ts';
import { postForm } from '../support/http.ts';
import { engines } from '../support/raw-store.ts';
import { useServerOn } from '../support/use-server.ts';
import { audienceOf, bert, by, callsOf, chainRealm } from './api-exchange-support.ts';

const profiles = ['strict', 'keycloak'] as const;

describe.each(engines)('on %s', (_name, open) => {
  const { server } = useServerOn(open, {
    realms: profiles.map((profile) => chainRealm(profile, { profile })),
  });

  describe.each(profiles)('in a realm with the profile %s', (realm) => {
    const { token, login, service, exchange, introspect, userinfo, revoke } = callsOf(server, realm);
    const registryOf = () => server.services.registry;

    type Chain = { subject: string; refresh: string; orders: string; ledger: string; username: string };
    let chain: Chain;

    /** Signs in at `ui`, exchanges at `shop` for orders, and that at `orders` for ledger. */
    async function chainOf(person: { readonly username: string; readonly password: string }): Promise<Chain> {
      const scope = 'openid cart:read';
      const { json } = await token({ grant_type: 'password', client_id: 'ui', ...person, scope });
      const orders = await exchange(json.access_token, { scope: 'openid orders:read' });
      const ledger = await exchange(
        orders.json.access_token,
        { audience: 'ledger', scope: 'openid book' },
        { auth: by('orders') },
      );
      return {
        subject: json.access_token,
        refresh: json.refresh_token,
        orders: orders.json.access_token,
        ledger: ledger.json.access_token,
        username: person.username,
      };
    }

    async function newPerson() {
      const person = { username: `u-${randomUUID()}`, password: 'some-password-17' };
      await registryOf().createUser(realm, { ...person, roles: ['buyer', 'robot'] });
      return person;
    }

    const [all, none] = [Array(3).fill(true), Array(3).fill(false)];
    const living = async ({ subject, orders, ledger }: Chain) => {
      const values = [subject, orders, ledger];
      const states = await Promise.all(values.map(async (value) => (await introspect(value)).active));
      const seen = await Promise.all(values.map(async (value) => (await userinfo(value)).status));
      expect(seen).toEqual(states.map((active) => (active === true ? 200 : 401)));
      return states;
    };
    const change = (id: string, to: (client: Client) => Client) => registryOf().updateClient(realm, id, to);
    const idOf = async ({ username }: Chain) =>
      (await registryOf().findUserByLogin(realm, username))?.user.id ?? '';
    const updateUser = async (of: Chain, more: object) =>
      registryOf().updateUser(realm, await idOf(of), (user) => ({ ...user, ...more }));

    beforeEach(async () => {
      for (const id of ['ui', 'shop', 'orders'])
        await change(id, ({ permissions: _, ...client }) => ({ ...client, enabled: true }));
      await change('shop', (client) => ({ ...client, exchanges: ['orders', 'ledger'] }));
      chain = await chainOf(bert);
      expect(await living(chain)).toEqual(all);
    });

    it.each<[string, () => Promise<unknown>]>([
      ['the subject token is revoked', () => revoke(chain.subject, { client_id: 'ui' })],
      ['the grant ends with its refresh token', () => revoke(chain.refresh, { client_id: 'ui' })],
      [
        'the session ends by logout',
        () => postForm(server.endpoint(realm, 'logout'), { client_id: 'ui', refresh_token: chain.refresh }),
      ],
      ['the person is disabled', () => updateUser(chain, { enabled: false })],
      ['the person is removed', async () => registryOf().removeUser(realm, await idOf(chain))],
      ['the person loses a role', () => updateUser(chain, { roles: ['buyer'] })],
      ['the person gets another password', () => updateUser(chain, { password: 'another-password-17' })],
    ])('all dies, and nobody else’s, when %s', async (_what, act) => {
      const other = chain;
      chain = await chainOf(await newPerson());
      expect(await living(chain)).toEqual(all);

      await act();

      expect(await living(chain)).toEqual(none);
      expect(await living(other)).toEqual(all);
    });

    it.each<[string, () => Promise<unknown>, readonly boolean[]]>([
      ['the client of the sign-in is disabled', () => change('ui', (c) => ({ ...c, enabled: false })), none],
      [
        'the exchanging client is disabled',
        () => change('shop', (c) => ({ ...c, enabled: false })),
        [true, false, false],
      ],
      [
        'the exchanging client may exchange for less',
        () => change('shop', (c) => ({ ...c, exchanges: ['ledger'] })),
        [true, false, false],
      ],
      [
        'the exchanging client gets a ceiling',
        () => change('shop', (c) => ({ ...c, permissions: ['orders:orders:read'] })),
        [true, false, false],
      ],
      [
        'the second client is disabled',
        () => change('orders', (c) => ({ ...c, enabled: false })),
        [true, true, false],
      ],
      [
        'the exchanged token is revoked',
        () => revoke(chain.orders, {}, { auth: by('shop') }),
        [true, false, false],
      ],
      ['the realm is cut', () => server.services.store.commit([{ cut: realmNode, realm, ttl: 60 }]), none],
    ])('what hangs below dies when %s', async (_what, act, alive) => {
      await act();

      expect(await living(chain)).toEqual(alive);
    });

    it('nobody but its own client revokes it', async () => {
      await revoke(chain.orders, { client_id: 'ui' });
      await revoke(chain.orders, {}, { auth: by('orders') });

      expect(await living(chain)).toEqual(all);
    });

    it('is not made any more of what is dead', async () => {
      await revoke(chain.subject, { client_id: 'ui' });

      expect(await exchange(chain.subject)).toMatchObject({
        status: 400,
        json: { error: 'invalid_request' },
      });
      expect(await exchange(chain.orders, { audience: 'ledger' }, { auth: by('orders') })).toMatchObject({
        status: 400,
        json: { error: 'invalid_request' },
      });
    });

    it('of a service dies with the service, its token and its roles', async () => {
      const makeService = async () => {
        const id = `s-${randomUUID()}`;
        const auth = [id, 'service-secret'] as const;
        await registryOf().createClient(realm, {
          id,
          secret: auth[1],
          grants: ['client_credentials'],
          roles: ['robot', 'buyer'],
        });
        const subject = (await token({ grant_type: 'client_credentials' }, { auth })).json.access_token;
        const orders = (await exchange(subject)).json.access_token;
        const ledger = (await exchange(orders, { audience: 'ledger' }, { auth: by('orders') })).json;
        return { id, auth, values: [subject, orders, ledger.access_token] };
      };
      const acts: readonly ((made: Awaited<ReturnType<typeof makeService>>) => Promise<unknown>)[] = [
        ({ id }) => change(id, (client) => ({ ...client, enabled: false })),
        ({ id }) => change(id, (client) => ({ ...client, roles: ['robot'] })),
        ({ id }) => change(id, (client) => ({ ...client, permissions: ['ledger:book'] })),
        ({ auth, values }) => revoke(values[0] ?? '', {}, { auth }),
      ];
      for (const act of acts) {
        const made = await makeService();
        const states = async () =>
          Promise.all(made.values.map(async (value) => (await introspect(value)).active));
        expect(await states()).toEqual([true, true, true]);

        await act(made);

        expect(await states()).toEqual(none);
      }
    });

    it('shows the names of what it hangs under to who caches answers', async () => {
      const keysOf = async (value: string): Promise<readonly string[]> =>
        (
          await postForm(
            server.endpoint(realm, 'token/introspect'),
            { token: value, cut_keys: 'true' },
            { auth: by('gateway') },
          )
        ).json.cut_keys;

      const [subject, orders, ledger] = [
        await keysOf(chain.subject),
        await keysOf(chain.orders),
        await keysOf(chain.ledger),
      ];

      expect(orders).toEqual(expect.arrayContaining([...subject]));
      expect(ledger).toEqual(expect.arrayContaining([...orders]));
      expect(new Set(ledger).size).toBeGreaterThan(orders.length);
    });

    it('of offline access goes on after the session, and ends with the grant', async () => {
      const scope = 'openid offline_access cart:read';
      const form = { grant_type: 'password', client_id: 'ui', ...bert, scope };
      const { access_token, refresh_token, session_state } = (await token(form)).json;
      const made = (await exchange(access_token)).json.access_token;

      await server.services.store.commit([endSession(realm, session_state)]);
      expect((await introspect(made)).active).toBe(true);
      expect((await exchange(access_token)).status).toBe(200);

      await revoke(refresh_token, { client_id: 'ui' });
      expect((await introspect(made)).active).toBe(false);
    });

    it('may do what the roles give at the time of the question', async () => {
      const value = (await exchange(await login())).json.access_token;
      const ofService = (await exchange(await service('freight'))).json.access_token;
      const roles = chainRealm(realm).roles;
      const without = roles.map((role) => ({
        ...role,
        permissions: role.permissions.filter((permission) => permission !== 'orders:orders:write'),
      }));
      const both = async () => [(await introspect(value)).scope, (await introspect(ofService)).scope];
      expect(await both()).toEqual(Array(2).fill('orders:read orders:write'));

      await registryOf().updateRealm(realm, (settings) => ({
        ...settings,
        roles: without.map((role) => ({ includes: [], ...role })),
      }));

      expect(await both()).toEqual(Array(2).fill('orders:read'));
      expect((await exchange(await login())).json.scope).toBe('orders:read');
      expect(
        await exchange(await login({ resource: audienceOf('shop') }), { scope: 'orders:write' }),
      ).toMatchObject({
        status: 400,
        json: { error: 'invalid_scope' },
      });
      await registryOf().updateRealm(realm, (settings) => ({
        ...settings,
        roles: roles.map((role) => ({ includes: [], ...role })),
      }));
    });
  });
});
