/**
 * What is taken away while a request that was decided before is on its way: everything has been read, nothing is
 * written yet. Nothing that lives may come of it.
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { randomId } from '../../src/base/random.ts';
import { endSession } from '../../src/revocation/nodes.ts';
import { createAgent, obtainCode } from '../support/browserless.ts';
import { createGate } from '../support/gate.ts';
import { type Answer, postForm } from '../support/http.ts';
import { type Engine, engines } from '../support/raw-store.ts';
import { acme, gateway } from '../support/realms.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

type Who = { readonly userId: string; readonly username: string; readonly clientId: string };
type RequestSource = () => Promise<Answer>;

const password = 'my_password';
const redirectUris = ['http://localhost:3000/demo/callback'];
const web = { secret: 'web-secret', firstParty: true, redirectUris };

describe.each(engines)('on %s', (_name, open) => {
  const gate = createGate();
  let engine: Engine;
  let server: TestServer;
  let passwordHash: string | undefined;

  beforeAll(async () => {
    engine = await open();
    server = await startTestServer({
      store: engine.url,
      realms: [acme()],
      adapt: (services) => ({ ...services, store: gate.through(services.store) }),
    });
    const george = await server.services.registry.findUserByLogin('acme', 'george.becker');
    passwordHash = george?.user.passwordHash;
  });
  afterAll(async () => {
    await server?.stop();
    await engine?.stop();
  });

  const registry = () => server.services.registry;
  const token = (form: Readonly<Record<string, string>>, auth?: readonly [string, string]) =>
    postForm(server.endpoint('acme', 'token'), form, auth && { auth });
  const isActive = async (value: string): Promise<boolean> =>
    (await postForm(server.endpoint('acme', 'token/introspect'), { token: value }, { auth: gateway })).json
      .active;

  /** A user and a client that nobody else uses. */
  async function newcomers(client: Record<string, unknown>): Promise<Who> {
    const username = `u-${randomId()}`;
    const user = await registry().createUser('acme', { username, passwordHash, roles: ['analyst'] });
    const grants = ['password', 'authorization_code', 'refresh_token'] as const;
    const { id } = await registry().createClient('acme', {
      grants: [...grants],
      ...client,
      id: `c-${randomId()}`,
    });
    return { userId: user.id, username, clientId: id };
  }

  const newPublic = () => newcomers({ public: true, firstParty: true, redirectUris });
  const codeFor = ({ username, clientId }: Who) =>
    obtainCode(server, { realm: 'acme', username, password, clientId });

  /** Each resolves to the request that is then interrupted, and to the session that it belongs to. */
  const grants = {
    async password() {
      const who = await newPublic();
      const form = { grant_type: 'password', client_id: who.clientId, username: who.username, password };
      return { who, send: () => token(form), session: undefined };
    },
    async 'authorization code'() {
      const who = await newPublic();
      const { form, agent } = await codeFor(who);
      const other = await obtainCode(server, { realm: 'acme', clientId: who.clientId, agent });
      const { session_state } = (await token(other.form)).json;
      return { who, send: () => token(form), session: session_state };
    },
    async 'rotated refresh token'() {
      const who = await newPublic();
      const { refresh_token, session_state } = (await token((await codeFor(who)).form)).json;
      const form = { grant_type: 'refresh_token', client_id: who.clientId, refresh_token };
      return { who, send: () => token(form), session: session_state };
    },
    async 'kept refresh token'() {
      const who = await newcomers(web);
      const auth = [who.clientId, web.secret] as const;
      const { refresh_token, session_state } = (await token((await codeFor(who)).form, auth)).json;
      const form = { grant_type: 'refresh_token', refresh_token };
      return { who, send: () => token(form, auth), session: session_state };
    },
  } satisfies Record<string, () => Promise<{ who: Who; send: RequestSource; session: string | undefined }>>;

  const cuts: Record<string, (who: Who) => Promise<unknown>> = {
    'a new password': ({ userId }) =>
      registry().updateUser('acme', userId, (user) => ({ ...user, password: 'another_password' })),
    'the loss of a role': ({ userId }) =>
      registry().updateUser('acme', userId, (user) => ({ ...user, roles: [] })),
    'the end of the user': ({ userId }) => registry().removeUser('acme', userId),
    'a disabled user': ({ userId }) => switchUser(userId, false),
    'a user disabled for a moment': async ({ userId }) => {
      await switchUser(userId, false);
      await switchUser(userId, true);
    },
    'a narrower client': ({ clientId }) =>
      registry().updateClient('acme', clientId, (client) => ({ ...client, permissions: [] })),
    'a disabled client': ({ clientId }) => switchClient(clientId, false),
    'a client disabled for a moment': async ({ clientId }) => {
      await switchClient(clientId, false);
      await switchClient(clientId, true);
    },
    'a realm disabled for a moment': async () => {
      await registry().updateRealm('acme', (realm) => ({ ...realm, enabled: false }));
      await registry().updateRealm('acme', (realm) => ({ ...realm, enabled: true }));
    },
  };
  const switchUser = (id: string, enabled: boolean) =>
    registry().updateUser('acme', id, (user) => ({ ...user, enabled }));
  const switchClient = (id: string, enabled: boolean) =>
    registry().updateClient('acme', id, (client) => ({ ...client, enabled }));

  /** The answer to a request that was held up before its commit while `cut` happened. */
  async function interrupted(send: RequestSource, cut: () => Promise<unknown>): Promise<Answer> {
    const held = gate.hold();
    const answer = send();
    await held.arrived;
    await cut();
    held.open();
    return answer;
  }

  type GrantName = keyof typeof grants;
  const grantNames = Object.keys(grants) as GrantName[];
  const table = grantNames.flatMap((grant) => Object.keys(cuts).map((cut) => [grant, cut] as const));

  it.each(table)('gives nothing for a %s after %s', async (grant, cut) => {
    const { who, send } = await grants[grant]();

    const answer = await interrupted(send, async () => cuts[cut]?.(who));

    expect(answer).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
    expect(answer.json).not.toHaveProperty('access_token');
  });

  it.each(grantNames)('gives tokens for a %s when somebody else is cut', async (grant) => {
    const { send } = await grants[grant]();
    const others = await newPublic();

    const answer = await interrupted(send, async () => {
      await cuts['a new password']?.(others);
      await cuts['a disabled client']?.(others);
    });

    expect(answer).toMatchObject({ status: 200 });
    expect(await isActive(answer.json.access_token)).toBe(true);
  });

  it.each(grantNames.filter((name) => name !== 'password'))(
    'gives nothing for a %s after the end of its session',
    async (grant) => {
      const { send, session = '' } = await grants[grant]();

      const answer = await interrupted(send, () =>
        server.services.store.commit([endSession('acme', session)]),
      );

      expect(answer).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
    },
  );

  it('gives no code that is worth anything when a password changes during the authorization', async () => {
    const who = await newPublic();
    const { agent } = await codeFor(who);
    const ask = () => obtainCode(server, { realm: 'acme', clientId: who.clientId, agent });

    const held = gate.hold();
    const asked = ask().then(
      ({ form }) => token(form),
      () => undefined,
    );
    await held.arrived;
    await cuts['a new password']?.(who);
    held.open();

    expect((await asked)?.status ?? 400).toBe(400);
  });

  /** The login page of a new request, in a browser of its own. */
  async function loginPageFor(who: Who) {
    const agent = createAgent(server.url);
    const query = new URLSearchParams({
      client_id: who.clientId,
      redirect_uri: redirectUris[0] ?? '',
      response_type: 'code',
      scope: 'openid',
      code_challenge: 'x'.repeat(43),
      code_challenge_method: 'S256',
    });
    const asked = await agent.open(`${server.endpoint('acme', 'auth')}?${query}`);
    return { agent, page: await agent.open(asked.headers.get('location') ?? '') };
  }

  it('signs nobody in with a password that changes while the sign-in is being written', async () => {
    const who = await newPublic();
    const { agent, page } = await loginPageFor(who);

    const held = gate.hold();
    const submitted = agent.submit(page, { username: who.username, password });
    await held.arrived;
    await cuts['a new password']?.(who);
    held.open();

    expect((await submitted).status).toBe(404);
  });

  it('gives a service what it still has, not what was taken away meanwhile', async () => {
    const id = `c-${randomId()}`;
    const secret = 'service-secret';
    const grantTypes = ['client_credentials'] as const;
    await registry().createClient('acme', { id, secret, grants: [...grantTypes], roles: ['engine'] });
    const ask = () => token({ grant_type: 'client_credentials' }, [id, secret]);

    const answer = await interrupted(ask, () =>
      registry().updateClient('acme', id, (client) => ({ ...client, roles: [] })),
    );

    expect(answer).toMatchObject({ status: 200, json: { scope: '' } });
  });

  it('asks a service to come again where the library was at work by an old picture of it', async () => {
    const id = `c-${randomId()}`;
    const secret = 'service-secret';
    const grantTypes = ['client_credentials'] as const;
    await registry().createClient('acme', { id, secret, grants: [...grantTypes], roles: ['engine'] });
    const url = server.endpoint('acme', 'token');
    // A parameter that the short way does not know.
    const form = { grant_type: 'client_credentials', unknown: 'parameter' };
    const ask = () => postForm(url, form, { auth: [id, secret] });

    const answer = await interrupted(ask, () =>
      registry().updateClient('acme', id, (client) => ({ ...client, roles: [] })),
    );

    expect(answer).toMatchObject({ status: 503, json: { error: 'temporarily_unavailable' } });
    expect(answer.headers.get('retry-after')).toBe('1');
    expect(await ask()).toMatchObject({ status: 200, json: { scope: '' } });
  });

  it('forgets a sign-in whose password changes before the browser goes on', async () => {
    const who = await newPublic();
    const { agent, page } = await loginPageFor(who);
    const signedIn = await agent.submit(page, { username: who.username, password });

    await cuts['a new password']?.(who);

    const resumed = await agent.open(signedIn.headers.get('location') ?? '');
    expect(signedIn.status).toBe(303);
    expect(resumed.headers.get('location') ?? '').not.toContain('code=');
  });
});
