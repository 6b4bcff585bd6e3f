/** A person's own page: what it lists, what its forms do, and for whom. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { sessionPointer, sessionsOf } from '../../src/oidc/records/record-placement.ts';
import type { Write } from '../../src/storage/port/port.ts';
import { callback, kindOf, obtain, type Request, respond, walk } from '../support/authorization.ts';
import { postForm } from '../support/http.ts';
import { gateway } from '../support/realms.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { createVisitor, formOf, type Person, signIn, type View, type Visitor } from '../support/visitor.ts';
import { browserRealm } from './oidc-realm.ts';

let server: TestServer;
let person: Person;
let count = 0;

beforeAll(async () => {
  server = await startTestServer({ realms: [browserRealm(), browserRealm({ name: 'second' })] });
});
afterAll(() => server?.stop());
beforeEach(async () => {
  count += 1;
  person = { username: `person${count}`, password: 'a_long_password' };
  await server.services.registry.createUser('acme', { ...person, name: 'Some Body', roles: ['analyst'] });
});

const address = '/realms/acme/account';
const laptop =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36';
const phone =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1';

const isHere = async (visitor: Visitor) =>
  'code' in (await respond(server, { visitor, params: { prompt: 'none' } }));

async function open(userAgent = laptop): Promise<{ visitor: Visitor; page: View }> {
  const visitor = createVisitor(server.url, { 'user-agent': userAgent });
  return { visitor, page: await signIn(visitor, await visitor.open(address), person) };
}

const tokensOf = (request: Request = {}) => obtain(server, { person, ...request });
const isActive = async (token: string) =>
  (await postForm(server.endpoint('acme', 'token/introspect'), { token }, { auth: gateway })).json.active;
const refreshes = async (token: string, clientId: string) =>
  (
    await postForm(server.endpoint('acme', 'token'), {
      grant_type: 'refresh_token',
      refresh_token: token,
      client_id: clientId,
    })
  ).status === 200;

describe('the account page', () => {
  it('asks who is not signed in to do so, and nobody twice', async () => {
    const visitor = createVisitor(server.url);
    const login = await visitor.open(address);
    const { visitor: known } = await walk(server, { person });

    expect(kindOf(login)).toBe('login');
    expect((await known.open(address)).text).toContain('Some Body');
  });

  it('says so where a browser keeps no cookies, instead of going round', async () => {
    const view = await createVisitor(server.url).visit(`${address}?iss=x`);

    expect(view.status).toBe(403);
  });

  it('lists the sessions, this one first, and with what they were begun', async () => {
    const elsewhere = await open(phone);
    await tokensOf({ visitor: elsewhere.visitor });
    const { page } = await open();

    const rows = [...page.text.matchAll(/<h3><span dir="auto">([^<]+)<\/span>(.*?)<\/h3>/g)];
    expect(rows.map(([, device]) => device)).toEqual(['Chrome on Linux', 'Safari on iPhone']);
    expect(rows.map(([, , badge]) => badge !== '')).toEqual([true, false]);
    expect(page.text).toContain('Sales App');
    expect(page.text).not.toContain('daypass-account');
  });

  it('shows this session also when a program has begun very many since, and ends them all', async () => {
    const { visitor } = await open();
    const { id } = (await server.services.registry.findUserByLogin('acme', person.username))?.user ?? {};
    const uids = Array.from({ length: 450 }, (_, i) => `uid${i}`);
    const writes = (uid: string) => begin(uid, id ?? '');
    await server.services.store.commit(uids.flatMap(writes));

    const page = await visitor.open(address);
    const after = await visitor.submit(page, {}, '/end-other-sessions');

    expect(page.text).toContain('Chrome on Linux');
    expect(page.text.match(/<h3>/g)).toHaveLength(101);
    expect(after.text.match(/<h3>/g)).toHaveLength(1);
    const left = await server.services.store.list(sessionsOf('acme', id ?? ''), { limit: 1000 });
    expect(left.members).toHaveLength(1);
  });

  /** A session as the library files it. */
  function begin(uid: string, accountId: string): Write[] {
    const ttl = 86_400;
    return [
      { put: { realm: 'acme', kind: 'session', id: uid }, value: JSON.stringify({ uid, accountId }), ttl },
      { put: sessionPointer('acme', uid), value: uid, ttl },
      { index: sessionsOf('acme', accountId), member: uid, ttl },
    ];
  }

  it('is not kept by the browser and loads nothing from elsewhere', async () => {
    const { page } = await open();

    expect(page.headers.get('cache-control')).toBe('no-store');
    expect(page.headers.get('content-security-policy')).toContain("form-action 'self';");
  });
});

describe('ending sessions', () => {
  it('ends one with all its tokens and no other', async () => {
    const elsewhere = await tokensOf();
    const { visitor, page } = await open();
    const other = page.forms.filter(({ action }) => action.endsWith('/end-session'))[1];

    const after = await visitor.follow(await visitor.post(other?.action ?? '', other?.fields ?? {}));

    expect(after.url.search).toBe('?done=session_ended');
    expect(after.text).toContain('role="status"');
    expect(await isHere(elsewhere.visitor)).toBe(false);
    expect(await isActive(elsewhere.json.access_token)).toBe(false);
    expect(await isHere(visitor)).toBe(true);
  });

  it('ends all others', async () => {
    const first = await tokensOf();
    const second = await tokensOf();
    const { visitor, page } = await open();

    await visitor.submit(page, {}, '/end-other-sessions');

    expect(await Promise.all([first, second].map((one) => isHere(one.visitor)))).toEqual([false, false]);
    expect(await refreshes(first.json.refresh_token, 'app')).toBe(false);
    expect(await isHere(visitor)).toBe(true);
  });

  it('signs out here', async () => {
    const { visitor, page } = await open();

    const after = await visitor.submit(page, {}, '/end-session');

    expect(kindOf(after)).toBe('login');
    expect(await isHere(visitor)).toBe(false);
  });

  it("is of one's own sessions only", async () => {
    const george = await obtain(server);
    const { visitor, page } = await open();
    const id = (await george.visitor.open(address)).forms[0]?.fields['id'] ?? '';

    const view = await visitor.submit(page, { id }, '/end-session');

    expect(view.status).toBe(404);
    expect(await isHere(george.visitor)).toBe(true);
  });
});

describe('withdrawing a consent', () => {
  const scope = 'openid offline_access reports:read';

  it('kills every token that the client has, offline ones too, and none of another', async () => {
    const params = { scope, prompt: 'consent' };
    const offline = await tokensOf({ clientId: 'asks-once', params });
    const online = await tokensOf({ clientId: 'asks-once', params: { scope: 'openid reports:read' } });
    const other = await tokensOf({ clientId: 'app', params: { scope: 'openid reports:read' } });
    const { visitor, page } = await open();

    const after = await visitor.submit(page, {}, '/withdraw');

    expect(after.url.search).toBe('?done=consent_withdrawn');
    expect(page.text).toContain('Sales App');
    expect(after.text).not.toContain('/account/withdraw');
    for (const { json } of [offline, online]) {
      expect(await isActive(json.access_token)).toBe(false);
      expect(await refreshes(json.refresh_token, 'asks-once')).toBe(false);
    }
    expect(await isActive(other.json.access_token)).toBe(true);
    expect(await refreshes(other.json.refresh_token, 'app')).toBe(true);
  });

  it('is there for every client that the person was asked about, even one of the house', async () => {
    const params = { scope, prompt: 'consent' };
    const { json } = await tokensOf({ clientId: 'app', params });
    const always = await tokensOf({ clientId: 'asks-always', params });
    const { visitor, page } = await open();
    const forms = page.forms.filter(({ action }) => action.endsWith('/withdraw'));

    for (const { action, fields } of forms) await visitor.post(action, fields);

    expect(forms).toHaveLength(2);
    expect(await refreshes(json.refresh_token, 'app')).toBe(false);
    expect(await refreshes(always.json.refresh_token, 'asks-always')).toBe(false);
  });

  it('shows the logo of the client, wherever it lies', async () => {
    const logoUri = 'https://cdn.example/logo.png';
    const id = `logo-${person.username}`;
    await server.services.registry.createClient('acme', {
      id,
      logoUri,
      public: true,
      grants: ['authorization_code'],
      redirectUris: [callback],
    });
    const { visitor } = await walk(server, { person, clientId: id });

    const page = await visitor.open(address);

    expect(page.text).toContain(`<img src="${logoUri}"`);
    expect(page.headers.get('content-security-policy')).toContain("img-src 'self' https://cdn.example");
  });

  it('has the person asked again, also in a session that goes on', async () => {
    const { visitor } = await tokensOf({ clientId: 'asks-once' });
    await visitor.submit(await visitor.open(address), {}, '/withdraw');

    const { asked } = await walk(server, { person, visitor, clientId: 'asks-once' });

    expect(asked).toEqual(['consent']);
  });
});

describe('changing the password', () => {
  const wanted = 'another_long_one';
  const change = (fields: Record<string, string> = {}) => ({
    current_password: person.password,
    new_password: wanted,
    repeat_password: wanted,
    ...fields,
  });

  it('keeps this browser signed in and ends everything else', async () => {
    const elsewhere = await tokensOf();
    const here = await open();
    const own = await tokensOf({ visitor: here.visitor });
    const before = here.visitor.cookie('_session')?.value;

    const after = await here.visitor.submit(here.page, change(), '/change-password');

    expect(after.url.search).toBe('?done=password_changed');
    expect(here.visitor.cookie('_session')?.value).not.toBe(before);
    expect(await isHere(here.visitor)).toBe(true);
    expect(await isHere(elsewhere.visitor)).toBe(false);
    for (const { json } of [own, elsewhere]) {
      expect(await isActive(json.access_token)).toBe(false);
      expect(await refreshes(json.refresh_token, 'app')).toBe(false);
    }
    expect(await isActive((await tokensOf({ visitor: here.visitor })).json.access_token)).toBe(true);
  });

  it('counts from the next login on', async () => {
    const { visitor, page } = await open();
    await visitor.submit(page, change(), '/change-password');
    const fresh = createVisitor(server.url);

    const old = await signIn(fresh, await fresh.open(address), person);
    const now = await signIn(fresh, old, { ...person, password: wanted });

    expect(old.status).toBe(400);
    expect(now.text).toContain('Some Body');
  });

  it.each([
    ['the current one is wrong', { current_password: 'no' }, 'current_password'],
    ['the two differ', { repeat_password: 'other_long_one' }, 'repeat_password'],
    ['it is too short', { new_password: 'short', repeat_password: 'short' }, 'new_password'],
    ['everybody has it', { new_password: 'password123', repeat_password: 'password123' }, 'new_password'],
    [
      'it is the old one',
      { new_password: 'a_long_password', repeat_password: 'a_long_password' },
      'new_password',
    ],
    [
      'a field is missing',
      { current_password: '', new_password: '', repeat_password: '' },
      'current_password',
    ],
  ])('does nothing when %s, and says where', async (_name, fields, wrong) => {
    const { visitor, page } = await open();

    const view = await visitor.submit(page, change(fields), '/change-password');

    expect(view.status).toBe(400);
    expect(view.text).toMatch(new RegExp(`name="${wrong}"[^>]* aria-invalid="true"`));
    const fresh = createVisitor(server.url);
    expect((await signIn(fresh, await fresh.open(address), person)).text).toContain('Some Body');
  });

  it('is no way to try passwords: it locks like a login', async () => {
    const { visitor, page } = await open();
    for (let left = 10; left > 0; left -= 1) {
      await visitor.submit(page, change({ current_password: 'guess' }), '/change-password');
    }

    const view = await visitor.submit(page, change(), '/change-password');

    expect(view.status).toBe(400);
  });
});

describe('forged requests', () => {
  const actions = ['end-session', 'end-other-sessions', 'change-password'];

  it.each(actions)('are refused: %s', async (action) => {
    const elsewhere = await tokensOf();
    const { visitor, page } = await open();
    const { action: url, fields } = formOf(page, `/${action}`);
    const password = {
      current_password: person.password,
      new_password: 'forged_pass',
      repeat_password: 'forged_pass',
    };
    const filled = { ...fields, ...password };
    const another = (await open()).page;

    const answers = [
      await visitor.post(url, { id: fields['id'] ?? '', ...password }),
      await visitor.post(url, { ...filled, csrf: 'x' }),
      await visitor.post(url, { ...filled, csrf: formOf(another, `/${action}`).fields['csrf'] ?? '' }),
      await visitor.post(url, {
        ...filled,
        csrf: formOf(page, actions.find((one) => one !== action) ?? '').fields['csrf'] ?? '',
      }),
      await visitor.post(url, filled, { 'sec-fetch-site': 'same-site' }),
      await visitor.post(url, filled, { origin: 'https://evil.example' }),
      await visitor.visit(`${url}?${new URLSearchParams(filled)}`),
    ];

    expect(answers.map(({ status }) => status)).toEqual([403, 403, 403, 403, 403, 403, 404]);
    expect(await isHere(elsewhere.visitor)).toBe(true);
    expect(await isHere(visitor)).toBe(true);
  });

  it('without a session change nothing either', async () => {
    const { page } = await open();
    const { action, fields } = formOf(page, '/change-password');

    const view = await createVisitor(server.url).post(action, fields);

    expect(view.location?.pathname).toBe('/realms/acme/protocol/openid-connect/auth');
  });

  it('of another kind than a form are refused', async () => {
    const { visitor, page } = await open();
    const { action, fields } = formOf(page, '/change-password');

    const json = await visitor.post(action, fields, { 'content-type': 'application/json' });

    expect(json.status).toBe(400);
  });
});

describe('a realm', () => {
  it('knows nothing of the sessions of another', async () => {
    const { visitor } = await open();

    expect(kindOf(await visitor.open('/realms/second/account'))).toBe('login');
  });
});
