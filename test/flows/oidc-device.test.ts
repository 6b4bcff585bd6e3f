/** Devices without a browser (RFC 8628) and requests that a person approves elsewhere (OpenID CIBA). */
import { decodeJwt } from 'jose';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { kindOf, userinfo, walk } from '../support/authorization.ts';
import { type Answer, postForm } from '../support/http.ts';
import { gateway } from '../support/realms.ts';
import { useServer } from '../support/use-server.ts';
import { createVisitor, type Person, signIn, type View, type Visitor } from '../support/visitor.ts';
import { browserRealm } from './oidc-realm.ts';

const server = useServer({ realms: [browserRealm()] });
afterEach(() => {
  vi.useRealTimers();
});

/** Moves every clock of this process. */
function later(seconds: number): void {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + seconds * 1000 });
}

describe('the device flow', () => {
  const start = async (scope?: string): Promise<Answer['json']> =>
    (
      await postForm(server.endpoint('acme', 'auth/device'), {
        client_id: 'tv',
        ...(scope === undefined ? {} : { scope }),
      })
    ).json;
  const poll = (deviceCode: string, clientId = 'tv') =>
    postForm(server.endpoint('acme', 'token'), {
      grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
      device_code: deviceCode,
      client_id: clientId,
    });

  /** From the address to the page that shows the code. */
  async function compare(visitor: Visitor, userCode: string): Promise<View> {
    const page = await visitor.open('/realms/acme/device');
    return visitor.submit(page, { user_code: userCode });
  }

  async function approve(userCode: string, visitor = createVisitor(server.url)): Promise<View> {
    let view = await visitor.submit(await compare(visitor, userCode), { confirm: 'yes' });
    if (kindOf(view) === 'login') view = await signIn(visitor, view);
    return kindOf(view) === 'consent' ? visitor.submit(view, { decision: 'allow' }) : view;
  }

  it('tells the device what to show, where, and how often to ask', async () => {
    const json = await start('openid');

    expect(json).toEqual({
      device_code: expect.stringMatching(/^[\w-]{43}$/),
      user_code: expect.stringMatching(/^[B-DF-HJ-NP-TV-XZ]{4}-[B-DF-HJ-NP-TV-XZ]{4}$/),
      verification_uri: `${server.issuer('acme')}/device`,
      verification_uri_complete: `${server.issuer('acme')}/device?user_code=${json.user_code}`,
      expires_in: 600,
      interval: 5,
    });
  });

  it('gives tokens once a person has said yes, and once only', async () => {
    const { device_code, user_code } = await start('openid email reports:read reports:write');
    const waiting = await poll(device_code);

    const done = await approve(user_code);

    const { status, json } = await poll(device_code);
    expect(waiting).toMatchObject({ status: 400, json: { error: 'authorization_pending' } });
    expect(done.status).toBe(200);
    expect(done.text).toContain('Living Room TV');
    expect(status).toBe(200);
    expect(json.scope.split(' ').toSorted()).toEqual(['email', 'openid', 'reports:read']);
    expect(json.refresh_token).toBeTypeOf('string');
    expect(decodeJwt(json.id_token).aud).toBe('tv');
    expect((await userinfo(server, json.access_token)).json).toMatchObject({ email: 'george@acme.test' });
    expect(await poll(device_code)).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
  });

  it('grants all that there is to give when no scope was named', async () => {
    const { device_code, user_code } = await start();
    await approve(user_code);

    const { json } = await poll(device_code);

    expect(json.scope.split(' ').toSorted()).toEqual(['dashboards:read', 'metrics:read', 'reports:read']);
  });

  it('refuses a scope that does not exist', async () => {
    expect(await start('no:such')).toMatchObject({ error: 'invalid_scope' });
  });

  it('asks nobody to sign in who is signed in, but always shows what is asked', async () => {
    const { visitor } = await walk(server);
    const { user_code } = await start('openid');

    const view = await visitor.submit(await compare(visitor, user_code), { confirm: 'yes' });

    expect(['consent', undefined]).toContain(kindOf(view));
  });

  it.each([
    [
      'posts the form',
      (visitor: Visitor, code: string) => visitor.post('/realms/acme/device', { user_code: code }),
    ],
    [
      'comes back from a sign-in',
      (visitor: Visitor) => visitor.open(`/realms/acme/device/${'x'.repeat(43)}`),
    ],
  ])('gives a browser whose session is gone, and which %s, a form that works', async (_name, come) => {
    const { user_code } = await start('openid');
    const visitor = createVisitor(server.url);

    const refused = await come(visitor, user_code);

    expect(refused.status).toBe(400);
    expect(refused.text).toContain('Please type the code again');
    const next = await visitor.submit(refused, { user_code });
    expect(next.text).toContain('Living Room TV');
  });

  it.each(['auth/device', 'ext/ciba/auth'])(
    'is not for clients that are not registered for it: %s',
    async (endpoint) => {
      const answer = await postForm(
        server.endpoint('acme', endpoint),
        { scope: 'openid' },
        { auth: gateway },
      );

      expect(answer).toMatchObject({ status: 400, json: { error: 'unauthorized_client' } });
    },
  );

  it('takes the code as people type it', async () => {
    const { user_code } = await start('openid');

    const view = await compare(createVisitor(server.url), ` ${user_code.toLowerCase().replace('-', ' ')} `);

    expect(view.status).toBe(200);
    expect(view.text).toContain(user_code);
  });

  it('fills in the code of the complete address, and goes no further by itself', async () => {
    const { user_code, verification_uri_complete } = await start('openid');
    const visitor = createVisitor(server.url);

    const page = await visitor.open(verification_uri_complete);
    const shown = await visitor.submit(page, { user_code });

    expect(page.text).toContain(`value="${user_code}"`);
    expect(page.text).not.toContain('<script');
    expect(shown.text).toContain('name="confirm"');
  });

  it('puts a code from an address into the page as text only', async () => {
    const page = await createVisitor(server.url).open('/realms/acme/device?user_code=%22%3E%3Cscript%3E');

    expect(page.text).toContain('value="&quot;&gt;&lt;script&gt;"');
  });

  it.each([
    ['wrong', async () => 'BBBB-BBBB'],
    ['missing', async () => ' '],
    ['used', usedCode],
    ['expired', expiredCode],
  ])('says so when a code is %s, and asks again', async (_name, make) => {
    const view = await compare(createVisitor(server.url), await make());

    expect(view.status).toBe(400);
    expect(view.text).toContain('aria-invalid="true"');
    expect(view.text).toContain('name="user_code"');
  });

  async function usedCode(): Promise<string> {
    const { user_code } = await start('openid');
    await approve(user_code);
    return user_code;
  }

  async function expiredCode(): Promise<string> {
    const { user_code } = await start('openid');
    later(601);
    return user_code;
  }

  it('tells the device when the person said no', async () => {
    const { device_code, user_code } = await start('openid');
    const visitor = createVisitor(server.url);

    const view = await visitor.submit(await compare(visitor, user_code), { abort: 'yes' });

    expect(view.status).toBe(400);
    expect(await poll(device_code)).toMatchObject({ status: 400, json: { error: 'access_denied' } });
  });

  it('tells the device when the person turned back at the login page or did not agree', async () => {
    const [atLogin, atConsent] = [await start('openid'), await start('openid phone')];
    const first = createVisitor(server.url);
    const second = createVisitor(server.url);

    await first.submit(
      await first.submit(await compare(first, atLogin.user_code), { confirm: 'yes' }),
      {},
      '/cancel',
    );
    const login = await second.submit(await compare(second, atConsent.user_code), { confirm: 'yes' });
    await second.submit(await signIn(second, login), { decision: 'deny' });

    expect((await poll(atLogin.device_code)).json).toMatchObject({ error: 'access_denied' });
    expect((await poll(atConsent.device_code)).json).toMatchObject({ error: 'access_denied' });
  });

  it('tells a device that asks too often to slow down, and keeps no answer from it', async () => {
    const { device_code, user_code } = await start('openid');

    const answers = [await poll(device_code), await poll(device_code)].map(({ json }) => json.error);
    later(5);
    answers.push((await poll(device_code)).json.error);
    await approve(user_code);

    expect(answers).toEqual(['authorization_pending', 'slow_down', 'authorization_pending']);
    expect((await poll(device_code)).status).toBe(200);
  });

  it('tells the device when the code has expired', async () => {
    const { device_code } = await start('openid');
    later(601);

    expect(await poll(device_code)).toMatchObject({ status: 400, json: { error: 'expired_token' } });
  });

  it('is of the client that began it', async () => {
    const { device_code, user_code } = await start('openid');
    await approve(user_code);

    expect(await poll(device_code, 'app')).toMatchObject({ status: 400 });
    expect(await poll('nonsense')).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
  });

  it('takes no form that is not its own', async () => {
    const { user_code } = await start('openid');
    const visitor = createVisitor(server.url);
    await compare(visitor, user_code);

    const view = await visitor.post('/realms/acme/device', { user_code, confirm: 'yes' });

    expect(view.status).toBe(400);
    expect(kindOf(view)).toBeUndefined();
  });
});

describe('CIBA', () => {
  const auth = ['till', 'till-secret'] as const;
  const ask = (form: Record<string, string> = {}) =>
    postForm(
      server.endpoint('acme', 'ext/ciba/auth'),
      { scope: 'openid reports:read reports:write', login_hint: person.username, ...form },
      { auth },
    );
  const poll = (id: string) =>
    postForm(
      server.endpoint('acme', 'token'),
      { grant_type: 'urn:openid:params:grant-type:ciba', auth_req_id: id },
      { auth },
    );

  /** Nobody who waits for an answer to another test. */
  let person: Person;
  let count = 0;
  beforeEach(async () => {
    count += 1;
    person = { username: `person${count}`, password: 'a_long_password' };
    await server.services.registry.createUser('acme', { ...person, roles: ['analyst'] });
  });

  /** The account page of somebody who has to sign in for it first. */
  async function accountOf(who = person) {
    const visitor = createVisitor(server.url);
    return { visitor, account: await signIn(visitor, await visitor.open('/realms/acme/account'), who) };
  }

  it('gives tokens once the person has approved at the account page', async () => {
    const { status, json } = await ask({ binding_message: 'Till 7' });
    const waiting = await poll(json.auth_req_id);
    const { visitor, account } = await accountOf();

    const after = await visitor.submit(account, { decision: 'approve' }, '/decide');

    const tokens = await poll(json.auth_req_id);
    expect([status, json.expires_in]).toEqual([200, 120]);
    expect(waiting.json).toMatchObject({ error: 'authorization_pending' });
    expect(account.text).toContain('Till 7');
    expect(account.text).toContain('Till');
    expect(after.url.search).toBe('?done=request_approved');
    expect(after.text).not.toContain('Till 7');
    expect(tokens.status).toBe(200);
    expect(tokens.json.scope.split(' ').toSorted()).toEqual(['openid', 'reports:read']);
    expect((await userinfo(server, tokens.json.access_token)).json.sub).toBe(
      decodeJwt(tokens.json.id_token).sub,
    );
    expect((await poll(json.auth_req_id)).json).toMatchObject({ error: 'invalid_grant' });
  });

  it('says of the tokens what the login was worth that the approval was given in', async () => {
    const { json } = await ask({ acr_values: '1' });
    const { visitor, account } = await accountOf();

    await visitor.submit(account, { decision: 'approve' }, '/decide');

    const { id_token } = (await poll(json.auth_req_id)).json;
    expect(decodeJwt(id_token)).toMatchObject({ acr: '1' });
  });

  it('tells the client when the person said no', async () => {
    const { json } = await ask();
    const { visitor, account } = await accountOf();

    await visitor.submit(account, { decision: 'deny' }, '/decide');

    expect((await poll(json.auth_req_id)).json).toMatchObject({ error: 'access_denied' });
  });

  it.each([
    ['approve', 'consent.given'],
    ['deny', 'consent.declined'],
  ])('is in the audit log when the person says %s', async (decision, kind) => {
    await ask();
    const { visitor, account } = await accountOf();
    await visitor.submit(account, { decision }, '/decide');

    const found = await server.services.registry.findUserByLogin('acme', person.username);
    const filter = { kind, actor: found?.user.id };
    const { events } = await server.services.audit.search('acme', filter, { limit: 9 });
    expect(events).toMatchObject([{ object: { kind: 'consent', id: 'till' }, source: { ip: '127.0.0.1' } }]);
  });

  it('tells the client to slow down', async () => {
    const { json } = await ask();

    const answers = [await poll(json.auth_req_id), await poll(json.auth_req_id)];

    expect(answers.map((answer) => answer.json.error)).toEqual(['authorization_pending', 'slow_down']);
  });

  it('is over after its time, for the client and at the account page', async () => {
    const { json } = await ask({ binding_message: 'Too late' });
    later(121);

    const { account } = await accountOf();

    expect(account.text).not.toContain('Too late');
    expect((await poll(json.auth_req_id)).json).toMatchObject({ error: 'expired_token' });
  });

  it('shows a request to its person only, who alone can answer it', async () => {
    const { json } = await ask({ binding_message: 'For one' });
    const owner = await accountOf();
    const ada = await accountOf({ username: 'ada', password: 'ada_password' });
    await ask({ login_hint: 'ada' });
    const own = await ada.visitor.open('/realms/acme/account');
    const id = owner.account.forms.find(({ action }) => action.endsWith('/decide'))?.fields['id'] ?? '';

    const stolen = await ada.visitor.submit(own, { id, decision: 'approve' }, '/decide');

    expect(ada.account.text).not.toContain('For one');
    expect(stolen.status).toBe(404);
    expect((await poll(json.auth_req_id)).json).toMatchObject({ error: 'authorization_pending' });
  });

  it.each([
    [{ login_hint: 'nobody' }, 'unknown_user_id'],
    [{ binding_message: 'x'.repeat(65) }, 'invalid_binding_message'],
    [{ scope: 'reports:read' }, 'invalid_request'],
    [{ scope: 'openid no:such' }, 'invalid_scope'],
    [{ login_hint: '' }, 'invalid_request'],
  ])('refuses %o', async (form, error) => {
    expect(await ask(form)).toMatchObject({ status: 400, json: { error } });
  });

  it('knows a person by an ID token as well', async () => {
    const first = await ask();
    const { visitor, account } = await accountOf();
    await visitor.submit(account, { decision: 'approve' }, '/decide');
    const { id_token } = (await poll(first.json.auth_req_id)).json;

    const answer = await postForm(
      server.endpoint('acme', 'ext/ciba/auth'),
      { scope: 'openid', id_token_hint: id_token },
      { auth },
    );

    expect(answer.status).toBe(200);
  });
});
