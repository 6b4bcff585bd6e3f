/** One line for each request: what was asked and what came of it, and nothing that would let anybody in. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { obtainCode } from '../support/browserless.ts';
import { get, postForm } from '../support/http.ts';
import { assertionType, clientAssertion, dpopProof, newKey } from '../support/proofs.ts';
import { acme, engine, gateway, george, warehouse } from '../support/realms.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

const lines: string[] = [];
const key = await newKey();

let server: TestServer;
beforeAll(async () => {
  const byKey = {
    id: 'by-key',
    grants: ['client_credentials'],
    tokenEndpointAuthMethod: 'private_key_jwt',
    jwks: { keys: [key.publicJwk] },
  };
  server = await startTestServer({
    log: lines,
    env: { DAYPASS_LOG: 'debug' },
    realms: [
      acme({ name: 'strict', registration: { open: true }, clients: [...acme().clients, byKey] }),
      acme({ name: 'keycloak', profile: 'keycloak' }),
    ],
  });
});
afterAll(() => server?.stop());
beforeEach(() => {
  lines.length = 0;
});

const token = (form: Record<string, string> | string, auth?: readonly [string, string], realm = 'strict') =>
  postForm(server.endpoint(realm, 'token'), form, auth && { auth });

/** The line of the last request. It is written after the answer. */
const lastLine = () =>
  expect
    .poll(() => lines.map((line) => JSON.parse(line)).findLast((line) => 'outcome' in line), {
      timeout: 60_000,
    })
    .toBeDefined()
    .then(() => JSON.parse(lines.findLast((line) => line.includes('"outcome"')) ?? '{}'));

describe('the line of a request', () => {
  it('says who got what', async () => {
    const answer = await token({ grant_type: 'client_credentials' }, engine);

    expect(await lastLine()).toMatchObject({
      requestId: answer.headers.get('x-request-id'),
      method: 'POST',
      route: 'token',
      realm: 'strict',
      client: 'ds-engine',
      grant: 'client_credentials',
      outcome: 'ok',
      status: 200,
      ms: expect.any(Number),
    });
  });

  it('names the person or the client that calls the admin API', async () => {
    const audience = { resource: 'urn:daypass:admin' };
    const called = async (form: Record<string, string>, auth?: readonly [string, string]) => {
      const { access_token: bearer } = (await token(form, auth)).json;
      lines.length = 0;
      await get(`${server.url}/admin/v1/realms/strict`, { authorization: `Bearer ${bearer}` });
      await expect.poll(() => lines.some((line) => line.includes('"route":"admin"'))).toBe(true);
      return JSON.parse(lines.find((line) => line.includes('"route":"admin"')) ?? '{}');
    };

    const person = await called({ ...george, ...audience });
    const client = await called({ grant_type: 'client_credentials', ...audience }, engine);

    expect(person).toMatchObject({ user: expect.stringMatching(/^[0-9a-f-]{36}$/) });
    expect(person).not.toHaveProperty('client');
    expect(client).toMatchObject({ client: 'ds-engine' });
    expect(client).not.toHaveProperty('user');
  });

  it('says which code answered', async () => {
    await token({ grant_type: 'client_credentials' }, engine);
    const fast = await lastLine();
    lines.length = 0;
    await token(george);

    expect([fast.path, (await lastLine()).path]).toEqual(['fast', 'library']);
  });

  it.each([
    [
      'a wrong secret',
      { grant_type: 'client_credentials' },
      ['ds-engine', 'wrong'],
      'invalid_client',
      'invalid secret provided',
    ],
    [
      'an unknown client',
      { grant_type: 'client_credentials' },
      ['nobody', 'wrong'],
      'invalid_client',
      'client not found',
    ],
    [
      'a wrong password',
      { ...george, password: 'wrong' },
      undefined,
      'invalid_grant',
      'invalid user credentials',
    ],
    [
      'a forged refresh token',
      { grant_type: 'refresh_token', client_id: 'dc-ui', refresh_token: 'x' },
      undefined,
      'invalid_grant',
      'refresh token not found',
    ],
    [
      'no client at all',
      { grant_type: 'client_credentials' },
      undefined,
      'invalid_client',
      'no client authentication mechanism provided',
    ],
  ] as const)(
    'says why %s was refused, which the caller is not told',
    async (_what, form, auth, outcome, reason) => {
      const answer = await token(form, auth);

      expect(await lastLine()).toMatchObject({ outcome, reason });
      expect(answer.text).not.toContain(reason);
    },
  );

  it('says of what is refused early what it was', async () => {
    await token('grant_type=password&a=1&a=2');

    expect(await lastLine()).toMatchObject({ outcome: 'invalid_request', status: 400 });
  });

  it.each([
    ['unknown token', 'made-up', gateway],
    ['not for this caller', undefined, ['portal', 'portal-secret'] as const],
  ])('says why a token is inactive: %s', async (reason, made, caller) => {
    const value = made ?? (await token(george)).json.access_token;
    lines.length = 0;

    await postForm(server.endpoint('strict', 'token/introspect'), { token: value }, { auth: caller });

    expect(await lastLine()).toMatchObject({
      route: 'introspection',
      client: caller[0],
      outcome: 'ok',
      reason,
    });
  });

  it.each<
    [string, Record<string, string>, readonly [string, string] | undefined, Record<string, string>, string]
  >([
    [
      'an assertion of another key',
      { client_assertion_type: assertionType, grant_type: 'client_credentials' },
      undefined,
      {},
      'client authentication failed: the signature is wrong',
    ],
    [
      'a header with broken percent-encoding',
      { grant_type: 'client_credentials' },
      ['%zz', '%zz'],
      {},
      'client_id and client_secret in the authorization header are not properly encoded: the percent-encoding is broken',
    ],
    [
      'an assertion that is none',
      { client_assertion: 'rubbish', client_assertion_type: assertionType, grant_type: 'client_credentials' },
      undefined,
      {},
      'invalid client_assertion format: no JWT',
    ],
  ])('names in words what was wrong with %s', async (_, form, auth, headers, reason) => {
    const assertion = await clientAssertion(await newKey(), 'by-key', server.issuer('strict'));
    const raw = auth && { authorization: `Basic ${Buffer.from(auth.join(':')).toString('base64')}` };
    await postForm(
      server.endpoint('strict', 'token'),
      'client_assertion_type' in form && !('client_assertion' in form)
        ? { ...form, client_assertion: assertion }
        : form,
      { headers: { ...headers, ...raw } },
    );

    expect(await lastLine()).toMatchObject({ reason });
  });

  it('says that the revocation of a JWT went well', async () => {
    const issued = await token({ grant_type: 'client_credentials', resource: warehouse }, engine);
    expect(issued.json.access_token.split('.')).toHaveLength(3);
    lines.length = 0;

    await postForm(
      server.endpoint('strict', 'revoke'),
      { token: issued.json.access_token },
      { auth: engine },
    );

    const line = await lastLine();
    expect(line).toMatchObject({ route: 'revocation', client: 'ds-engine', outcome: 'ok', status: 200 });
    expect(line).not.toHaveProperty('reason');
  });

  it('tells a logout by token from a revocation', async () => {
    const { refresh_token } = (await token(george)).json;
    lines.length = 0;

    await postForm(server.endpoint('strict', 'logout'), { client_id: 'dc-ui', refresh_token });

    expect(await lastLine()).toMatchObject({ route: 'logout', client: 'dc-ui', outcome: 'ok', status: 204 });
  });

  it.each<[string, string, () => Promise<unknown>]>([
    [
      'end_session_confirm',
      'could not find logout details',
      () => postForm(`${server.endpoint('strict', 'logout')}/confirm`, { xsrf: 'x', logout: 'yes' }),
    ],
    [
      'code_verification',
      'could not find device form details',
      () => postForm(`${server.issuer('strict')}/device`, { xsrf: 'x', user_code: 'BBBB-BBBB' }),
    ],
    [
      'device_resume',
      'authorization request has expired',
      () => get(`${server.issuer('strict')}/device/unknown`),
    ],
  ])('says why a page of %s was refused', async (route, reason, ask) => {
    await ask();

    expect(await lastLine()).toMatchObject({ route, outcome: 'invalid_request', reason });
  });

  it('repeats no grant that there is not', async () => {
    await token({ grant_type: 'my_password_by_mistake' }, engine);

    const line = await lastLine();
    expect(line).toMatchObject({ outcome: 'unsupported_grant_type' });
    expect(line).not.toHaveProperty('grant');
  });
});

it.each(['strict', 'keycloak'])(
  'keeps secrets, tokens, codes, names and addresses out of the log of a %s realm',
  async (realm) => {
    const secrets = [
      'my_password',
      'george.becker',
      'george@acme.test',
      'ds-engine-secret',
      'gateway-secret',
      'hunter2-by-mistake',
    ];
    const note = (...values: unknown[]) => {
      for (const value of values) if (typeof value === 'string' && value.length > 8) secrets.push(value);
    };
    const send = (form: Record<string, string>, auth?: readonly [string, string]) => token(form, auth, realm);
    const endpoint = (name: string) => server.endpoint(realm, name);

    const login = (await send({ ...george, scope: 'openid email' })).json;
    const refreshed = (
      await send({ grant_type: 'refresh_token', client_id: 'dc-ui', refresh_token: login.refresh_token })
    ).json;
    note(
      login.access_token,
      login.refresh_token,
      login.id_token,
      refreshed.access_token,
      refreshed.refresh_token,
    );
    const { form, code } = await obtainCode(server, { realm });
    note(code, form['code_verifier']);
    const redeemed = (await send({ ...form })).json;
    note(redeemed.access_token, redeemed.refresh_token);
    await send({ ...form });
    await send({ ...george, password: 'hunter2-by-mistake' });
    await send({ ...george, username: 'hunter2-by-mistake' });
    await send({ grant_type: 'hunter2-by-mistake' }, ['hunter2-by-mistake', 'hunter2-by-mistake']);
    await send({ grant_type: 'client_credentials', scope: 'hunter2-by-mistake' }, engine);
    await send({ grant_type: 'client_credentials', resource: 'https://hunter2-by-mistake' }, engine);
    const assertion = await clientAssertion(key, 'by-key', 'https://hunter2-by-mistake');
    const broken = `${assertion.split('.')[0]}.aHVudGVyMi1ieS1taXN0YWtl.AAAA`;
    note(assertion, broken, 'aHVudGVyMi1ieS1taXN0YWtl');
    for (const client_assertion of [assertion, broken]) {
      await send({
        grant_type: 'client_credentials',
        client_assertion,
        client_assertion_type: assertionType,
      });
    }
    const proof = await dpopProof(key, { url: 'https://hunter2-by-mistake' });
    note(proof);
    await postForm(endpoint('token'), { ...george }, { headers: { dpop: proof } });
    await postForm(
      endpoint('token'),
      { ...george },
      { headers: { dpop: broken, origin: 'https://hunter2-by-mistake' } },
    );
    const pushed = {
      client_id: 'dc-ui',
      response_type: 'code',
      redirect_uri: 'http://localhost:3000/demo/callback',
    };
    await postForm(endpoint('ext/par/request'), { ...pushed, claims: 'hunter2-by-mistake' });
    await postForm(endpoint('ext/par/request'), { ...pushed, authorization_details: 'hunter2-by-mistake' });
    await postForm(endpoint('token/introspect'), { token: login.access_token }, { auth: gateway });
    await postForm(endpoint('token/introspect'), { token: broken }, { auth: gateway });
    await postForm(
      endpoint('token/introspect'),
      { token: 'x', token_type_hint: 'hunter2-by-mistake' },
      { auth: gateway },
    );
    await get(endpoint('userinfo'), { authorization: `Bearer ${login.access_token}` });
    await get(`${endpoint('userinfo')}?access_token=${login.access_token}`);
    await get(endpoint('userinfo'), { authorization: 'Bearer hunter2-by-mistake' });
    await postForm(endpoint('revoke'), { client_id: 'dc-ui', token: login.access_token });
    await postForm(endpoint('logout'), { client_id: 'dc-ui', refresh_token: refreshed.refresh_token });
    await get(`${endpoint('auth')}?client_id=dc-ui&state=hunter2-by-mistake&login_hint=george@acme.test`);
    await get(`${server.url}/realms/${realm}/hunter2-by-mistake?token=${login.access_token}`);
    await postForm(`${server.issuer(realm)}/clients-registrations/openid-connect`, 'hunter2-by-mistake', {
      headers: { 'content-type': 'application/json' },
    });
    await lastLine();

    const text = lines.join('');
    expect(lines.length).toBeGreaterThan(20);
    expect(secrets.length).toBeGreaterThan(12);
    for (const secret of secrets) expect([secret, text.includes(secret)]).toEqual([secret, false]);
  },
);
