/** What holds for every address of the map, over HTTP: wrong methods, HEAD, broken paths, paths that nobody has. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addressMap, type MappedAddress } from '../../src/surfaces/address-map.ts';
import { demoRealms } from '../facades/support.ts';
import { acme as acmeOf } from '../support/realms.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

let server: TestServer;
beforeAll(async () => {
  const { acme } = await demoRealms();
  server = await startTestServer({
    realms: [
      { ...acme, login: { ...acme.login, color: '#c2410c' } },
      acmeOf({ name: 'old', profile: 'keycloak' }),
    ],
    demo: true,
  });
});
afterAll(() => server?.stop());

const values: Readonly<Record<string, string>> = {
  realm: 'acme',
  uid: 'x'.repeat(21),
  id: 'gt_abc',
  opener: 'abc',
  report: 'team:sales',
  token: 'abc',
  action: 'withdraw',
  client_id: 'abc',
  user: '00000000-0000-4000-8000-000000000000',
  guest: 'gt_abc',
};

type Words = { readonly type: string; readonly body: object };

const plain = (error: string): Words => ({ type: 'application/json', body: { error } });
const problem = (code: string): Words => ({ type: 'application/problem+json', body: { code } });

/** What each surface says of a wrong method, and of an address with broken percent-encoding. */
const words: Readonly<Record<string, { readonly method: Words; readonly address: Words }>> = {
  ...Object.fromEntries(
    ['guest-tokens', 'embed', 'status-list', 'events', 'admin'].map((surface) => [
      surface,
      { method: problem('method_not_allowed'), address: problem('invalid_request') },
    ]),
  ),
  databrain: {
    method: { type: 'application/json', body: { error: { code: 'INVALID_REQUEST_BODY' } } },
    address: { type: 'application/json', body: { error: { code: 'INVALID_REQUEST_BODY' } } },
  },
  semaphor: {
    method: { type: 'application/json', body: { code: 'INVALID_REQUEST' } },
    address: { type: 'application/json', body: { code: 'INVALID_REQUEST' } },
  },
  informer: {
    method: { type: 'application/json', body: { statusCode: 405, error: 'Method Not Allowed' } },
    address: { type: 'application/json', body: { statusCode: 400, error: 'Bad Request' } },
  },
};
const others = { method: plain('HTTP 405 Method Not Allowed'), address: plain('HTTP 400 Bad Request') };

const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

function addressOf({ path, surface }: MappedAddress, more: Readonly<Record<string, string>> = {}): string {
  const realm = surface === 'session-iframe' ? 'old' : 'acme';
  const all: Readonly<Record<string, string>> = { ...values, realm, ...more };
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => all[name] ?? '-');
  return `${surface === 'admin port' ? server.adminUrl : server.url}${filled}`;
}

async function call(method: string, address: string) {
  const response = await fetch(address, { method, redirect: 'manual' });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, type: typeOf(response) };
}

function typeOf({ headers }: Response): string | undefined {
  return headers.get('content-type')?.split(';')[0];
}

const named = addressMap.map((address): [string, MappedAddress] => [address.path, address]);

describe('every address', () => {
  it.each(named)('%s refuses other methods with 405, in the words of its surface', async (_path, address) => {
    const said = (words[address.surface] ?? others).method;
    // Two surfaces may share a path.
    const known = addressMap.filter(({ path }) => path === address.path).flatMap((one) => one.methods);
    for (const method of methods.filter((one) => !known.includes(one))) {
      const answer = await call(method, addressOf(address));

      expect([method, answer.status, answer.type]).toEqual([method, 405, said.type]);
      expect(JSON.parse(answer.text)).toMatchObject(said.body);
      const allowed = answer.headers.get('allow')?.split(', ') ?? [];
      expect(allowed).toEqual(expect.arrayContaining([...address.methods]));
      expect(allowed).not.toContain(method);
    }
  });

  it.each(named.filter(([, { methods: own }]) => own.includes('GET')))(
    '%s answers HEAD as it answers GET',
    async (_path, address) => {
      const [get, head] = [await call('GET', addressOf(address)), await call('HEAD', addressOf(address))];

      expect([head.status, head.text]).toEqual([get.status, '']);
    },
  );

  it.each(named.filter(([path, { surface }]) => /\{(?!realm)/.test(path) && surface !== 'protocol'))(
    '%s is 400 with broken percent-encoding, in the words of its surface',
    async (path, address) => {
      const [, name = ''] = /\{(?!realm)(\w+)\}/.exec(path) ?? [];
      const said = (words[address.surface] ?? others).address;

      const answer = await call(address.methods[0] ?? '', addressOf(address, { [name]: 'a%zz' }));

      expect([answer.status, answer.type]).toEqual([400, said.type]);
      expect(JSON.parse(answer.text)).toMatchObject(said.body);
    },
  );

  it.each(named)('%s has the headers that every answer has', async (_path, address) => {
    const { headers } = await call('PATCH', addressOf(address));

    const isOnAdminPort = address.surface === 'admin port';
    expect([headers.has('x-request-id'), headers.get('x-content-type-options')]).toEqual(
      isOnAdminPort ? [false, null] : [true, 'nosniff'],
    );
  });
});

const nowhere = '{"error":"Unable to find matching target resource method"}';

describe('a path that no route has', () => {
  it.each([
    '/realms/acme/embed/a.b',
    '/realms/acme/embed',
    '/realms/acme/status-lists',
    '/realms/acme/events/more',
    '/realms/acme/EVENTS',
    '/realms/acme/login/short',
    '/realms/acme/assets/none.css',
    '/realms/acme/api/v1/none',
    '/realms/acme/protocol/openid-connect/login-status-iframe.html',
    '/realms/old/assets/theme.css',
    '/realms/old/api/v1/token',
    '/demo/none',
    '/api/v1/token',
    '/none',
  ])('%s is 404 for every method', async (path) => {
    for (const method of methods) {
      const answer = await call(method, `${server.url}${path}`);

      expect([method, answer.status, answer.text]).toEqual([method, 404, nowhere]);
    }
  });

  it('is 404 on the admin port', async () => {
    const answer = await call('GET', `${server.adminUrl}/none`);

    expect([answer.status, answer.text]).toEqual([404, '{"error":"not_found"}']);
  });

  it.each(['/guest-tokens/none', '/guest-tokens/gt_abc/none', '/guest-tokens/batch/'])(
    '%s tells nothing to strangers',
    async (path) => {
      const answer = await call('GET', `${server.issuer('acme')}${path}`);

      expect([answer.status, answer.type]).toEqual([401, 'application/problem+json']);
    },
  );
});
