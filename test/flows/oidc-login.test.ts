/** Who is asked to sign in and when; what a session is worth to a client. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { callback, kindOf, obtain, requestUrl, respond, walk } from '../support/authorization.ts';
import { postForm } from '../support/http.ts';
import { useServer } from '../support/use-server.ts';
import { createVisitor, formOf, responseOf, signIn } from '../support/visitor.ts';
import { browserRealm } from './oidc-realm.ts';

/** Nobody is asked for consent, so that the login page is the only one that people see. */
const linked = {
  id: 'linked',
  public: true,
  firstParty: true,
  grants: ['authorization_code'],
  redirectUris: [callback],
  policyUri: 'https://app.example/privacy',
  tosUri: 'https://app.example/terms',
};
const server = useServer({
  realms: [
    browserRealm({
      acrValues: ['pwd', 'pwd+otp'],
      clients: [...browserRealm().clients, linked],
    }),
    browserRealm({ name: 'keyed', profile: 'keycloak' }),
  ],
});
afterEach(() => {
  vi.useRealTimers();
});

const ada = { username: 'ada', password: 'ada_password' };
const hour = 3600;

/** Moves every clock of this process. */
function later(seconds: number): void {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + seconds * 1000 });
}

it('tells who goes back to a sign-in that is done that the page has expired', async () => {
  const visitor = createVisitor(server.url);
  const page = await visitor.open(requestUrl(server, {}));
  const posted = await visitor.post(formOf(page, '').action, { ...formOf(page, '').fields, ...ada });
  const resume = posted.location ?? '';
  await visitor.visit(resume);

  const again = await visitor.visit(resume);

  expect(again.status).toBe(400);
  expect(again.text).toContain('This page has expired');
});

it('shows the policy and terms of the client before anybody signs in (OIDC Registration §2)', async () => {
  const text = async (clientId: string) =>
    (await createVisitor(server.url).open(requestUrl(server, { clientId }))).text;

  expect(await text('linked')).toMatch(
    /href="https:\/\/app\.example\/privacy".*href="https:\/\/app\.example\/terms"/s,
  );
  expect(await text('app')).not.toContain('class="links"');
});

describe('prompt', () => {
  it('none answers at once: with a code for who is signed in, else with an error', async () => {
    const { visitor } = await walk(server);

    expect(await respond(server, { visitor, params: { prompt: 'none' } })).toHaveProperty('code');
    expect(await respond(server, { params: { prompt: 'none' } })).toMatchObject({ error: 'login_required' });
  });

  it('login asks for the password again, and auth_time moves', async () => {
    const { visitor, claims: before } = await obtain(server, { params: { max_age: '9999' } });
    later(100);

    const { claims, walk: walked } = await obtain(server, { visitor, params: { prompt: 'login' } });

    expect(walked.asked).toEqual(['login']);
    expect(claims.auth_time).toBeGreaterThanOrEqual(before.auth_time + 100);
    expect(claims.sub).toBe(before.sub);
  });

  it('select_account lets the person go on as somebody else', async () => {
    const { visitor, claims: george } = await obtain(server);

    const { claims, walk: walked } = await obtain(server, {
      visitor,
      person: ada,
      params: { prompt: 'select_account' },
    });

    expect(walked.asked).toEqual(['login']);
    expect(claims.sub).not.toBe(george.sub);
  });

  it('none must stand alone, and what is not known is refused', async () => {
    expect(await respond(server, { params: { prompt: 'none login' } })).toMatchObject({
      error: 'invalid_request',
    });
    expect(await respond(server, { params: { prompt: 'create' } })).toMatchObject({
      error: 'invalid_request',
    });
  });
});

describe('signing in as somebody else', () => {
  it('ends the session of who was there', async () => {
    const first = await obtain(server);

    await walk(server, { visitor: first.visitor, person: ada, params: { prompt: 'login' } });

    const answer = await postForm(server.endpoint('acme', 'token'), {
      grant_type: 'refresh_token',
      refresh_token: first.json.refresh_token,
      client_id: 'app',
    });
    expect(answer).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
  });

  it('needs no script: redirects all the way', async () => {
    const { visitor } = await walk(server);

    const { view } = await walk(server, { visitor, person: ada, params: { prompt: 'login' } });

    expect(responseOf(view)).toHaveProperty('code');
  });
});

describe('max_age', () => {
  it('asks again when the login is older', async () => {
    const { visitor } = await walk(server);
    later(120);

    const young = await walk(server, { visitor, params: { max_age: '3600' } });
    const old = await walk(server, { visitor, params: { max_age: '60' } });

    expect(young.asked).toEqual([]);
    expect(old.asked).toEqual(['login']);
  });

  it('puts auth_time into the ID token, and 0 always asks', async () => {
    const { visitor, claims } = await obtain(server, { params: { max_age: '3600' } });

    const again = await walk(server, { visitor, params: { max_age: '0' } });

    expect(claims.auth_time).toBeTypeOf('number');
    expect(again.asked).toEqual(['login']);
  });

  it('is what the client registered when it says nothing', async () => {
    const { visitor } = await walk(server);
    later(120);

    expect((await walk(server, { visitor, clientId: 'ages' })).asked).toEqual(['login']);
  });

  it('is not needed by a client that requires auth_time', async () => {
    expect((await obtain(server, { clientId: 'auth-time' })).claims.auth_time).toBeTypeOf('number');
    expect((await obtain(server)).claims.auth_time).toBeUndefined();
  });
});

describe('acr', () => {
  const essential = (value: object) => JSON.stringify({ id_token: { acr: { essential: true, ...value } } });

  it('is told when wished for, even where the wish is not met', async () => {
    expect((await obtain(server, { params: { acr_values: 'pwd+otp pwd' } })).claims.acr).toBe('pwd');
    expect((await obtain(server, { params: { acr_values: 'pwd+otp' } })).claims.acr).toBe('pwd');
  });

  it('is had when it is essential and a password is enough', async () => {
    const { claims } = await obtain(server, {
      params: { claims: essential({ values: ['pwd+otp', 'pwd'] }) },
    });

    expect(claims.acr).toBe('pwd');
  });

  it.each([{ value: 'pwd+otp' }, { values: ['pwd+otp', 'phr'] }])(
    'fails the request when it is essential and cannot be had: %o',
    async (value) => {
      const { view, asked } = await walk(server, { params: { claims: essential(value) } });

      expect(asked.length).toBeLessThan(2);
      expect(responseOf(view)).toMatchObject({ error: 'unmet_authentication_requirements', state: 'st' });
    },
  );
});

describe('hints', () => {
  it('login_hint fills in the name', async () => {
    const page = await createVisitor(server.url).open(
      requestUrl(server, { params: { login_hint: 'a"b@x.test' } }),
    );

    expect(page.text).toContain('value="a&quot;b@x.test"');
  });

  it('id_token_hint asks unless that very person is signed in', async () => {
    const { visitor, json } = await obtain(server);
    const params = { id_token_hint: json.id_token };
    const other = (await walk(server, { person: ada })).visitor;

    expect((await walk(server, { visitor, params })).asked).toEqual([]);
    expect(await respond(server, { visitor: other, params: { ...params, prompt: 'none' } })).toMatchObject({
      error: 'login_required',
    });
  });

  it('ui_locales chooses the language, unless the person has chosen one', async () => {
    const visitor = createVisitor(server.url);
    const german = await visitor.open(requestUrl(server, { params: { ui_locales: 'fr de-AT en' } }));
    const english = await visitor.open(`${german.url.pathname}?ui_locales=en`);
    const wrong = await signIn(visitor, english, { username: 'george.becker', password: 'no' });
    const next = await visitor.open(requestUrl(server, { params: { ui_locales: 'de' } }));

    expect(german.text).toContain('<html lang="de"');
    for (const page of [english, wrong, next]) expect(page.text).toContain('<html lang="en"');
  });

  it('claims_locales is no fault', async () => {
    expect(await respond(server, { params: { claims_locales: 'de' } })).toHaveProperty('code');
  });

  it.each([{ kc_locale: 'de' }, { kc_idp_hint: 'google' }, { kc_action: 'UPDATE_PASSWORD' }])(
    'of Keycloak that mean nothing here do no harm: %o',
    async (params) => {
      expect(await respond(server, { realm: 'keyed', params })).toHaveProperty('code');
    },
  );
});

describe('the login page', () => {
  it('says the same for a wrong password and for nobody', async () => {
    const visitor = createVisitor(server.url);
    const page = await visitor.open(requestUrl(server, {}));

    const wrong = await signIn(visitor, page, { username: 'george.becker', password: 'no' });
    const nobody = await signIn(visitor, page, { username: 'george.becker2', password: 'no' });

    const withoutTokens = (text: string) => text.replaceAll(/value="[^"]+"/g, '');
    expect([wrong.status, nobody.status]).toEqual([400, 400]);
    expect(withoutTokens(nobody.text)).toBe(withoutTokens(wrong.text));
    expect(kindOf({ ...wrong, status: 200 })).toBe('login');
  });

  it.each([' george.becker', 'george.becker ', '\u00a0GEORGE@acme.test\t'])(
    'takes a name with spaces at its ends, as the password grant does: %j',
    async (username) => {
      const visitor = createVisitor(server.url);
      const page = await visitor.open(requestUrl(server, {}));
      const form = { grant_type: 'password', client_id: 'dc-ui', username, password: 'my_password' };

      const signedIn = await signIn(visitor, page, { username, password: 'my_password' });
      const granted = await postForm(server.endpoint('acme', 'token'), form);

      expect(responseOf(signedIn)).toHaveProperty('code');
      expect(granted.status).toBe(200);
    },
  );

  it('takes no form that is not its own', async () => {
    const visitor = createVisitor(server.url);
    const page = await visitor.open(requestUrl(server, {}));
    const { action, fields } = formOf(page, '');
    const person = { username: 'george.becker', password: 'my_password' };

    const without = await visitor.post(action, person);
    const foreign = await visitor.post(action, { ...fields, ...person }, { 'sec-fetch-site': 'cross-site' });
    const origin = await visitor.post(action, { ...fields, ...person }, { origin: 'https://evil.example' });

    expect([without.status, foreign.status, origin.status]).toEqual([400, 400, 400]);
  });

  it('is of the browser that asked', async () => {
    const page = await createVisitor(server.url).open(requestUrl(server, {}));

    const elsewhere = await createVisitor(server.url).open(page.url);

    expect(elsewhere.status).toBe(404);
    expect(elsewhere.text).not.toContain('name="password"');
  });

  it('ends after its time', async () => {
    const visitor = createVisitor(server.url);
    const page = await visitor.open(requestUrl(server, {}));
    later(hour);

    const view = await signIn(visitor, page);

    expect(view.status).toBe(404);
  });

  it('redirects with 303, so that no browser posts the password on', async () => {
    const visitor = createVisitor(server.url);
    const { action, fields } = formOf(await visitor.open(requestUrl(server, {})), '');

    const answer = await visitor.post(action, {
      ...fields,
      username: 'george.becker',
      password: 'my_password',
    });

    expect(answer.status).toBe(303);
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });
});

describe('a session', () => {
  const signedIn = async (more: Record<string, string>) => {
    const visitor = createVisitor(server.url);
    await signIn(visitor, await visitor.open(requestUrl(server, {})), undefined, more);
    return visitor;
  };
  const isThere = async (visitor: Awaited<ReturnType<typeof signedIn>>) =>
    'code' in (await respond(server, { visitor, params: { prompt: 'none' } }));

  it('ends with the browser unless the person wants to stay signed in', async () => {
    const [short, long] = [await signedIn({}), await signedIn({ remember: 'yes' })];

    short.restart();
    long.restart();

    expect([await isThere(short), await isThere(long)]).toEqual([false, true]);
  });

  it('has a cookie that no script reads and no other site sends', async () => {
    const visitor = await signedIn({});

    expect(visitor.cookie('_session')).toMatchObject({
      path: '/realms/acme',
      attributes: { httponly: '', samesite: 'lax' },
    });
    expect(visitor.cookie('_session.sig')).toBeDefined();
  });

  it('goes on as long as it is used, up to its end', async () => {
    const visitor = await signedIn({ remember: 'yes' });
    const alive: boolean[] = [];

    for (let passed = 0; passed < 11; passed += 1) {
      later(0.95 * hour);
      alive.push(await isThere(visitor));
    }

    expect(alive).toEqual([...Array(10).fill(true), false]);
  });

  it('ends when it is not used', async () => {
    const visitor = await signedIn({ remember: 'yes' });
    later(1.05 * hour);

    expect(await isThere(visitor)).toBe(false);
  });

  it('gets a new identifier with each login', async () => {
    const visitor = await signedIn({});
    const before = visitor.cookie('_session')?.value;

    await walk(server, { visitor, params: { prompt: 'login' } });

    expect(visitor.cookie('_session')?.value).not.toBe(before);
  });

  it('of one realm is nothing in another', async () => {
    const visitor = await signedIn({});

    expect(await respond(server, { realm: 'keyed', visitor, params: { prompt: 'none' } })).toMatchObject({
      error: 'login_required',
    });
  });
});
