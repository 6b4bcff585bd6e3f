/** When a person is asked whether a client may, what they are told, and what becomes of the answer. */
import { beforeEach, describe, expect, it } from 'vitest';
import { obtain, type Request, requestUrl, respond, walk } from '../support/authorization.ts';
import { postForm } from '../support/http.ts';
import { gateway } from '../support/realms.ts';
import { useServer } from '../support/use-server.ts';
import { createVisitor, formOf, responseOf, signIn } from '../support/visitor.ts';
import { browserRealm } from './oidc-realm.ts';

const server = useServer();

/** A realm of its own for each test: consents are remembered. */
let realm: string;
let count = 0;
beforeEach(async () => {
  count += 1;
  realm = `realm-${count}`;
  const { realmFile } = await import('../../src/registry/model/model.ts');
  await server.services.registry.applyRealm(realmFile.parse(browserRealm({ name: realm })));
});

const here = (request: Request = {}) => ({ realm, ...request });
const asks = async (request: Request) => (await walk(server, here(request))).asked.includes('consent');
const scopeOf = async (request: Request) => (await obtain(server, here(request))).json.scope;

describe('a client of the house', () => {
  it('is never asked about, unless it asks for it', async () => {
    expect(await asks({ params: { scope: 'openid email reports:read' } })).toBe(false);
    expect(await asks({ params: { scope: 'openid', prompt: 'consent' } })).toBe(true);
  });
});

describe('a client that asks once', () => {
  const clientId = 'asks-once';
  const params = { scope: 'openid email reports:read' };

  it('is not asked about again, in this session or another', async () => {
    const { visitor, asked } = await walk(server, here({ clientId, params }));

    expect(asked).toEqual(['login', 'consent']);
    expect(await asks({ clientId, params, visitor })).toBe(false);
    expect(await asks({ clientId, params })).toBe(false);
    expect(await asks({ clientId, params: { scope: 'openid' } })).toBe(false);
  });

  it.each([
    ['scopes', { scope: 'openid email phone reports:read' }],
    ['permissions', { scope: 'openid email reports:read metrics:read' }],
    ['claims', { ...params, claims: JSON.stringify({ userinfo: { address: null } }) }],
    ['APIs', { ...params, resource: 'https://warehouse.acme.test' }],
  ])('is asked about again for more %s', async (_name, more) => {
    await walk(server, here({ clientId, params }));

    expect(await asks({ clientId, params: more })).toBe(true);
  });

  it('keeps what was allowed before when it asks for something else', async () => {
    await walk(server, here({ clientId, params: { scope: 'openid email' } }));
    await walk(server, here({ clientId, params: { scope: 'openid phone' } }));

    expect(await asks({ clientId, params: { scope: 'openid email phone' } })).toBe(false);
  });

  it('gets nothing when the person declines, and is asked about the next time', async () => {
    const visitor = createVisitor(server.url);
    const page = await signIn(visitor, await visitor.open(requestUrl(server, here({ clientId, params }))));

    const view = await visitor.submit(page, { decision: 'deny' });

    expect(responseOf(view)).toMatchObject({
      error: 'access_denied',
      state: 'st',
      iss: server.issuer(realm),
    });
    expect(await asks({ clientId, params, visitor })).toBe(true);
  });

  it('cannot have an answer without a question', async () => {
    const { visitor } = await walk(server, here());

    expect(await respond(server, here({ clientId, visitor, params: { prompt: 'none' } }))).toMatchObject({
      error: 'consent_required',
    });
  });

  it('gets what a role brings later only after the person has seen it', async () => {
    const wanted = { scope: 'openid reports:read python:execute' };
    const { visitor } = await walk(server, here({ clientId, params: wanted }));
    const found = await server.services.registry.findUserByLogin(realm, 'george.becker');
    const before = await scopeOf({ clientId, visitor, params: wanted });
    await server.services.registry.updateUser(realm, found?.user.id ?? '', (user) => ({
      ...user,
      roles: [...user.roles, 'engine'],
    }));

    const { visitor: current, asked } = await walk(server, here({ clientId, visitor, params: wanted }));

    expect(before).not.toContain('python:execute');
    expect(asked).toContain('consent');
    expect(await scopeOf({ clientId, visitor: current, params: wanted })).toContain('python:execute');
  });

  it('of the house gets what a role brings later in the same session', async () => {
    const wanted = { scope: 'openid reports:read python:execute' };
    const { visitor } = await walk(server, here({ params: wanted }));
    const found = await server.services.registry.findUserByLogin(realm, 'george.becker');
    await server.services.registry.updateUser(realm, found?.user.id ?? '', (user) => ({
      ...user,
      roles: [...user.roles, 'engine'],
    }));

    expect(await scopeOf({ visitor, params: wanted })).toContain('python:execute');
  });
});

describe('a client that asks every time', () => {
  it('is asked about in one session and without a word more', async () => {
    const { visitor } = await walk(server, here({ clientId: 'asks-always' }));

    expect(await asks({ clientId: 'asks-always', visitor })).toBe(true);
    expect(
      await respond(server, here({ clientId: 'asks-always', visitor, params: { prompt: 'none' } })),
    ).toMatchObject({ error: 'consent_required' });
  });
});

describe('a native client', () => {
  const redirectUri = 'http://127.0.0.1:5555/cb';

  it('is asked about every time: nobody knows which program listens there', async () => {
    const { visitor } = await walk(server, here({ clientId: 'native', redirectUri }));

    expect(await asks({ clientId: 'native', redirectUri, visitor })).toBe(true);
  });

  it('of the house is not', async () => {
    expect(await asks({ clientId: 'native-own', redirectUri })).toBe(false);
  });
});

describe('the page', () => {
  const pageOf = async (params: Record<string, string>, clientId = 'asks-once', redirectUri?: string) => {
    const visitor = createVisitor(server.url);
    const request = here({ clientId, params, ...(redirectUri === undefined ? {} : { redirectUri }) });
    const view = await signIn(visitor, await visitor.open(requestUrl(server, request)));
    return { visitor, view };
  };

  it('names the client, where it leads, and what the person can give', async () => {
    const { view } = await pageOf({ scope: 'openid email reports:read reports:write' });

    expect(view.text).toContain('Sales App');
    expect(view.text).toContain('app.example');
    expect(view.text).toContain('reports:read');
    expect(view.text).not.toContain('reports:write');
  });

  it('says how long access lasts that outlives the session', async () => {
    const { view } = await pageOf({ scope: 'openid offline_access', prompt: 'consent' });

    expect(view.text).toContain('60 days');
  });

  it('takes no answer that is not from it, and does not count one as a no', async () => {
    const { visitor, view } = await pageOf({ scope: 'openid' });
    const { action, fields } = formOf(view, '');

    const forged = await visitor.post(action, { decision: 'allow' });
    const foreign = await visitor.post(
      action,
      { ...fields, decision: 'allow' },
      { origin: 'https://evil.example' },
    );
    const real = await visitor.submit(view, { decision: 'allow' });

    expect([forged.status, foreign.status]).toEqual([400, 400]);
    expect(forged.text).toContain('name="decision"');
    expect(responseOf(real)).toHaveProperty('code');
  });

  it('lets a form end at the address that the client has', async () => {
    const web = (await pageOf({ scope: 'openid' })).view;
    const loopback = (await pageOf({ scope: 'openid' }, 'native', 'http://127.0.0.1:7777/cb')).view;
    const scheme = (await pageOf({ scope: 'openid' }, 'native', 'com.example.app:/cb')).view;

    const targets = (view: typeof web) =>
      /form-action ([^;]+)/.exec(view.headers.get('content-security-policy') ?? '')?.[1];
    expect(targets(web)).toBe("'self' https: https://app.example");
    expect(targets(loopback)).toBe("'self' https: http://localhost:* http://127.0.0.1:*");
    expect(targets(scheme)).toBe("'self' https: com.example.app:");
  });
});

describe('offline access', () => {
  const offline = { scope: 'openid offline_access reports:read', prompt: 'consent' };
  const refresh = async (token: string) =>
    (
      await postForm(server.endpoint(realm, 'token'), {
        grant_type: 'refresh_token',
        refresh_token: token,
        client_id: 'asks-once',
      })
    ).status;
  const isActive = async (token: string) =>
    (await postForm(server.endpoint(realm, 'token/introspect'), { token }, { auth: gateway })).json.active;

  async function endSession(visitor: Awaited<ReturnType<typeof obtain>>['visitor']) {
    const account = await visitor.open(`${server.issuer(realm)}/account`);
    await visitor.submit(account, {}, '/end-session');
  }

  it('outlives the session', async () => {
    const { json, visitor } = await obtain(server, here({ clientId: 'asks-once', params: offline }));

    await endSession(visitor);

    expect(json.scope).toContain('offline_access');
    expect(await refresh(json.refresh_token)).toBe(200);
  });

  it('is not had without asking, and then all ends with the session', async () => {
    const params = { scope: offline.scope };
    const { json, visitor } = await obtain(server, here({ clientId: 'asks-once', params }));

    await endSession(visitor);

    expect(json.scope).not.toContain('offline_access');
    expect(await isActive(json.access_token)).toBe(false);
    expect(await refresh(json.refresh_token)).toBe(400);
  });
});
