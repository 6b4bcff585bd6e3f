/** What one network may do without credentials: each limit, and that nobody else is refused for it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAgent, obtainCode } from '../support/browserless.ts';
import { type Answer, get, postForm } from '../support/http.ts';
import { type ClientKey, dpopProof, newKey } from '../support/proofs.ts';
import { acme } from '../support/realms.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { env, from, network, times } from './guessing-support.ts';

const MAX = 3;
const networkLimits = {
  wrongPasswordsPerMinute: MAX,
  loginsPerMinute: MAX,
  pushedRequestsPerMinute: MAX,
  deviceCodesPerMinute: MAX,
  registrationsPerMinute: MAX,
  proofsPerMinute: MAX,
};
const unlimited = Object.fromEntries(Object.keys(networkLimits).map((name) => [name, 'unlimited']));
const device = 'urn:ietf:params:oauth:grant-type:device_code';

function realm(name: string, limits: Record<string, unknown>) {
  const base = acme({ name, networkLimits: limits, registration: { open: true } });
  const redirectUris = ['https://app.acme.test/cb'];
  const clients = base.clients.map((client) =>
    client.id === 'dc-ui' ? { ...client, grants: [...(client.grants ?? []), device] } : client,
  );
  const web = {
    id: 'web',
    secret: 'web-secret',
    grants: ['authorization_code', device, 'password'],
    redirectUris,
  };
  return { ...base, clients: [...clients, web] };
}

const request = {
  client_id: 'dc-ui',
  redirect_uri: 'http://localhost:3000/demo/callback',
  response_type: 'code',
  scope: 'openid',
  code_challenge: 'x'.repeat(43),
  code_challenge_method: 'S256',
};
const query = new URLSearchParams(request);
const ofWeb = { ...request, client_id: 'web', redirect_uri: 'https://app.acme.test/cb' };
const webAuth = ['web', 'web-secret'] as const;
const login = { client_id: 'dc-ui', grant_type: 'password' };

let server: TestServer;
let key: ClientKey;
beforeAll(async () => {
  key = await newKey();
  server = await startTestServer({
    env,
    realms: [realm('acme', networkLimits), realm('free', unlimited), realm('globex', networkLimits)],
  });
});
afterAll(() => server?.stop());

type Ask = (address: string, realm?: string) => Promise<Answer>;
const authorize: Ask = (address, name = 'acme') =>
  get(`${server.endpoint(name, 'auth')}?${query}`, {
    accept: 'text/html',
    ...from(address).headers,
  });
let names = 0;
const spray: Ask = (address, name = 'acme') => {
  names += 1;
  return postForm(
    server.endpoint(name, 'token'),
    { ...login, username: `person-${names}`, password: 'Summer2026!' },
    from(address),
  );
};
const register: Ask = async (address, name = 'acme') => {
  const answer = await fetch(`${server.url}/realms/${name}/clients-registrations/openid-connect`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...from(address).headers },
    body: JSON.stringify({ redirect_uris: ['https://new.test/cb'] }),
  });
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, text, json: JSON.parse(text) };
};

const asks: Readonly<Record<string, Ask>> = {
  'logins that begin': authorize,
  'pushed requests of a public client': (address, name = 'acme') =>
    postForm(server.endpoint(name, 'ext/par/request'), request, from(address)),
  'device codes for a public client': (address, name = 'acme') =>
    postForm(server.endpoint(name, 'auth/device'), { client_id: 'dc-ui' }, from(address)),
  'open registrations': register,
  'wrong passwords, each of another name': spray,
  'proofs for openers that are none': async (address, name = 'acme') => {
    const url = `${server.issuer(name)}/embed/dpo_nobody`;
    const response = await fetch(url, {
      method: 'POST',
      headers: { dpop: await dpopProof(key, { url }), ...from(address).headers },
    });
    return { status: response.status, headers: response.headers, text: await response.text(), json: {} };
  },
  'proofs for refresh tokens of guests that are none': async (address, name = 'acme') =>
    postForm(
      server.endpoint(name, 'token'),
      { grant_type: 'refresh_token', refresh_token: 'dpgr_nobody' },
      {
        headers: {
          dpop: await dpopProof(key, { url: server.endpoint(name, 'token') }),
          ...from(address).headers,
        },
      },
    ),
};

describe.each(Object.entries(asks))('%s', (_name, ask) => {
  it('are limited for the network they come from, and for no other', async () => {
    const [here, elsewhere] = [network(), network()];
    const within = await times(MAX, () => ask(here));

    const over = await ask(here);

    expect(within.map(({ status }) => status)).not.toContain(429);
    expect(over.status).toBe(429);
    expect(Number(over.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(Number(over.headers.get('retry-after'))).toBeLessThanOrEqual(60);
    expect((await ask(elsewhere)).status).not.toBe(429);
    expect((await ask(here, 'globex')).status).not.toBe(429);
  });

  it('have no limit where the realm says so', async () => {
    const here = network();

    const answers = await times(MAX + 2, () => ask(here, 'free'));

    expect(answers.map(({ status }) => status)).not.toContain(429);
  });
});

describe('over its limit a network', () => {
  it('sees a page at a browser, and the application is not called', async () => {
    const here = network();
    await times(MAX, () => authorize(here));

    const page = await authorize(here);

    expect(page.headers.get('content-type')).toContain('text/html');
    expect(page.text).toContain('too many attempts from your network');
    expect(page.headers.has('location')).toBe(false);
  });

  it('gets the code in JSON at the endpoints of clients', async () => {
    const here = network();

    const answers = await times(MAX + 1, () => spray(here));

    expect(answers.at(-1)?.json).toMatchObject({ error: 'too_many_requests' });
    expect(answers.slice(0, MAX).map(({ json }) => json.error)).toEqual(Array(MAX).fill('invalid_grant'));
  });

  it('of wrong passwords is refused the right one too, and others are not', async () => {
    const [here, elsewhere] = [network(), network()];
    const george = { ...login, username: 'george.becker', password: 'my_password' };
    const ask = (address: string) => postForm(server.endpoint('acme', 'token'), george, from(address));
    await times(MAX, () => spray(here));

    expect([(await ask(here)).status, (await ask(elsewhere)).status]).toEqual([429, 200]);
  });

  it('shows in the metrics', async () => {
    const here = network();
    await times(MAX + 1, () => authorize(here));
    await times(MAX + 1, () => spray(here));

    const { text } = await get(`${server.adminUrl}/metrics`);

    expect(text).toMatch(/daypass_network_limited_total\{limit="logins"\} [1-9]/);
    expect(text).toMatch(/daypass_wrong_credentials_total\{kind="password",outcome="held_off"\} [1-9]/);
    expect(text).toMatch(/daypass_wrong_credentials_total\{kind="password",outcome="answered"\} [1-9]/);
  });
});

describe('who shows a credential is nobody’s network', () => {
  const byWeb: Readonly<Record<string, Ask>> = {
    'pushed requests': (address) =>
      postForm(server.endpoint('acme', 'ext/par/request'), ofWeb, { auth: webAuth, ...from(address) }),
    'device codes': (address) =>
      postForm(server.endpoint('acme', 'auth/device'), {}, { auth: webAuth, ...from(address) }),
    'passwords of its people': (address) =>
      postForm(
        server.endpoint('acme', 'token'),
        { grant_type: 'password', username: `nobody-${Math.random()}`, password: 'wrong' },
        { auth: webAuth, ...from(address) },
      ),
  };
  it.each(Object.entries(byWeb))('for %s', async (_name, ask) => {
    const here = network();

    const answers = await times(MAX + 2, () => ask(here));

    expect(answers.map(({ status }) => status)).not.toContain(429);
  });

  it('for a login of somebody who is signed in', async () => {
    const agent = createAgent(server.url);
    await obtainCode(server, { realm: 'acme', agent });

    const answers = await times(MAX + 2, () => agent.open(`${server.endpoint('acme', 'auth')}?${query}`));

    expect(answers.map(({ status }) => status)).toEqual(Array(MAX + 2).fill(303));
  });
});
