/** Requests that no protocol rule gets to see: wrong methods and addresses, bodies that are too large, unreadable headers. */
import { request } from 'node:http';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { type Answer, get, postForm } from '../support/http.ts';
import { acme, engine, george } from '../support/realms.ts';
import { useServer } from '../support/use-server.ts';

const server = useServer({
  realms: [acme({ name: 'strict' }), acme({ name: 'keycloak', profile: 'keycloak' })],
});

const base = '/protocol/openid-connect';
const url = (path: string, realm = 'strict') => `${server.issuer(realm)}${path}`;

async function call(method: string, address: string): Promise<Answer> {
  const response = await fetch(address, { method, redirect: 'manual' });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    text,
    json: text.startsWith('{') ? JSON.parse(text) : {},
  };
}

const endpoints = [
  [`${base}/auth`, ['PUT', 'DELETE', 'PATCH'], 'GET, HEAD, POST'],
  [`${base}/token`, ['GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'], 'POST'],
  [`${base}/token/introspect`, ['GET', 'PUT', 'DELETE'], 'POST'],
  [`${base}/revoke`, ['GET', 'DELETE'], 'POST'],
  [`${base}/userinfo`, ['PUT', 'DELETE'], 'GET, HEAD, POST'],
  [`${base}/logout`, ['PUT', 'DELETE', 'PATCH'], 'GET, HEAD, POST'],
  [`${base}/auth/device`, ['GET', 'PUT', 'DELETE', 'PATCH'], 'POST'],
  [`${base}/ext/par/request`, ['GET', 'PUT'], 'POST'],
  [`${base}/ext/ciba/auth`, ['GET', 'PUT'], 'POST'],
  [`${base}/certs`, ['POST', 'DELETE'], 'GET, HEAD'],
  ['/', ['POST', 'DELETE'], 'GET, HEAD'],
  ['/account', ['PUT', 'DELETE', 'PATCH', 'OPTIONS'], 'GET, HEAD, POST'],
  [`/login/${'x'.repeat(21)}`, ['PUT', 'DELETE'], 'GET, HEAD, POST'],
] as const;

describe.each(['strict', 'keycloak'])('in a %s realm', (realm) => {
  it.each(endpoints)(
    '%s refuses other methods with 405 and says which it has',
    async (path, methods, allow) => {
      for (const method of methods) {
        const answer = await call(method, url(path, realm));

        expect([method, answer.status, answer.text]).toEqual([
          method,
          405,
          '{"error":"HTTP 405 Method Not Allowed"}',
        ]);
        expect(answer.headers.get('allow')).toBe(allow);
      }
    },
  );

  it.each([
    '/nowhere',
    `${base}/nowhere`,
    `${base}/token/nowhere`,
    `${base}%2ftoken`,
    '/.well-known/nowhere',
    '/toString',
  ])('%s is 404 in JSON', async (path) => {
    for (const method of ['GET', 'POST', 'DELETE']) {
      const answer = await call(method, url(path, realm));

      expect([answer.status, answer.text]).toEqual([
        404,
        '{"error":"Unable to find matching target resource method"}',
      ]);
    }
  });

  it('metadata answers other methods as the profile does', async () => {
    const answer = await call('POST', url('/.well-known/openid-configuration', realm));

    expect([answer.status, answer.json.error]).toEqual(
      realm === 'strict' ? [405, 'HTTP 405 Method Not Allowed'] : [404, 'HTTP 404 Not Found'],
    );
  });
});

it('treats other spellings of an address as the address: the same single use, the same refusals', async () => {
  const spelled = url(`${base}/TOKEN/`);

  const missing = await postForm(spelled, {});
  const twice = await postForm(spelled, 'grant_type=client_credentials&a=1&a=2', { auth: engine });
  const fine = await postForm(spelled, { grant_type: 'client_credentials' }, { auth: engine });

  expect(missing.json.error_description).toBe('Missing form parameter: grant_type');
  expect(twice.json.error_description).toBe('duplicated parameter');
  expect([fine.status, fine.headers.get('pragma')]).toEqual([200, 'no-cache']);
});

describe('a body over 56 KiB', () => {
  const large = `grant_type=password&padding=${'x'.repeat(57 * 1024)}`;
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };

  it.each([
    `${base}/token`,
    `${base}/token/introspect`,
    `${base}/revoke`,
    `${base}/ext/par/request`,
    `${base}/userinfo`,
  ])('is refused with 413 at %s, with its length announced and without', async (path) => {
    const announced = await postForm(url(path), large);
    const chunked = await sendInChunks(url(path), large);

    expect([announced.status, announced.json.error]).toEqual([413, 'invalid_request']);
    expect(announced.headers.get('cache-control')).toBe('no-store');
    expect(announced.headers.get('pragma')).toBe('no-cache');
    expect(chunked).toBe(413);
  });

  it('is refused before it has been read', async () => {
    const status = await new Promise<number>((resolve, reject) => {
      const sent = request(url(`${base}/token`), {
        method: 'POST',
        headers: { ...headers, 'content-length': 10_000_000 },
      });
      sent.on('response', (response) => {
        resolve(response.statusCode ?? 0);
        sent.destroy();
      });
      sent.on('error', reject);
      sent.write('grant_type=');
    });

    expect(status).toBe(413);
  });

  it('does not harm one that just fits', async () => {
    const form = { ...george, padding: '' };
    const room = 56 * 1024 - new URLSearchParams(form).toString().length;

    const answer = await postForm(url(`${base}/token`), { ...form, padding: 'x'.repeat(room) });

    expect(answer.status).toBe(200);
  });
});

function sendInChunks(address: string, body: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded', 'transfer-encoding': 'chunked' };
    const sent = request(address, { method: 'POST', headers }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    sent.on('error', reject);
    for (let at = 0; at < body.length; at += 8192) sent.write(body.slice(at, at + 8192));
    sent.end();
  });
}

it.each([
  ['no Basic at all', 'Bearer abc'],
  ['an unknown scheme', 'Negotiate abc'],
  ['nothing behind it', 'Basic'],
  ['no base64', 'Basic ***'],
  ['no colon', `Basic ${Buffer.from('ds-engine').toString('base64')}`],
  ['no secret', `Basic ${Buffer.from('ds-engine:').toString('base64')}`],
  ['broken percent-encoding', `Basic ${Buffer.from('ds-engine:%zz').toString('base64')}`],
  ['a NUL', `Basic ${Buffer.from('ds-engine:%00').toString('base64')}`],
  ['bytes that are no UTF-8', `Basic ${Buffer.from([0xff, 0x3a, 0xfe]).toString('base64')}`],
  ['more than one part', 'Basic YTpi YTpi'],
])('answers an Authorization header with %s by 401 and a challenge', async (_what, authorization) => {
  const answer = await postForm(
    url(`${base}/token`),
    { grant_type: 'client_credentials' },
    { headers: { authorization } },
  );

  expect(answer).toMatchObject({ status: 401, json: { error: 'invalid_client' } });
  expect(answer.headers.get('www-authenticate')).toMatch(/^Basic realm=/);
});

it('accepts a secret with reserved characters, percent-encoded (RFC 6749 §2.3.1)', async () => {
  const secret = 'a:b+c%d e/f&=';
  await server.services.registry.createClient('strict', {
    id: 'odd:one',
    secret,
    grants: ['client_credentials'],
  });

  const answer = await postForm(
    url(`${base}/token`),
    { grant_type: 'client_credentials' },
    { auth: ['odd:one', secret] },
  );

  expect(answer.status).toBe(200);
});

it('refuses to choose between two ways to authenticate', async () => {
  const form = {
    grant_type: 'client_credentials',
    client_id: 'ds-engine',
    client_secret: 'ds-engine-secret',
  };

  const answer = await postForm(url(`${base}/token`), form, { auth: engine });

  expect(answer).toMatchObject({ status: 400, json: { error: 'invalid_request' } });
});

it.each(['application/json', 'text/plain', 'multipart/form-data; boundary=x'])(
  'refuses a body of type %s',
  async (type) => {
    const body = type.endsWith('json') ? JSON.stringify(george) : new URLSearchParams(george).toString();

    const answer = await postForm(url(`${base}/token`), body, { headers: { 'content-type': type } });

    expect(answer).toMatchObject({ status: 400, json: { error: 'invalid_request' } });
  },
);

it('closes a connection whose headers are too large', async () => {
  const { hostname, port } = new URL(server.url);
  const first = await new Promise<string>((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => {
      socket.write(
        `POST /realms/strict${base}/token HTTP/1.1\r\nHost: x\r\nX-Large: ${'x'.repeat(64 * 1024)}\r\n\r\n`,
      );
    });
    socket.once('data', (data) => resolve(String(data).split('\r\n')[0] ?? ''));
    socket.once('error', reject);
  });

  expect(first).toContain('431');
});

it('answers HEAD where it answers GET', async () => {
  const answers = await Promise.all(
    ['', '/.well-known/openid-configuration', `${base}/certs`].map((path) => call('HEAD', url(path))),
  );

  expect(answers.map(({ status, text }) => [status, text])).toEqual(answers.map(() => [200, '']));
});

it('does not tell one unknown address from another by its headers', async () => {
  const [a, b] = [await get(url('/nowhere')), await get(url('/elsewhere'))];

  expect([...a.headers.keys()]).toEqual([...b.headers.keys()]);
});
