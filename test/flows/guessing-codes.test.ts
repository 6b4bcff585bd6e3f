/**
 * RFC 6749 §10.10 and RFC 8628 §5.1: guesses at what is redeemed and at user codes are counted by what is guessed at
 * and where from. A trusted proxy says where each request comes from.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { get, postForm } from '../support/http.ts';
import { acme } from '../support/realms.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { useServer } from '../support/use-server.ts';
import { createVisitor } from '../support/visitor.ts';
import { env, from, network, statusesOf, times } from './guessing-support.ts';
import { browserRealm } from './oidc-realm.ts';

describe('what is redeemed', () => {
  let server: TestServer;
  beforeAll(async () => {
    const web = {
      id: 'web',
      secret: 'web-secret',
      grants: ['authorization_code', 'refresh_token'],
      redirectUris: ['https://web.example/cb'],
    };
    const tv = { id: 'tv', public: true, grants: ['urn:ietf:params:oauth:grant-type:device_code'] };
    server = await startTestServer({ env, realms: [acme({ clients: [...acme().clients, web, tv] })] });
  });
  afterAll(() => server?.stop());

  const redeem = (form: Record<string, string>, address: string, auth?: readonly [string, string]) =>
    postForm(server.endpoint('acme', 'token'), form, { ...(auth && { auth }), ...from(address) });
  const refresh = { grant_type: 'refresh_token', client_id: 'dc-ui' };
  /** Counts wrong attempts as if requests had made them: six hundred of those might take longer than they count. */
  const countWrong = (count: number, target: string, address: string) =>
    times(count, (index) =>
      server.services.bruteForce.wrong(
        { kind: 'grant', realm: 'acme', target, network: address },
        `${index}`,
      ),
    );

  it('by a public client is held off when it was wrong 600 times, from there only, and never the right one', async () => {
    const [here, elsewhere] = [network(), network()];
    const person = { client_id: 'dc-ui', grant_type: 'password', username: 'george.becker' };
    const login = await redeem({ ...person, password: 'my_password' }, here);
    await countWrong(590, 'dc-ui', here);
    const wrong = await times(10, (index) => redeem({ ...refresh, refresh_token: `dpr_${index}` }, here));

    const late = await redeem({ ...refresh, refresh_token: 'dpr_one-more' }, here);
    const right = await redeem({ ...refresh, refresh_token: login.json.refresh_token }, here);
    const code = { grant_type: 'authorization_code', code: 'x', redirect_uri: 'http://localhost/cb' };
    const lateCode = await redeem({ ...code, client_id: 'dc-ui' }, here);

    expect(statusesOf(wrong)).toEqual([400]);
    expect([late.status, late.json.error]).toEqual([429, 'too_many_requests']);
    expect(lateCode.status).toBe(429);
    expect(right.status).toBe(200);
    expect((await redeem({ ...refresh, refresh_token: 'dpr_x' }, elsewhere)).status).toBe(400);
  });

  const code = {
    grant_type: 'authorization_code',
    client_id: 'dc-ui',
    code: 'x',
    redirect_uri: 'http://localhost/cb',
    code_verifier: 'x'.repeat(43),
  };
  const deviceCode = { grant_type: 'urn:ietf:params:oauth:grant-type:device_code', device_code: 'x' };

  it.each<[string, Record<string, string>]>([
    ['an authorization code', code],
    ['a refresh token', { ...refresh, refresh_token: 'dpr_x' }],
    ['a device code', { ...deviceCode, client_id: 'tv' }],
  ])('counts %s that there is not', async (_what, form) => {
    const here = network();
    await countWrong(599, form['client_id'] ?? '', here);

    const [last, late] = await times(2, () => redeem(form, here));

    expect([last?.status, last?.json.error]).toEqual([400, 'invalid_grant']);
    expect(late?.status).toBe(429);
  });

  it('by a client with a secret is not: strangers could lock out its users through it', async () => {
    const here = network();
    const form = {
      grant_type: 'authorization_code',
      redirect_uri: 'https://web.example/cb',
      code_verifier: 'x'.repeat(43),
    };

    await countWrong(600, 'web', here);
    const wrong = await times(120, (index) =>
      redeem({ ...form, code: `${index}` }, here, ['web', 'web-secret']),
    );

    expect(statusesOf(wrong)).toEqual([400]);
    const metrics = (await get(`${server.adminUrl}/metrics`)).text;
    expect(metrics).toMatch(/daypass_wrong_credentials_total\{kind="grant",outcome="answered"\} \d{3,}/);
  });
});

describe('user codes of devices', () => {
  const server = useServer({ realms: [browserRealm()] });

  it('are compared ten times, with a new browser each time or not, then not even the right one', async () => {
    const { user_code } = (await postForm(server.endpoint('acme', 'auth/device'), { client_id: 'tv' })).json;
    const type = async (code: string) => {
      const visitor = createVisitor(server.url);
      return visitor.submit(await visitor.open('/realms/acme/device'), { user_code: code });
    };
    const wrong = await times(10, (index) => type(`BBBB-BBB${'BCDFGHJKLM'[index]}`));

    const late = await type(user_code);

    expect(wrong.every(({ status }) => status === 400)).toBe(true);
    expect(late.status).toBe(429);
    expect(late.text).toContain('too many attempts');
    expect(late.text).not.toContain('Living Room TV');
  });
});

describe('a user code', () => {
  let server: TestServer;
  beforeEach(async () => {
    server = await startTestServer({ realms: [browserRealm()] });
  });
  afterEach(async () => {
    vi.useRealTimers();
    await server?.stop();
  });

  const type = async (user_code: string) => {
    const visitor = createVisitor(server.url);
    const view = await visitor.submit(await visitor.open('/realms/acme/device'), { user_code });
    return { visitor, view };
  };
  const used = async (code: string) => {
    const { visitor, view } = await type(code);
    await visitor.submit(view, { abort: 'yes' });
  };
  const expired = async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 601_000 });
  };

  it.each([
    ['was used', used],
    ['has expired', expired],
  ])('that %s is a wrong one', async (_what, change) => {
    const { user_code } = (await postForm(server.endpoint('acme', 'auth/device'), { client_id: 'tv' })).json;
    await change(user_code);
    const source = { kind: 'user_code', realm: 'acme', target: '', network: '127.0.0.1' } as const;
    await times(9, (index) => server.services.bruteForce.wrong(source, `${index}`));

    const [last, late] = [await type(user_code), await type('BBBB-BBBB')];

    expect([last.view.status, late.view.status]).toEqual([400, 429]);
  });
});
