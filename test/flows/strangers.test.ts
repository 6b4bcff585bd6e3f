/** What callers without credentials leave in the store: so much from one network, and no other has less for it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requestUrl } from '../support/authorization.ts';
import { type Answer, get, postForm } from '../support/http.ts';
import { dpopProof, newKey } from '../support/proofs.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { env, from, network, statusesOf, times } from './guessing-support.ts';
import { browserRealm } from './oidc-realm.ts';

const MOST = 5;
const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code';
const callback = 'https://app.example/callback';

let server: TestServer;
const lines: string[] = [];
beforeAll(async () => {
  const own = browserRealm();
  const clients = [
    ...own.clients.filter(({ id }) => id !== 'tv'),
    { id: 'tv', public: true, grants: [DEVICE] },
    { id: 'kiosk', secret: 'kiosk-secret', grants: [DEVICE] },
  ];
  const realm = (overrides: object) => ({ ...own, clients, registration: { open: true }, ...overrides });
  server = await startTestServer({
    env: { ...env, DAYPASS_LOG: 'warn' },
    log: lines,
    realms: [
      realm({ quotas: { strangersPerMinute: MOST } }),
      realm({ name: 'free', quotas: { strangersPerMinute: 'unlimited' } }),
    ],
  });
});
afterAll(() => server?.stop());

type Ask = (address: string, realm?: string) => Promise<Answer>;

const authorize =
  (params: Record<string, string> = {}): Ask =>
  (address, realm = 'acme') =>
    get(String(requestUrl(server, { realm, params })), from(address).headers);
const push =
  (auth?: readonly [string, string]): Ask =>
  (address, realm = 'acme') => {
    const [, query = ''] = String(requestUrl(server, { realm })).split('?');
    const form = Object.fromEntries(new URLSearchParams(query));
    const client = auth === undefined ? {} : { client_id: auth[0] };
    const url = server.endpoint(realm, 'ext/par/request');
    return postForm(url, { ...form, ...client }, { ...from(address), ...(auth && { auth }) });
  };
const device =
  (auth?: readonly [string, string]): Ask =>
  (address, realm = 'acme') =>
    postForm(server.endpoint(realm, 'auth/device'), auth === undefined ? { client_id: 'tv' } : {}, {
      ...from(address),
      ...(auth && { auth }),
    });
const register: Ask = async (address, realm = 'acme') => {
  const response = await fetch(`${server.issuer(realm)}/clients-registrations/openid-connect`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...from(address).headers },
    body: JSON.stringify({ redirect_uris: [callback] }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, json: {} };
};

describe.each<[string, Ask, number]>([
  ['a sign-in', authorize(), 303],
  ['a pushed request of a public client', push(), 201],
  ['a device code of a public client', device(), 200],
  ['an open registration', register, 201],
])('%s', (_name, ask, usual) => {
  it('is limited by network', async () => {
    const [here, there] = [network(), network()];
    const first = await times(MOST, () => ask(here));

    const late = await ask(here);

    expect(statusesOf(first)).toEqual([usual]);
    expect(late.status).toBe(429);
    expect(Number(late.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await ask(there)).status).toBe(usual);
    expect((await ask(here, 'free')).status).toBe(usual);
  });

  it('has no limit where the realm wants none', async () => {
    expect(statusesOf(await times(2 * MOST, async () => ask(network(), 'free')))).toEqual([usual]);
  });
});

it('counts by size', async () => {
  const here = network();

  const large = await authorize({ state: 'x'.repeat(7500) })(here);
  const more = await times(3, () => authorize({ state: 'x'.repeat(7500) })(here));

  expect(large.status).toBe(303);
  expect(more.map(({ status }) => status)).toEqual([303, 429, 429]);
});

describe('nothing is taken', () => {
  it.each<[string, Ask, number]>([
    ['of who asks without a page', authorize({ prompt: 'none' }), 303],
    ['of a request that is refused', authorize({ client_id: 'nobody' }), 400],
    ['of a client that proves itself', push(['web', 'web-secret']), 201],
    ['of a device of a client that proves itself', device(['kiosk', 'kiosk-secret']), 200],
  ])('%s', async (_what, ask, usual) => {
    const here = network();

    const answers = await times(2 * MOST, () => ask(here));

    expect(statusesOf(answers)).toEqual([usual]);
    expect((await authorize()(here)).status).toBe(303);
  });

  it('of a client that proves itself, from a network that has used up its own', async () => {
    const here = network();
    await times(MOST + 1, () => device()(here));

    expect((await push(['web', 'web-secret'])(here)).status).toBe(201);
  });
});

describe.each<[string, (address: string, proof: string) => Promise<Answer>, string]>([
  [
    'an opener that is none',
    async (address, dpop) => {
      const url = `${server.issuer('acme')}/embed/dpo_nobody`;
      const response = await fetch(url, { method: 'POST', headers: { dpop, ...from(address).headers } });
      return { status: response.status, headers: response.headers, text: await response.text(), json: {} };
    },
    '/embed/dpo_nobody',
  ],
  [
    'the refresh of a guest token that is none',
    (address, dpop) => {
      const form = { grant_type: 'refresh_token', refresh_token: 'dpgr_nobody' };
      const headers = { dpop, ...from(address).headers };
      return postForm(server.endpoint('acme', 'token'), form, { headers });
    },
    '/protocol/openid-connect/token',
  ],
])('a proof for %s', (_what, ask, path) => {
  it('is limited by network', async () => {
    const [here, key] = [network(), await newKey()];
    const prove = () => dpopProof(key, { url: `${server.issuer('acme')}${path}` });

    const answers = await times(MOST + 1, async () => ask(here, await prove()));

    expect(answers.slice(0, MOST).every(({ status }) => status === 400 || status === 404)).toBe(true);
    expect(answers.at(-1)?.status).toBe(429);
  });
});

it('is said once in the log', async () => {
  const here = network();
  await times(MOST + 5, () => device()(here));

  const said = lines.map((line) => JSON.parse(line)).filter(({ network: of }) => of === here);

  expect(said).toMatchObject([{ realm: 'acme', msg: 'too many requests without credentials' }]);
});
