/** What changes of users, clients and realms do to what was issued before, and to what is asked for afterwards. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { randomId } from '../../src/base/random.ts';
import type { Client, User } from '../../src/registry/model/model.ts';
import { type Agent, createAgent, obtainCode } from '../support/browserless.ts';
import { postForm } from '../support/http.ts';
import { type Engine, engines } from '../support/raw-store.ts';
import { acme, gateway, engine as service } from '../support/realms.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

const password = 'my_password';
const redirectUris = ['http://localhost:3000/demo/callback'];
const machine = { grant_type: 'client_credentials' };

type Login = { readonly agent: Agent; readonly access_token: string; readonly refresh_token: string };

describe.each(engines)('on %s', (_name, open) => {
  let engine: Engine;
  let server: TestServer;
  let passwordHash: string | undefined;
  let user: User;
  let client: Client;

  beforeAll(async () => {
    engine = await open();
    server = await startTestServer({ store: engine.url, realms: [acme()] });
    passwordHash = (await registry().findUserByLogin('acme', 'george.becker'))?.user.passwordHash;
  });
  afterAll(async () => {
    await server?.stop();
    await engine?.stop();
  });

  /** A user and a client that no other test knows. */
  beforeEach(async () => {
    const username = `u-${randomId()}`;
    user = await registry().createUser('acme', { username, passwordHash, roles: ['analyst'] });
    client = await registry().createClient('acme', {
      id: `c-${randomId()}`,
      public: true,
      firstParty: true,
      grants: ['password', 'authorization_code', 'refresh_token'],
      redirectUris,
    });
  });

  const registry = () => server.services.registry;
  const change = (fields: Partial<User>) =>
    registry().updateUser('acme', user.id, (now) => ({ ...now, ...fields }));
  const changeClient = (fields: Partial<Client>, id = client.id) =>
    registry().updateClient('acme', id, (now) => ({ ...now, ...fields }));

  const token = (form: Readonly<Record<string, string>>, auth?: readonly [string, string]) =>
    postForm(server.endpoint('acme', 'token'), form, auth && { auth });
  const introspect = (value: string, auth: readonly [string, string] = gateway) =>
    postForm(server.endpoint('acme', 'token/introspect'), { token: value }, { auth });
  const isActive = async (value: string): Promise<boolean> => (await introspect(value)).json.active;
  const refresh = ({ refresh_token }: Login) =>
    token({ grant_type: 'refresh_token', client_id: client.id, refresh_token });
  const byPassword = (secret = password) =>
    token({ grant_type: 'password', client_id: client.id, username: user.username, password: secret });
  const codeBy = (agent: Agent, params: Record<string, string> = {}, secret = password) =>
    obtainCode(server, {
      realm: 'acme',
      clientId: client.id,
      username: user.username,
      password: secret,
      agent,
      params,
    });

  async function logIn(): Promise<Login> {
    const { form, agent } = await codeBy(createAgent(server.url));
    const { json, status } = await token(form);
    expect(status).toBe(200);
    return { ...json, agent };
  }

  async function expectDead(login: Login): Promise<void> {
    expect(await isActive(login.access_token)).toBe(false);
    expect(await refresh(login)).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
  }

  async function expectAlive(login: Login): Promise<void> {
    expect(await isActive(login.access_token)).toBe(true);
    expect(await refresh(login)).toMatchObject({ status: 200 });
  }

  describe('a disabled user', () => {
    it('has nothing that works and gets nothing', async () => {
      const login = await logIn();
      const { form } = await codeBy(login.agent);

      await change({ enabled: false });

      await expectDead(login);
      expect(await token(form)).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
      expect(await byPassword()).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
      await expect(codeBy(login.agent, { prompt: 'none' })).rejects.toThrow('login_required');
      await expect(codeBy(createAgent(server.url))).rejects.toThrow('sign-in failed: 400');
    });

    it('who is enabled again gets new tokens, and the old ones stay dead', async () => {
      const before = await logIn();
      await change({ enabled: false });

      await change({ enabled: true });

      await expectDead(before);
      await expect(codeBy(before.agent, { prompt: 'none' })).rejects.toThrow('login_required');
      await expectAlive(await logIn());
    });
  });

  it('kills everything of a user who gets another password', async () => {
    const login = await logIn();

    await change({ password: 'another_password' });

    await expectDead(login);
    await expect(codeBy(login.agent, { prompt: 'none' })).rejects.toThrow('login_required');
    expect(await byPassword()).toMatchObject({ status: 400 });
    const answer = await byPassword('another_password');
    expect(await isActive(answer.json.access_token)).toBe(true);
  });

  it('kills everything of a user who loses a role, and gives less from then on', async () => {
    const login = await logIn();

    await change({ roles: [] });

    await expectDead(login);
    const answer = await byPassword();
    expect(answer).toMatchObject({ status: 200, json: { scope: '' } });
    expect(await isActive(answer.json.access_token)).toBe(true);
  });

  it('kills nothing of a user who gets a role or another name', async () => {
    const login = await logIn();

    await change({ roles: ['analyst', 'engine'], name: 'Somebody Else', email: `${randomId()}@acme.test` });

    await expectAlive(login);
  });

  it('kills everything of a user who is removed, whoever has the name then', async () => {
    const login = await logIn();

    await registry().removeUser('acme', user.id);
    await registry().createUser('acme', { ...user, passwordHash });

    await expectDead(login);
  });

  describe('a disabled client', () => {
    it('has nothing that works and gets nothing, while others go on', async () => {
      const login = await logIn();
      const { form } = await codeBy(login.agent);
      const other = { grant_type: 'password', client_id: 'dc-ui', username: user.username, password };
      const { access_token } = (await token(other)).json;

      await changeClient({ enabled: false });

      expect(await isActive(login.access_token)).toBe(false);
      const asked = [await refresh(login), await token(form), await byPassword()];
      expect(asked.map(({ status, json }) => [status, json.error])).toEqual(
        asked.map(() => [401, 'invalid_client']),
      );
      await expect(codeBy(login.agent)).rejects.toThrow('invalid_client');
      expect(await isActive(access_token)).toBe(true);
    });

    it('that is enabled again gets new tokens, and the old ones stay dead', async () => {
      const before = await logIn();
      await changeClient({ enabled: false });

      await changeClient({ enabled: true });

      await expectDead(before);
      await expectAlive(await logIn());
    });

    it('neither gets service tokens nor learns of any', async () => {
      const { access_token } = (await token(machine, service)).json;
      await changeClient({ enabled: false }, 'ds-engine');
      const asked = [await token(machine, service), await introspect(access_token, service)];
      const isLive = await isActive(access_token);
      await changeClient({ enabled: true }, 'ds-engine');

      expect(asked).toMatchObject([
        { status: 401, json: { error: 'invalid_client' } },
        { status: 401, json: { error: 'invalid_client' } },
      ]);
      expect(isLive).toBe(false);
      expect(await isActive(access_token)).toBe(false);
      expect(await isActive((await token(machine, service)).json.access_token)).toBe(true);
    });
  });

  it.each<[string, Partial<Client>, string]>([
    ['loses a role', { roles: [] }, ''],
    ['gets a ceiling', { permissions: ['analytics:reports:read'] }, 'reports:read'],
  ])('kills everything of a client that %s, and gives less from then on', async (_what, fields, scope) => {
    const id = `s-${randomId()}`;
    const auth = [id, 'long-secret'] as const;
    const grants: Client['grants'] = ['client_credentials'];
    await registry().createClient('acme', { id, secret: auth[1], grants, roles: ['engine'] });
    const { access_token } = (await token(machine, auth)).json;

    await changeClient(fields, id);

    expect(await isActive(access_token)).toBe(false);
    const answer = await token(machine, auth);
    expect(answer).toMatchObject({ status: 200, json: { scope } });
    expect(await isActive(answer.json.access_token)).toBe(true);
  });

  it('kills nothing of a client that gets another name or address', async () => {
    const login = await logIn();

    await changeClient({ clientName: 'Another', redirectUris: [...redirectUris, 'http://localhost:3000/x'] });

    await expectAlive(login);
  });

  it('kills everything of a client that is removed, whoever has the name then', async () => {
    const login = await logIn();

    await registry().removeClient('acme', client.id);
    await registry().createClient('acme', client);

    await expectDead(login);
    await expectAlive(await logIn());
  });

  it('answers nothing in a disabled realm, and nothing old lives when it is enabled again', async () => {
    const login = await logIn();
    const enable = (enabled: boolean) => registry().updateRealm('acme', (realm) => ({ ...realm, enabled }));

    await enable(false);
    const asked = [await introspect(login.access_token), await refresh(login), await byPassword()];
    await enable(true);

    expect(asked.map(({ status }) => status)).toEqual([403, 403, 403]);
    await expectDead(login);
    await expectAlive(await logIn());
  });
});
