/** RP-initiated logout, and what other clients are told when a session ends. */
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify, SignJWT } from 'jose';

import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createLogger } from '../../src/observability/logger.ts';
import { callback, obtain, redeem, respond, type Tokens, walk } from '../support/authorization.ts';
import { postForm } from '../support/http.ts';
import { newKey } from '../support/jose.ts';
import { type Post, type Receiver, startReceiver } from '../support/receiver.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { createVisitor, type Visitor } from '../support/visitor.ts';
import { browserRealm } from './oidc-realm.ts';

const home = 'https://app.example/bye';
const grants = ['authorization_code', 'refresh_token'];
const app = { public: true, firstParty: true, grants, redirectUris: [callback] };

let server: TestServer;
let receiver: Receiver;
let failing: Receiver;

beforeAll(async () => {
  receiver = await startReceiver();
  failing = await startReceiver(500);
  const payload = { ...app, backchannelLogoutSessionRequired: true };
  const clients = [
    { id: 'app', ...app, postLogoutRedirectUris: [home], clientUri: 'https://app.example/' },
    { id: 'unregistered', ...app },
    { id: 'pairwise', ...app, subjectType: 'pairwise', postLogoutRedirectUris: [home] },
    {
      id: 'told',
      ...payload,
      backchannelLogoutUri: `${receiver.url}/told`,
      postLogoutRedirectUris: [home],
    },
    { id: 'told-briefly', ...app, backchannelLogoutUri: `${receiver.url}/briefly` },
    { id: 'told-too', ...payload, backchannelLogoutUri: `${receiver.url}/told-too` },
    { id: 'deaf', ...payload, backchannelLogoutUri: `${failing.url}/deaf`, postLogoutRedirectUris: [home] },
  ];
  server = await startTestServer({
    realms: [browserRealm({ clients }), browserRealm({ name: 'keyed', profile: 'keycloak', clients })],
    env: { DAYPASS_ALLOW_PRIVATE_FETCH: '1' },
  });
});
afterAll(async () => {
  await server?.stop();
  await receiver?.stop();
  await failing?.stop();
});
afterEach(() => {
  vi.useRealTimers();
});

function logout(visitor: Visitor, params: Record<string, string>, realm = 'acme') {
  const url = new URL(server.endpoint(realm, 'logout'));
  url.search = new URLSearchParams(params).toString();
  return visitor.open(url);
}

async function isSignedIn(visitor: Visitor, realm = 'acme'): Promise<boolean> {
  return 'code' in (await respond(server, { realm, visitor, params: { prompt: 'none' } }));
}

const refresh = (token: string, clientId = 'app') =>
  postForm(server.endpoint('acme', 'token'), {
    grant_type: 'refresh_token',
    refresh_token: token,
    client_id: clientId,
  });

describe.each(['acme', 'keyed'])('with a hint of this session, in realm %s', (realm) => {
  it('ends it and goes back with the state and nothing else', async () => {
    const { visitor, json } = await obtain(server, { realm });

    const view = await logout(
      visitor,
      { id_token_hint: json.id_token, post_logout_redirect_uri: home, state: 'x y' },
      realm,
    );

    expect(view.location?.href).toBe(`${home}?state=x+y`);
    expect(await isSignedIn(visitor, realm)).toBe(false);
    expect(visitor.cookie('_session')).toBeUndefined();
  });

  it('ends it and says so where there is nowhere to go', async () => {
    const { visitor, json } = await obtain(server, { realm });

    const view = await logout(visitor, { id_token_hint: json.id_token }, realm);

    expect(view.status).toBe(200);
    expect(view.text).toContain('You are signed out');
    expect(await isSignedIn(visitor, realm)).toBe(false);
  });
});

describe('a hint', () => {
  it('may be posted', async () => {
    const { visitor, json } = await obtain(server);
    const form = { id_token_hint: json.id_token, post_logout_redirect_uri: home, state: 's' };

    const view = await visitor.follow(await visitor.post(server.endpoint('acme', 'logout'), form));

    expect(view.location?.href).toBe(`${home}?state=s`);
    expect(await isSignedIn(visitor)).toBe(false);
  });

  it('counts when it has expired', async () => {
    const { visitor, json } = await obtain(server);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 2_000_000 });

    const view = await logout(visitor, { id_token_hint: json.id_token, post_logout_redirect_uri: home });

    expect(decodeJwt(json.id_token).exp).toBeLessThan(Date.now() / 1000);
    expect(view.location?.href).toBe(home);
  });

  it('counts for a pairwise subject', async () => {
    const { visitor, json } = await obtain(server, { clientId: 'pairwise' });

    const view = await logout(visitor, { id_token_hint: json.id_token, post_logout_redirect_uri: home });

    expect(view.location?.href).toBe(home);
    expect(await isSignedIn(visitor)).toBe(false);
  });

  it('of somebody else, or of another session, ends nothing without a question', async () => {
    const ada = { username: 'ada', password: 'ada_password' };
    const other = await obtain(server, { person: ada });
    const earlier = await obtain(server, { clientId: 'told' });
    const { visitor } = await obtain(server, { clientId: 'told' });

    for (const hint of [other.json.id_token, earlier.json.id_token]) {
      const view = await logout(visitor, { id_token_hint: hint, post_logout_redirect_uri: home });
      expect(view.forms[0]?.action).toContain('/logout/confirm');
    }
    expect(await isSignedIn(visitor)).toBe(true);
  });

  it.each([
    ['is no token', async () => 'nonsense'],
    ['is signed by somebody else', forge],
    ['is of another realm', async () => (await obtain(server, { realm: 'keyed' })).json.id_token],
  ])('that %s gets a page and ends nothing', async (_name, make) => {
    const { visitor } = await walk(server);

    const view = await logout(visitor, { id_token_hint: await make(), post_logout_redirect_uri: home });

    expect(view.status).toBe(400);
    expect(view.location).toBeUndefined();
    expect(view.headers.get('content-type')).toContain('text/html');
    expect(await isSignedIn(visitor)).toBe(true);
  });

  async function forge(): Promise<string> {
    const { json } = await obtain(server);
    const { kid } = decodeProtectedHeader(json.id_token);
    return new SignJWT(decodeJwt(json.id_token))
      .setProtectedHeader({ alg: 'ES256', ...(kid === undefined ? {} : { kid }) })
      .sign((await newKey()).privateKey);
  }
});

describe('without a hint', () => {
  it('asks first, and ends nothing by itself', async () => {
    const { visitor } = await walk(server);

    const view = await logout(visitor, { client_id: 'app', post_logout_redirect_uri: home });

    expect(view.status).toBe(200);
    expect(view.forms[0]?.action).toBe(`${server.endpoint('acme', 'logout')}/confirm`);
    expect(await isSignedIn(visitor)).toBe(true);
  });

  it('ends the session and all its tokens when the person says so', async () => {
    const { visitor, json } = await obtain(server);
    const page = await logout(visitor, { client_id: 'app', post_logout_redirect_uri: home, state: 's' });

    const view = await visitor.submit(page, { logout: 'yes' });

    expect(view.location?.href).toBe(`${home}?state=s`);
    expect(await isSignedIn(visitor)).toBe(false);
    expect((await refresh(json.refresh_token)).status).toBe(400);
  });

  it('ends with a page when there is nowhere to go', async () => {
    const { visitor } = await walk(server);

    const view = await visitor.submit(await logout(visitor, {}), { logout: 'yes' });

    expect(view.status).toBe(200);
    expect(view.text).toContain('You are signed out');
  });

  it('takes no confirmation that is not from its page', async () => {
    const { visitor } = await walk(server);
    const page = await logout(visitor, { client_id: 'app' });

    const view = await visitor.post(page.forms[0]?.action ?? '', { logout: 'yes' });

    expect(view.status).toBe(400);
    expect(view.text).toContain('This page has expired');
    expect(await isSignedIn(visitor)).toBe(true);
  });
});

describe('where nobody is signed in', () => {
  it('goes straight back to a client that is known', async () => {
    const view = await logout(createVisitor(server.url), {
      client_id: 'app',
      post_logout_redirect_uri: home,
      state: 's',
    });

    expect(view.location?.href).toBe(`${home}?state=s`);
  });

  it('goes straight back with a hint of a session that has ended', async () => {
    const { json } = await obtain(server);

    const view = await logout(createVisitor(server.url), {
      id_token_hint: json.id_token,
      post_logout_redirect_uri: home,
    });

    expect(view.location?.href).toBe(home);
  });

  it('says so otherwise, and goes nowhere for who does not say who asks', async () => {
    const view = await logout(createVisitor(server.url), { post_logout_redirect_uri: home });

    expect(view.status).toBe(200);
    expect(view.location).toBeUndefined();
    expect(view.text).toContain('You are signed out');
  });
});

describe('an address that is not registered', () => {
  it.each([
    ['another one', 'app', 'https://evil.example/'],
    ['a longer one', 'app', `${home}/more`],
    ['a redirect URI', 'app', callback],
    ['any of a client without', 'unregistered', home],
  ])('is refused by a page: %s', async (_name, clientId, target) => {
    const { visitor, json } = await obtain(server, { clientId });

    const hinted = await logout(visitor, { id_token_hint: json.id_token, post_logout_redirect_uri: target });
    const named = await logout(visitor, { client_id: clientId, post_logout_redirect_uri: target });

    expect([hinted.status, named.status]).toEqual([400, 400]);
    expect(hinted.location ?? named.location).toBeUndefined();
    expect(await isSignedIn(visitor)).toBe(true);
  });
});

describe('clients that want to be told', () => {
  const subjectOf = (tokens: Pick<Tokens, 'json'>) => decodeJwt(tokens.json.id_token).sub;
  const sidOf = (tokens: Pick<Tokens, 'json'>) => decodeJwt(tokens.json.id_token)['sid'];
  const tokenIn = (post: Post) => post.form.get('logout_token') ?? '';
  const payloadOf = (sid: unknown) => (post: Post) => decodeJwt(tokenIn(post))['sid'] === sid;

  async function verify(post: Post, audience: string) {
    const keys = createRemoteJWKSet(new URL(server.endpoint('acme', 'certs')));
    const issuer = server.issuer('acme');
    return (await jwtVerify(tokenIn(post), keys, { issuer, audience, typ: 'logout+jwt' })).payload;
  }

  it.each([
    [
      'the client logs the person out',
      (tokens: Tokens) =>
        logout(tokens.visitor, { id_token_hint: tokens.json.id_token, post_logout_redirect_uri: home }),
    ],
    [
      'the person confirms',
      async ({ visitor }: Tokens) =>
        visitor.submit(await logout(visitor, { client_id: 'told' }), { logout: 'yes' }),
    ],
    [
      'the person ends it at the account page',
      async ({ visitor }: Tokens) =>
        visitor.submit(await visitor.open('/realms/acme/account'), {}, '/end-session'),
    ],
    [
      'the client gives back its refresh token',
      ({ json }: Tokens) =>
        postForm(server.endpoint('acme', 'logout'), { client_id: 'told', refresh_token: json.refresh_token }),
    ],
    [
      'somebody else signs in',
      ({ visitor }: Tokens) =>
        walk(server, {
          visitor,
          person: { username: 'ada', password: 'ada_password' },
          params: { prompt: 'login' },
        }),
    ],
    [
      'the person changes the password elsewhere',
      async () => {
        const { visitor } = await walk(server, {});
        const fields = {
          current_password: 'my_password',
          new_password: 'my_password_2',
          repeat_password: 'my_password_2',
        };
        await visitor.submit(await visitor.open('/realms/acme/account'), fields, '/change-password');
        const back = {
          current_password: 'my_password_2',
          new_password: 'my_password',
          repeat_password: 'my_password',
        };
        await visitor.submit(await visitor.open('/realms/acme/account'), back, '/change-password');
      },
    ],
  ])('are told which session it was when %s', async (_name, end) => {
    const tokens = await obtain(server, { clientId: 'told' });

    await end(tokens);

    const post = await receiver.find(payloadOf(sidOf(tokens)));
    const claims = await verify(post, 'told');
    expect(post.path).toBe('/told');
    expect(claims).toMatchObject({
      sub: subjectOf(tokens),
      sid: expect.any(String),
      jti: expect.any(String),
      events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
    });
    expect(claims).not.toHaveProperty('nonce');
    expect((claims.exp ?? 0) - (claims.iat ?? 0)).toBeLessThanOrEqual(120);
  });

  it('are told without the session where they did not ask for it', async () => {
    const tokens = await obtain(server, { clientId: 'told-briefly' });

    await logout(tokens.visitor, { id_token_hint: tokens.json.id_token });

    const claims = await verify(await receiver.find(({ path }) => path === '/briefly'), 'told-briefly');
    expect(claims.sub).toBe(subjectOf(tokens));
    expect(claims).not.toHaveProperty('sid');
  });

  it('cannot hold up a logout by failing', async () => {
    const { visitor, json } = await obtain(server, { clientId: 'deaf' });

    const view = await logout(visitor, { id_token_hint: json.id_token, post_logout_redirect_uri: home });

    expect(view.location?.href).toBe(home);
    expect(await failing.find(({ path }) => path === '/deaf')).toBeDefined();
  });

  it('are all told, each in its own token', async () => {
    const first = await obtain(server, { clientId: 'told' });
    const second = await obtain(server, { clientId: 'told-too', visitor: first.visitor });

    await logout(first.visitor, { id_token_hint: first.json.id_token });

    const posts = await Promise.all([first, second].map((tokens) => receiver.find(payloadOf(sidOf(tokens)))));
    expect(posts.map(({ path }) => path)).toEqual(['/told', '/told-too']);
  });
});

describe('a client at a private address', () => {
  it('is not told unless the operator allows it, and the session ends all the same', async () => {
    const lines = new PassThrough();
    const client = { id: 'told', ...app, backchannelLogoutUri: `${receiver.url}/private` };
    const closed = await startTestServer({
      realms: [browserRealm({ clients: [client] })],
      adapt: (services) => ({
        ...services,
        logger: createLogger('warn', lines),
        background: { ...services.background, pause: async () => true },
      }),
    });
    const walked = await walk(closed, { clientId: 'told' });
    const { json } = await redeem(closed, walked, { clientId: 'told' });

    const view = await walked.visitor.open(
      `${closed.endpoint('acme', 'logout')}?id_token_hint=${json.id_token}`,
    );

    const [line] = await once(lines, 'data');
    await closed.stop();
    expect(view.text).toContain('You are signed out');
    expect(String(line)).toContain('back-channel logout failed');
  });
});
