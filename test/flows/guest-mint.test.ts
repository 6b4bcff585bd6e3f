/** Minting by JSON: what is answered, every refusal of the contract, once for a key, many at once. */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { basic } from '../support/http.ts';
import { openEmbedded } from '../support/raw-store.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { call, grant, guestRealm, introspect, mintGuest, other, ownRows, portal } from './guest-support.ts';

const policies = [
  {
    kind: 'row',
    name: 'region',
    parameters: ['state'],
    template: { col: 'state', op: 'in', value: '{{ state }}' },
  },
];

describe('minting by JSON', () => {
  let server: TestServer;
  const clients = [
    {
      id: 'narrow',
      secret: 'narrow-secret',
      mints: { types: ['dashboard'], actions: ['view'], tenants: ['blue'] },
    },
  ];

  beforeAll(async () => {
    server = await startTestServer({
      realms: [guestRealm({ policies, guests: { maxTtl: 100_000 } }, { clients })],
    });
  });
  afterAll(() => server.stop());

  it('answers with the token, what it can do, and where it is', async () => {
    const answer = await mintGuest(
      server,
      grant({ resources: [{ ...resource(), actions: ['view', 'export:pdf'] }] }),
    );

    expect(answer.status).toBe(201);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('location')).toBe(`${server.issuer('acme')}/guest-tokens/${answer.json.id}`);
    expect(answer.json).toMatchObject({
      id: expect.stringMatching(/^gt_/),
      token: expect.stringMatching(/^dpg_/),
      token_type: 'Bearer',
      issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      expires_in: 600,
      expires_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      scope: 'guest:view',
      effective: { resources: 1, narrowed: ['export:pdf removed by client policy'] },
      warnings: [],
      _links: {
        self: { href: `/realms/acme/guest-tokens/${answer.json.id}` },
        revoke: { href: `/realms/acme/guest-tokens/${answer.json.id}`, method: 'DELETE' },
      },
    });
  });

  it('tells what a dry run would give, and makes nothing', async () => {
    const answer = await mintGuest(server, grant({ subject: { tenant: 'dry', id: 'u' }, dry_run: true }));

    expect(answer).toMatchObject({ status: 200, json: { dry_run: true, scope: 'guest:view guest:filter' } });
    expect(answer.json.token).toBeUndefined();
    const list = await call(server, 'GET', '/guest-tokens?tenant=dry');
    expect(list.json.guest_tokens).toEqual([]);
  });

  type Row = [
    what: string,
    status: number,
    code: string,
    body: unknown,
    pointer?: string | undefined,
    by?: readonly [string, string],
  ];
  it.each<Row>([
    ['JSON that is none', 400, 'invalid_request', '{"subject":'],
    ['a body that is no object', 400, 'invalid_request', '"grant"'],
    ['an unknown field', 400, 'invalid_request', grant({ tenant: 'x' }), '/tenant'],
    [
      'an unknown field of a resource',
      400,
      'invalid_request',
      grant({ resources: [{ ...resource(), row: 1 }] }),
      '/resources/0/row',
    ],
    ...(
      [
        ['timezone', 'Not/AZone'],
        ['timezone', ''],
        ['locale', 'en-en-en'],
        ['locale', 'de_DE'],
        ['currency', 'EUX'],
        ['currency', 'eur'],
      ] as const
    ).map(
      ([name, value]): Row => [
        `${name} "${value}"`,
        400,
        'invalid_request',
        grant({ context: { [name]: value } }),
        `/context/${name}`,
      ],
    ),
    [
      'rows said twice',
      400,
      'invalid_request',
      JSON.stringify(grant()).replace('"rows":', '"rows":"none","r\\u006fws":'),
      '/resources/0/rows',
    ],
    ['__proto__', 400, 'invalid_request', '{"__proto__":{"a":1}}', '/__proto__'],
    [
      'a resource without rows',
      400,
      'invalid_request',
      grant({ resources: [{ ...resource(), rows: undefined }] }),
      '/resources/0/rows',
    ],
    [
      'a value of 10,000 characters',
      400,
      'invalid_request',
      grant({ resources: [{ ...resource(), rows: { ...ownRows, value: 'x'.repeat(10_000) } }] }),
      '/resources/0/rows/value',
    ],
    ['a deeply nested body', 400, 'invalid_request', `${'{"a":'.repeat(100)}1${'}'.repeat(100)}`],
    ['a life below ten seconds', 400, 'invalid_request', grant({ lifetime: { ttl: 9 } }), '/lifetime/ttl'],
    ['a token without an end', 400, 'invalid_request', grant({ lifetime: { ttl: null } }), '/lifetime/ttl'],
    [
      'another API',
      400,
      'invalid_target',
      grant({ resources: [{ ...resource(), locations: ['https://warehouse.acme.test'] }] }),
      '/resources/0/locations/0',
    ],
    [
      'another type',
      403,
      'access_denied',
      grant({ resources: [{ ...resource(), type: 'dataset' }] }),
      '/resources/0/type',
    ],
    [
      'an action above the ceiling alone',
      403,
      'access_denied',
      grant({ resources: [{ ...resource(), actions: ['sql'] }] }),
      '/resources/0/actions',
    ],
    [
      'another tenant',
      403,
      'access_denied',
      grant({ subject: { tenant: 'green', id: 'u' } }),
      '/subject/tenant',
      ['narrow', 'narrow-secret'],
    ],
    [
      'an unknown policy',
      422,
      'policy_unresolved',
      grant({ policies: [{ kind: 'row', name: 'nope', params: {} }] }),
      '/policies/0',
    ],
    [
      'a policy without its value',
      422,
      'policy_unresolved',
      grant({ policies: [{ kind: 'row', name: 'region', params: {} }] }),
      '/policies/0',
    ],
    [
      'a client that may not mint',
      400,
      'unauthorized_client',
      grant(),
      undefined,
      ['ds-engine', 'ds-engine-secret'],
    ],
    ['a wrong secret', 401, 'invalid_client', grant(), undefined, ['portal', 'wrong']],
    ['an unknown client', 401, 'invalid_client', grant(), undefined, ['nobody', 'wrong']],
  ])('refuses %s with %i %s', async (_what, status, code, body, pointer, auth = portal) => {
    const answer = await mintGuest(server, body, { auth });

    expect(answer).toMatchObject({
      status,
      json: {
        status,
        code,
        type: `urn:daypass:problem:${code.replaceAll('_', '-')}`,
        title: expect.any(String),
      },
    });
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    if (pointer !== undefined)
      expect(answer.json.errors.map((one: { pointer: string }) => one.pointer)).toContain(pointer);
    expect(answer.headers.has('www-authenticate')).toBe(status === 401);
  });

  it('refuses a body over 64 KiB, one that is no JSON by its type, and other methods', async () => {
    const large = await mintGuest(server, grant({ label: 'x'.repeat(70_000) }));
    const form = await mintGuest(server, 'a=b', {
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
    const put = await call(server, 'PUT', '/guest-tokens', grant());

    expect(large).toMatchObject({ status: 413, json: { code: 'body_too_large' } });
    expect(form).toMatchObject({ status: 415, json: { code: 'unsupported_media_type' } });
    expect(put.status).toBe(405);
    expect(put.headers.get('allow')).toBe('GET, POST');
  });

  it('mints once for a key, whoever asks at the same moment', async () => {
    const body = grant({ subject: { tenant: 'once', id: 'u' } });
    const headers = { 'idempotency-key': 'order-1' };

    const answers = await Promise.all(Array.from({ length: 20 }, () => mintGuest(server, body, { headers })));

    expect(new Set(answers.map(({ json }) => json.token)).size).toBe(1);
    expect(answers[0]?.status).toBe(201);
    expect((await call(server, 'GET', '/guest-tokens?tenant=once')).json.guest_tokens).toHaveLength(1);
  });

  it('gives out again only what is alive, with the time that it has left', async () => {
    const headers = { 'idempotency-key': 'order-over' };
    const first = await mintGuest(server, grant(), { headers });
    const second = await mintGuest(server, grant(), { headers });

    await call(server, 'DELETE', `/guest-tokens/${first.json.id}`);
    const late = await mintGuest(server, grant(), { headers });

    expect(second.json.token).toBe(first.json.token);
    expect(second.json.expires_in).toBeLessThanOrEqual(first.json.expires_in);
    expect(late).toMatchObject({ status: 409, json: { code: 'conflict' } });
  });

  it('links to what resolves', async () => {
    const { json } = await mintGuest(server);
    const self = new URL(json._links.self.href, `${server.issuer('acme')}/guest-tokens`);

    const shown = await fetch(self, { headers: { authorization: basic(portal) } });

    expect([shown.status, (await shown.json()).id]).toEqual([200, json.id]);
  });

  it('refuses NUL in a row value, and a cursor that is none', async () => {
    const rows = { ...ownRows, value: 'a\0b' };
    const minted = await mintGuest(server, grant({ resources: [{ ...resource(), rows }] }));
    const rubbish = await call(server, 'GET', '/guest-tokens?cursor=rubbish');

    expect([minted.status, minted.json.errors[0].pointer]).toEqual([400, '/resources/0/rows/value']);
    expect([rubbish.status, rubbish.json.errors[0].pointer]).toEqual([400, '/cursor']);
  });

  it('refuses the key for another body, and knows it only from the client that used it', async () => {
    const headers = { 'idempotency-key': 'order-2' };
    const first = await mintGuest(server, grant(), { headers });

    const second = await mintGuest(server, grant({ label: 'another' }), { headers });
    const others = await mintGuest(server, grant(), { headers, auth: other });

    expect(second).toMatchObject({ status: 409, json: { code: 'conflict' } });
    expect(others.status).toBe(201);
    expect(others.json.id).not.toBe(first.json.id);
  });

  it('mints a batch each for itself', async () => {
    const headers = { 'idempotency-key': 'batch-1' };
    const body = { tokens: [grant(), grant({ resources: [] }), grant({ label: 'c' })] };

    const first = await call(server, 'POST', '/guest-tokens/batch', body, { headers });
    const again = await call(server, 'POST', '/guest-tokens/batch', body, { headers });

    expect(first.status).toBe(200);
    expect(first.json.results).toMatchObject([
      { status: 201, token: expect.any(String) },
      { status: 400, code: 'invalid_request', errors: [{ pointer: '/resources' }] },
      { status: 201, token: expect.any(String) },
    ]);
    expect(again.text).toBe(first.text);
    const many = await call(server, 'POST', '/guest-tokens/batch', { tokens: Array(101).fill({}) });
    expect(many.status).toBe(400);
  });

  it('makes room in a session when a token is used up', async () => {
    const session = { key: 'sid-once', max_concurrent: 1 };
    const once = grant({ session, lifetime: { ttl: 600, one_time: true } });
    const { token } = (await mintGuest(server, once)).json;
    expect((await mintGuest(server, once)).status).toBe(429);

    await introspect(server, token);

    expect((await mintGuest(server, once)).status).toBe(201);
  });

  it('holds max_concurrent exactly, and makes room when one is revoked', async () => {
    const body = grant({ session: { key: 'sid-1', max_concurrent: 5 } });

    const answers = await Promise.all(Array.from({ length: 20 }, () => mintGuest(server, body)));

    const minted = answers.filter(({ status }) => status === 201);
    const refused = answers.filter(({ status }) => status === 429);
    expect([minted.length, refused.length]).toEqual([5, 15]);
    expect(refused[0]?.json.code).toBe('too_many_requests');
    expect(Number(refused[0]?.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(refused[0]?.headers.get('ratelimit-policy')).toBe('"session";q=5');
    expect(refused[0]?.headers.get('ratelimit')).toMatch(/^"session";r=0;t=\d+$/);
    await call(server, 'DELETE', `/guest-tokens/${minted[0]?.json.id}`);
    expect((await mintGuest(server, body)).status).toBe(201);
  });

  it('hands out each format, and refuses a JWT that is too large', async () => {
    const formats = ['uuid', 'jwt_reference', 'jwt'];
    const tokens = await Promise.all(
      formats.map(async (format) => (await mintGuest(server, grant({ format }))).json.token),
    );

    expect(tokens[0]).toMatch(/^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/);
    expect(payload(tokens[1])).toEqual({
      iss: server.issuer('acme'),
      jti: expect.any(String),
      iat: expect.any(Number),
      exp: expect.any(Number),
      status: { status_list: { idx: expect.any(Number), uri: expect.any(String) } },
    });
    expect(payload(tokens[2])).toMatchObject({
      tenant: 'blue',
      guest_id: 'u_42',
      client_id: 'portal',
      authorization_details: expect.any(Array),
    });
    for (const token of tokens) expect((await introspect(server, token)).json.active).toBe(true);
    const resources = Array.from({ length: 60 }, (_, index) => ({
      ...resource(),
      id: `dashboard-with-a-long-name-${index}`,
    }));
    const large = await mintGuest(server, grant({ format: 'jwt', resources }));
    expect(large).toMatchObject({
      status: 400,
      json: { code: 'invalid_request', detail: expect.stringContaining('jwt_reference') },
    });
    const jwe = await mintGuest(server, grant({ format: 'jwe' }));
    expect(jwe).toMatchObject({ status: 400, json: { detail: 'the API has no key to encrypt to' } });
  });

  it('warns of what a reader of a signed token does not enforce', async () => {
    const lifetime = { ttl: 600, max_uses: 3, not_before: 60 };
    const answer = await mintGuest(
      server,
      grant({ format: 'jwt', lifetime, binding: { ip: ['203.0.113.0/24'] } }),
    );

    expect(answer.json.warnings).toHaveLength(2);
    const { iat, nbf } = payload(answer.json.token);
    expect(nbf).toBe(iat + 60);
  });
});

it('keeps no value at rest, not even for the key that gets it again', async () => {
  const engine = await openEmbedded();
  const server = await startTestServer({ store: engine.url, realms: [guestRealm()] });
  const body = grant({ lifetime: { ttl: 600, refresh: { allowed: true } } });
  const { json } = await mintGuest(server, body, { headers: { 'idempotency-key': 'secret-order' } });
  const opener = await call(server, 'POST', '/guest-tokens/openers', grant());
  await server.stop();

  const atRest = await engine.dump();
  for (const value of [json.token, json.refresh_token, opener.json.opener]) {
    expect(value.length).toBeGreaterThan(40);
    expect(atRest.includes(value.slice(5))).toBe(false);
  }
  expect(atRest.includes(createHash('sha256').update(json.token).digest('base64url'))).toBe(true);
  await engine.stop();
});

function resource() {
  return { type: 'dashboard', id: 'dash-1', actions: ['view', 'filter'], rows: ownRows };
}

function payload(jwt: string) {
  return JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString());
}
