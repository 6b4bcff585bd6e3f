/**
 * realm → client | user → session → grant → tokens: what a cut kills, what it spares, and that whatever is issued
 * afterwards lives.
 */

import { beforeEach, describe, expect, it } from 'vitest';
import { sha256 } from '../../src/base/hash.ts';
import { clientNode, grantNode, sessionNode, tokenKey, userNode } from '../../src/revocation/nodes.ts';
import { decodeToken } from '../../src/tokens/record.ts';
import { createAgent, obtainCode } from '../support/browserless.ts';
import { postForm } from '../support/http.ts';
import { engines } from '../support/raw-store.ts';
import { acme, gateway, engine as service, warehouse } from '../support/realms.ts';
import { useServerOn } from '../support/use-server.ts';

const grants = ['password', 'authorization_code', 'refresh_token'];
const redirectUris = ['http://localhost:3000/demo/callback'];
const people = {
  clients: [...acme().clients, { id: 'app', public: true, firstParty: true, grants, redirectUris }],
  users: [
    ...acme().users,
    { username: 'ada', email: 'ada@acme.test', password: 'ada_password', roles: ['analyst'] },
  ],
};

type Tokens = { access_token: string; refresh_token?: string; session_state?: string; clientId: string };
const names = [
  'laptop dc-ui',
  'laptop app',
  'phone dc-ui',
  'ada dc-ui',
  'service',
  'service jwt',
  'elsewhere',
];

describe.each(engines)('on %s', (_name, open) => {
  const { server } = useServerOn(open, {
    realms: [acme(people), acme({ ...people, name: 'elsewhere' })],
  });

  const realmOf = (name: string) => (name === 'elsewhere' ? name : 'acme');
  const token = async (realm: string, form: Record<string, string>, auth?: readonly [string, string]) => {
    const answer = await postForm(server.endpoint(realm, 'token'), form, auth && { auth });
    expect(answer.status).toBe(200);
    return { ...answer.json, clientId: form['client_id'] ?? service[0] } as Tokens;
  };
  const isActive = async (realm: string, value: string): Promise<boolean> =>
    (await postForm(server.endpoint(realm, 'token/introspect'), { token: value }, { auth: gateway })).json
      .active;
  const byPassword = (realm: string, username: string, password: string) =>
    token(realm, { grant_type: 'password', client_id: 'dc-ui', username, password });
  const redeem = async (form: Readonly<Record<string, string>>) => token('acme', { ...form });

  /** George at two clients in one session and once more elsewhere, Ada, a service, and another realm. */
  async function issueAll(): Promise<Record<string, Tokens>> {
    const credentials = { grant_type: 'client_credentials' };
    const [[laptop, app], phone, ada, plain, jwt, elsewhere] = await Promise.all([
      byBrowser(),
      byPassword('acme', 'george.becker', 'my_password'),
      byPassword('acme', 'ada', 'ada_password'),
      token('acme', credentials, service),
      token('acme', { ...credentials, resource: warehouse }, service),
      byPassword('elsewhere', 'george.becker', 'my_password'),
    ]);
    return {
      'laptop dc-ui': laptop,
      'laptop app': app,
      'phone dc-ui': phone,
      'ada dc-ui': ada,
      service: plain,
      'service jwt': jwt,
      elsewhere,
    };
  }

  async function byBrowser(): Promise<readonly [Tokens, Tokens]> {
    const agent = createAgent(server.url);
    const first = await redeem((await obtainCode(server, { realm: 'acme', agent })).form);
    const second = await redeem((await obtainCode(server, { realm: 'acme', agent, clientId: 'app' })).form);
    return [first, second];
  }

  /** Names of those whose tokens are dead, access and refresh token alike. */
  async function dead(tokens: Record<string, Tokens>): Promise<readonly string[]> {
    const found = await Promise.all(
      Object.entries(tokens).map(async ([name, token]) => {
        const isDead = !(await isActive(realmOf(name), token.access_token));
        expect([name, await refreshStatus(name, token)]).toEqual([name, isDead ? 400 : 200]);
        return isDead ? [name] : [];
      }),
    );
    return found.flat();
  }

  /** For who has no refresh token, what the access token says counts. */
  async function refreshStatus(name: string, tokens: Tokens): Promise<number> {
    const { access_token, refresh_token, clientId: client_id } = tokens;
    if (refresh_token === undefined) return (await isActive(realmOf(name), access_token)) ? 200 : 400;
    const form = { grant_type: 'refresh_token', client_id, refresh_token };
    return (await postForm(server.endpoint(realmOf(name), 'token'), form)).status;
  }

  async function grantIdOf({ access_token }: Tokens): Promise<string> {
    const [document] = await server.services.store.read([tokenKey('acme', sha256(access_token))]);
    return decodeToken(document?.value ?? '{}')?.grantId ?? '';
  }

  async function idOf(username: string): Promise<string> {
    return (await server.services.registry.findUserByLogin('acme', username))?.user.id ?? '';
  }

  describe('of all that was issued', () => {
    let tokens: Record<string, Tokens>;
    const of = (name: string): Tokens => tokens[name] ?? { access_token: '', clientId: '' };
    beforeEach(async () => {
      tokens = await issueAll();
    });

    describe('a cut', () => {
      const george = ['laptop dc-ui', 'laptop app', 'phone dc-ui'];

      it.each([
        ['of the realm', async () => '', names.filter((name) => name !== 'elsewhere')],
        ['of a client', async () => clientNode('dc-ui'), ['laptop dc-ui', 'phone dc-ui', 'ada dc-ui']],
        ['of a service', async () => clientNode('ds-engine'), ['service', 'service jwt']],
        ['of a user', async () => userNode(await idOf('george.becker')), george],
        [
          'of a session',
          async () => sessionNode(of('laptop dc-ui').session_state ?? ''),
          ['laptop dc-ui', 'laptop app'],
        ],
        ['of a grant', async () => grantNode(await grantIdOf(of('laptop dc-ui'))), ['laptop dc-ui']],
      ])(
        '%s kills what is below and nothing beside, and not what comes after',
        async (_what, node, below) => {
          const cut = { cut: await node(), realm: 'acme', ttl: 60 };

          await server.services.store.commit([cut]);
          // Who cuts also tells (as `token revoke-all` does): what is cached of clients is asked for anew.
          for (const { id } of people.clients) server.services.registry.forgetClient('acme', id);

          const later = await issueAll();
          expect(await dead(tokens)).toEqual(below);
          expect(await dead(later)).toEqual([]);
        },
      );
    });

    it('ends a grant, and no more, with a revoked refresh token', async () => {
      const { refresh_token = '' } = of('laptop dc-ui');

      const form = { token: refresh_token, client_id: 'dc-ui' };
      const answer = await postForm(server.endpoint('acme', 'revoke'), form);

      expect(answer.status).toBe(200);
      expect(await dead(tokens)).toEqual(['laptop dc-ui']);
    });

    it('ends a whole session at a logout with a refresh token', async () => {
      const { refresh_token = '' } = of('laptop dc-ui');

      const form = { refresh_token, client_id: 'dc-ui' };
      const answer = await postForm(server.endpoint('acme', 'logout'), form);

      expect(answer.status).toBe(204);
      expect(await dead(tokens)).toEqual(['laptop dc-ui', 'laptop app']);
    });
  });

  it('asks for the password again in a session that was ended', async () => {
    const agent = createAgent(server.url);
    const { form } = await obtainCode(server, { realm: 'acme', agent });
    const { session_state = '' } = await redeem(form);
    await server.services.store.commit([{ close: sessionNode(session_state), realm: 'acme', ttl: 60 }]);

    const silent = obtainCode(server, { realm: 'acme', agent, params: { prompt: 'none' } });

    await expect(silent).rejects.toThrow('login_required');
    await expect(obtainCode(server, { realm: 'acme', agent })).resolves.toHaveProperty('code');
  });

  it('shows no difference between a token that was cut and one that never was', async () => {
    const { access_token } = await token('acme', { grant_type: 'client_credentials' }, service);
    await server.services.store.commit([{ cut: '', realm: 'acme', ttl: 60 }]);
    const ask = (value: string) =>
      postForm(server.endpoint('acme', 'token/introspect'), { token: value }, { auth: gateway });

    const answers = [await ask(access_token), await ask('dpa_never')];

    expect(answers.map(({ status, text }) => [status, text])).toEqual([
      [200, '{"active":false}'],
      [200, '{"active":false}'],
    ]);
  });

  it('turns cut tokens away at userinfo too', async () => {
    const { form } = await obtainCode(server, { realm: 'acme' });
    const { access_token } = await redeem(form);
    const userinfo = () =>
      fetch(server.endpoint('acme', 'userinfo'), { headers: { authorization: `Bearer ${access_token}` } });
    const before = await userinfo();

    await server.services.store.commit([
      { cut: userNode(await idOf('george.becker')), realm: 'acme', ttl: 60 },
    ]);

    expect([before.status, (await userinfo()).status]).toEqual([200, 401]);
  });
});
