/** Every limit of a field of a guest grant, over HTTP: just inside is taken, just outside is refused with its pointer. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { postForm } from '../support/http.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import {
  call,
  detail,
  EXCHANGE,
  grant,
  guestRealm,
  mintGuest,
  mints,
  ownToken,
  portal,
  session,
} from './guest-support.ts';

const names = (count: number, prefix = 'n') => Array.from({ length: count }, (_, at) => `${prefix}${at}`);
const mapOf = (count: number, value: unknown, prefix = 'n') =>
  Object.fromEntries(names(count, prefix).map((name) => [name, value]));

const policies = [
  { kind: 'row', name: 'many', parameters: names(50), template: { col: 'a', op: 'eq', value: '{{ n0 }}' } },
  { kind: 'row', name: 'in', parameters: ['v'], template: { col: 'a', op: 'in', value: '{{ v }}' } },
];

let server: TestServer;
beforeAll(async () => {
  const wide = { ...mints, types: [...mints.types, 'dataset'] };
  const open = {
    name: 'open',
    guests: { allowRawSql: true, allowLocalhostOrigins: true, allowNonExpiring: true },
  };
  const endless = { mints: { ...wide, allowNonExpiring: true } };
  server = await startTestServer({
    realms: [guestRealm({ policies }, { portal: { mints: wide } }), guestRealm(open, { portal: endless })],
  });
});
afterAll(() => server?.stop());

const resource = (more: object) => {
  const [one] = grant().resources;
  return grant({ resources: [{ ...one, ...more }] });
};
const rows = (value: unknown) => resource({ rows: value });
const leaf = (more: object) => rows({ col: 'a', op: 'eq', value: 1, ...more });
const subject = (more: object) => grant({ subject: { tenant: 'blue', id: 'u_42', ...more } });
const life = (lifetime: object, more: object = {}) => grant({ lifetime, ...more });
const bound = (binding: object) => grant({ binding });
const use = (name: string, params: object) => ({ kind: 'row', name, params });
const nested = (levels: number): object =>
  levels === 1 ? { col: 'a', op: 'not_null' } : { and: [nested(levels - 1)] };
const text = (bytes: number) => 'é'.repeat(Math.floor(bytes / 2)) + 'x'.repeat(bytes % 2);
const refresh = (absolute: number) => ({ allowed: true, absolute });

type Row = readonly [what: string, inside: unknown, outside: unknown, pointer: string];

const rowsOfTable: readonly Row[] = [
  ['subject.tenant: 1 byte', subject({ tenant: 'x' }), subject({ tenant: '' }), '/subject/tenant'],
  [
    'subject.tenant: 256 bytes',
    subject({ tenant: text(256) }),
    subject({ tenant: text(257) }),
    '/subject/tenant',
  ],
  ['subject.id: 1 byte', subject({ id: 'x' }), subject({ id: '' }), '/subject/id'],
  ['subject.id: 256 bytes', subject({ id: text(256) }), subject({ id: text(257) }), '/subject/id'],
  ['subject.id: no control characters', subject({ id: 'a b' }), subject({ id: 'a\u0000b' }), '/subject/id'],
  [
    'subject.attributes: 50 keys',
    subject({ attributes: mapOf(50, 1) }),
    subject({ attributes: mapOf(51, 1) }),
    '/subject/attributes',
  ],
  [
    'subject.attributes: 1 KiB a value',
    subject({ attributes: { a: text(1024) } }),
    subject({ attributes: { a: text(1025) } }),
    '/subject/attributes/a',
  ],
  [
    'subject.attributes: 1 KiB a list',
    // 256 times "ab", and what makes a list of them.
    subject({ attributes: { a: Array(204).fill('ab') } }),
    subject({ attributes: { a: Array(205).fill('ab') } }),
    '/subject/attributes/a',
  ],
  [
    'subject.attributes: 16 KiB in all',
    subject({ attributes: { ...mapOf(15, 'x'.repeat(1024), 'k'), rest: 'x'.repeat(888) } }),
    subject({ attributes: { ...mapOf(15, 'x'.repeat(1024), 'k'), rest: 'x'.repeat(889) } }),
    '/subject/attributes',
  ],
  ['resources: at least 1', grant(), grant({ resources: [] }), '/resources'],
  [
    'resources: 100',
    grant({ resources: names(100).map((id) => ({ ...grant().resources[0], id })) }),
    grant({ resources: names(101).map((id) => ({ ...grant().resources[0], id })) }),
    '/resources',
  ],
  [
    'resources[].type: registered',
    resource({ type: 'custom:story' }),
    resource({ type: 'table' }),
    '/resources/0/type',
  ],
  [
    'resources[].actions: 32',
    resource({ actions: Array(32).fill('view') }),
    resource({ actions: Array(33).fill('view') }),
    '/resources/0/actions',
  ],
  [
    'resources[].actions: registered',
    resource({ actions: ['view'] }),
    resource({ actions: ['export:*'] }),
    '/resources/0/actions/0',
  ],
  ['rows: said', rows('none'), rows(undefined), '/resources/0/rows'],
  ['rows: all, none or a predicate', rows('all'), rows('some'), '/resources/0/rows'],
  ['rows: depth 5', rows(nested(5)), rows(nested(6)), '/resources/0/rows/and/0/and/0/and/0/and/0/and/0'],
  [
    'rows: 100 leaves',
    rows({ or: [{ and: Array(50).fill(nested(1)) }, { and: Array(50).fill(nested(1)) }] }),
    rows({ or: [{ and: Array(50).fill(nested(1)) }, { and: Array(51).fill(nested(1)) }] }),
    '/resources/0/rows/or/1/and/50',
  ],
  [
    'rows: 1,000 values of in',
    leaf({ op: 'in', value: Array(1000).fill(7) }),
    leaf({ op: 'in', value: Array(1001).fill(7) }),
    '/resources/0/rows/value',
  ],
  ['rows: an operator', leaf({ op: 'ne' }), leaf({ op: 'like' }), '/resources/0/rows/op'],
  [
    'rows: 1 KiB of text',
    leaf({ value: text(1024) }),
    leaf({ value: text(1025) }),
    '/resources/0/rows/value',
  ],
  [
    'rows: a list of one type',
    leaf({ op: 'in', value: [1, 2] }),
    leaf({ op: 'in', value: [1, '2'] }),
    '/resources/0/rows/value',
  ],
  ['rows: no value that is none', leaf({ value: false }), leaf({ value: null }), '/resources/0/rows/value'],
  [
    'columns: 200 names',
    resource({ columns: { deny: names(200) } }),
    resource({ columns: { deny: names(201) } }),
    '/resources/0/columns/deny',
  ],
  [
    'columns: 200 masks',
    resource({ columns: { mask: mapOf(200, 'hash') } }),
    resource({ columns: { mask: mapOf(201, 'hash') } }),
    '/resources/0/columns/mask',
  ],
  [
    'columns: allow or deny',
    resource({ columns: { allow: ['a'], mask: { a: 'last4' } } }),
    resource({ columns: { allow: ['a'], deny: ['b'] } }),
    '/resources/0/columns',
  ],
  [
    'columns: a mask',
    resource({ columns: { mask: { a: 'bucket', b: 'null' } } }),
    resource({ columns: { mask: { a: 'blur' } } }),
    '/resources/0/columns/mask/a',
  ],
  [
    'policies: 20',
    grant({ policies: Array(20).fill(use('in', { v: [1] })) }),
    grant({ policies: Array(21).fill(use('in', { v: [1] })) }),
    '/policies',
  ],
  [
    'policies[].params: 50 keys',
    grant({ policies: [use('many', mapOf(50, 'x'))] }),
    grant({ policies: [use('many', mapOf(51, 'x'))] }),
    '/policies/0/params',
  ],
  [
    'policies[].params: of one type',
    grant({ policies: [use('in', { v: ['a', 'b'] })] }),
    grant({ policies: [use('in', { v: ['a', 1] })] }),
    '/policies/0/params/v',
  ],
  [
    'policies[].params: no booleans',
    grant({ policies: [use('in', { v: [1, 2] })] }),
    grant({ policies: [use('in', { v: true })] }),
    '/policies/0/params/v',
  ],
  [
    'binding.origins: 20',
    bound({ origins: names(20).map((name) => `https://${name}.acme.com`) }),
    bound({ origins: names(21).map((name) => `https://${name}.acme.com`) }),
    '/binding/origins',
  ],
  [
    'binding.origins: one leading label',
    bound({ origins: ['https://*.acme.com:8443'] }),
    bound({ origins: ['https://*.*.acme.com'] }),
    '/binding/origins/0',
  ],
  [
    'binding.origins: https',
    bound({ origins: ['https://localhost:3000'] }),
    bound({ origins: ['http://localhost:3000'] }),
    '/binding/origins/0',
  ],
  [
    'binding.ip: 20',
    bound({ ip: names(20).map((_, at) => `203.0.113.${at}`) }),
    bound({ ip: names(21).map((_, at) => `203.0.113.${at}`) }),
    '/binding/ip',
  ],
  [
    'binding.ip: v4',
    bound({ ip: ['203.0.113.0/32', 'office.acme.com'] }),
    bound({ ip: ['203.0.113.0/33'] }),
    '/binding/ip/0',
  ],
  ['binding.ip: v6', bound({ ip: ['2001:db8::/128'] }), bound({ ip: ['2001:db8::/129'] }), '/binding/ip/0'],
  ['lifetime.ttl: 10', life({ ttl: 10 }), life({ ttl: 9 }), '/lifetime/ttl'],
  ['lifetime.ttl: 86,400', life({ ttl: 86_400 }), life({ ttl: 86_401 }), '/lifetime/ttl'],
  ['lifetime.ttl: whole seconds', life({ ttl: 60 }), life({ ttl: 60.5 }), '/lifetime/ttl'],
  ['lifetime.ttl: an end', life({}), life({ ttl: null }), '/lifetime/ttl'],
  ['lifetime.idle: 30', life({ idle: 30 }), life({ idle: 29 }), '/lifetime/idle'],
  ['lifetime.idle: ttl', life({ ttl: 60, idle: 60 }), life({ ttl: 60, idle: 61 }), '/lifetime/idle'],
  ['lifetime.max_uses: 1', life({ max_uses: 1 }), life({ max_uses: 0 }), '/lifetime/max_uses'],
  [
    'lifetime.max_uses: 1,000,000',
    life({ max_uses: 1_000_000 }),
    life({ max_uses: 1_000_001 }),
    '/lifetime/max_uses',
  ],
  [
    'lifetime.refresh.absolute: 30 days',
    life({ refresh: refresh(2_592_000) }),
    life({ refresh: refresh(2_592_001) }),
    '/lifetime/refresh/absolute',
  ],
  [
    'metadata: 4 KiB',
    grant({ metadata: { a: 'x'.repeat(4088) } }),
    grant({ metadata: { a: 'x'.repeat(4089) } }),
    '/metadata',
  ],
];

describe('a limit of a guest grant', () => {
  it.each(rowsOfTable)('holds: %s', async (_what, inside, outside, pointer) => {
    const ask = (body: unknown) => mintGuest(server, { ...(body as object), dry_run: true });

    const [taken, refused] = [await ask(inside), await ask(outside)];

    expect([taken.status, taken.json.errors]).toEqual([200, undefined]);
    expect([refused.status, refused.json.code]).toEqual([400, 'invalid_request']);
    expect(refused.json.errors.map((one: { pointer: string }) => one.pointer)).toEqual([pointer]);
  });

  it.each([
    ['eq', 1],
    ['ne', 'x'],
    ['in', []],
    ['not_in', [1]],
    ['lt', 1.5],
    ['lte', '2024-01-01'],
    ['gt', 1],
    ['gte', 1],
    ['between', [1, 2]],
    ['starts_with', 'a'],
    ['contains', 'a'],
    ['is_null', undefined],
    ['not_null', undefined],
  ])('knows the operator %s', async (op, value) => {
    expect((await mintGuest(server, leaf({ op, value }))).status).toBe(201);
  });

  it.each([
    ['in_query', leaf({ op: 'in_query', value: { sql: 'SELECT a FROM b', columnName: 'a' } })],
    ['localhost', bound({ origins: ['http://localhost:3000'] })],
    ['a token without an end', life({ ttl: null })],
    ['a UUID without an end', life({ ttl: null }, { format: 'uuid' })],
  ])('is for the realm to lift: %s', async (_what, body) => {
    const [here, there] = [await mintGuest(server, body), await mintGuest(server, body, { realm: 'open' })];

    expect([here.status, there.status]).toEqual([400, 201]);
  });

  it.each(['jwt', 'jwt_reference', 'jwe'])('is never lifted for a %s without an end', async (format) => {
    const answer = await mintGuest(server, life({ ttl: null }, { format }), { realm: 'open' });

    expect(answer.json.errors).toMatchObject([{ pointer: '/lifetime/ttl' }]);
  });
});

describe('the size of a request', () => {
  /** A grant in so many bytes of JSON, white space included. */
  const sized = (bytes: number): string => JSON.stringify(grant()).padEnd(bytes, ' ');

  it('is at most 64 KiB', async () => {
    const [inside, outside] = [
      await call(server, 'POST', '/guest-tokens', sized(65_536)),
      await call(server, 'POST', '/guest-tokens', sized(65_537)),
    ];

    expect([inside.status, outside.status, outside.json.code]).toEqual([201, 413, 'body_too_large']);
  });

  it('is at most 56 KiB at the token endpoint', async () => {
    const form = {
      grant_type: EXCHANGE,
      subject_token: await ownToken(server),
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      authorization_details: JSON.stringify([detail(), session()]),
    };
    const empty = new URLSearchParams({ ...form, favourite: '' }).toString().length;
    const ask = (bytes: number) =>
      postForm(
        server.endpoint('acme', 'token'),
        { ...form, favourite: 'x'.repeat(bytes - empty) },
        { auth: portal },
      );

    expect([(await ask(57_344)).status, (await ask(57_345)).status]).toEqual([200, 413]);
  });

  it('of a signed token is at most 6 KiB, and the refusal says what to ask for', async () => {
    const signed = (count: number) =>
      mintGuest(
        server,
        grant({
          format: 'jwt',
          resources: names(count, 'dashboard-with-a-name-').map((id) => ({ ...grant().resources[0], id })),
        }),
      );
    const sizes: number[] = [];
    let refused = await signed(1);
    for (let count = 1; refused.status === 201; count += 1) {
      sizes.push(refused.json.token.length);
      refused = await signed(count + 1);
    }

    const [step = 0, last = 0] = [(sizes.at(-1) ?? 0) - (sizes.at(-2) ?? 0), sizes.at(-1)];
    expect(last).toBeLessThanOrEqual(6144);
    expect(last + step + 4).toBeGreaterThan(6144);
    expect(refused).toMatchObject({ status: 400, json: { code: 'invalid_request' } });
    expect(refused.json.detail).toContain('jwt_reference');
  });
});
