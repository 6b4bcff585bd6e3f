/**
 * Generated requests on the fast path and on the library's path: both give the same answer, the same token, the same
 * record and the same introspection, and each says which path it was. A header that changes nothing else leaves a
 * request to the library's path.
 */
import fc from 'fast-check';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import { sha256 } from '../../src/base/hash.ts';
import type { DomainEvent } from '../../src/observability/events.ts';
import { tokenKey } from '../../src/revocation/nodes.ts';
import { type Answer, basic, postForm } from '../support/http.ts';
import { analytics, engine, gateway, george, warehouse } from '../support/realms.ts';
import { useServer } from '../support/use-server.ts';
import { ACCESS_TOKEN, detail, EXCHANGE, guestRealm, portal, session } from './guest-support.ts';

const libraryPath = { accept: 'application/json, application/x-jwt;q=0.1' };

/** An id and a secret with characters that Basic percent-encodes (RFC 6749 §2.3.1). */
const odd = ['odd:client', 'a + b, 50 % and : too'] as const;

const extra = [
  {
    id: odd[0],
    secret: odd[1],
    grants: ['client_credentials'],
    roles: ['engine'],
    introspects: ['analytics'],
  },
  {
    id: 'rotated',
    secret: 'the-new-secret',
    previousSecret: 'the-old-secret',
    grants: ['client_credentials'],
    roles: ['engine'],
    introspects: ['warehouse'],
  },
  {
    id: 'limited',
    secret: 'limited-secret',
    grants: ['client_credentials'],
    roles: ['engine'],
    permissions: [],
  },
  { id: 'off', secret: 'off-secret', grants: ['client_credentials'], enabled: false },
];

const base = guestRealm({}, { clients: extra });
const server = useServer({ realms: [base, { ...base, name: 'globex', profile: 'keycloak' }] });

type Pair = readonly [string, string];
type Sent = { readonly form: readonly Pair[]; readonly headers: Readonly<Record<string, string>> };

const realm = fc.constantFrom('acme', 'globex');
const client: fc.Arbitrary<Pair> = fc.constantFrom<Pair>(
  engine,
  gateway,
  portal,
  odd,
  ['rotated', 'the-new-secret'],
  ['rotated', 'the-old-secret'],
  ['limited', 'limited-secret'],
);
const stranger: fc.Arbitrary<Pair> = fc.constantFrom<Pair>(
  ['ds-engine', 'wrong'],
  ['nobody', 'nothing'],
  ['off', 'off-secret'],
  ['dc-ui', 'public'],
);

/** Ways in which real clients send the same credentials. */
const presented = (pair: Pair): fc.Arbitrary<Sent> =>
  fc.constantFrom<Sent>(
    { form: [], headers: { authorization: basic(pair) } },
    { form: [], headers: { authorization: basic(pair).replace('Basic', 'basic') } },
    { form: [['client_id', pair[0]]], headers: { authorization: basic(pair) } },
    {
      form: [
        ['client_id', pair[0]],
        ['client_secret', pair[1]],
      ],
      headers: {},
    },
  );

const contentType = fc.constantFrom(
  'application/x-www-form-urlencoded',
  'application/x-www-form-urlencoded;charset=UTF-8',
  'application/x-www-form-urlencoded; charset=utf-8',
  'Application/X-WWW-Form-Urlencoded',
);

const scope = fc.constantFrom(
  undefined,
  'reports:read',
  'python:execute reports:read',
  'reports:read reports:read',
  'dashboards:write',
  'warehouse:query',
  'openid',
  'no:such',
  ' reports:read',
  '',
);
const resource = fc.constantFrom(
  undefined,
  analytics,
  warehouse,
  warehouse,
  warehouse,
  'https://no.such',
  'urn:daypass:admin',
);
const surplus = fc.constantFrom<readonly Pair[]>(
  [],
  [],
  [],
  [],
  [],
  [],
  [['unknown', 'parameter']],
  [['scope', 'again']],
  [['audience', warehouse]],
);

const optional = (name: string, value: string | undefined): readonly Pair[] =>
  value === undefined ? [] : [[name, value]];

function sentBy(who: Pair, parameters: readonly Pair[]): fc.Arbitrary<Sent> {
  return fc
    .tuple(
      presented(who),
      contentType,
      fc.shuffledSubarray([...parameters], { minLength: parameters.length }),
    )
    .map(([{ form, headers }, type, shuffled]) => ({
      form: [...shuffled, ...form],
      headers: { ...headers, 'content-type': type },
    }));
}

const volatile: readonly string[] = ['iat', 'exp', 'jti', 'nbf', 'expires_in', 'expires_at', 'access_token'];

/** Without what is new each time, and without times: the two requests may fall into two seconds. */
function lasting(object: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(object).map(([name, value]) => [name, volatile.includes(name) ? typeof value : value]),
  );
}

function said({ status, headers, json }: Answer) {
  const names = ['content-type', 'cache-control', 'pragma', 'www-authenticate'];
  return { status, body: lasting(json), headers: names.map((name) => headers.get(name)) };
}

let events: DomainEvent[] = [];
beforeAll(() => {
  server.services.events.subscribe((event) => events.push(event));
});

/** The answer and the one token event of a request. */
async function send(where: string, endpoint: string, { form, headers }: Sent, more = {}) {
  events = [];
  const answer = await postForm(server.endpoint(where, endpoint), form, { headers: { ...headers, ...more } });
  const [event, ...others] = events.filter(({ type }) => type.startsWith('token.'));
  expect(others).toEqual([]);
  return { answer, path: event !== undefined && 'path' in event ? event.path : undefined };
}

/**
 * What is left to the library although it is answered with 200: parameters and values that it drops, and JWTs in
 * Keycloak's shape.
 */
function isUsual(where: string, endpoint: string, { form }: Sent): boolean {
  if (endpoint !== 'token') return true;
  const isShaped = where === 'globex' && form.some(([, value]) => value === warehouse);
  const isDropped = ([name, value]: Pair) =>
    name === 'unknown' || name === 'audience' || value === '' || value === 'openid';
  return !isShaped && !form.some(isDropped);
}

async function onBothPaths(where: string, endpoint: string, sent: Sent) {
  const fast = await send(where, endpoint, sent);
  const library = await send(where, endpoint, sent, libraryPath);
  expect(said(fast.answer)).toEqual(said(library.answer));
  expect(library.path).toBe('library');
  expect(fast.path).toBe(fast.answer.status === 200 && isUsual(where, endpoint, sent) ? 'fast' : 'library');
  return { fast: fast.answer, library: library.answer };
}

/** A token as its reader, its store and its API know it. */
async function known(where: string, token: string) {
  const [document] = await server.services.store.read([tokenKey(where, sha256(token))]);
  const asked = await postForm(server.endpoint(where, 'token/introspect'), { token }, { auth: gateway });
  return {
    jwt: token.startsWith('ey') ? [decodeProtectedHeader(token), lasting(decodeJwt(token))] : undefined,
    record: lastingRecord(document?.value ?? '{}'),
    introspection: lasting(asked.json),
  };
}

/** Short names of the record's times and ids. */
function lastingRecord(text: string): unknown {
  const volatileNames = ['i', 'e', 'J'];
  return Object.fromEntries(
    Object.entries(JSON.parse(text)).map(([name, value]) => [
      name,
      volatileNames.includes(name) ? typeof value : value,
    ]),
  );
}

const runs = { numRuns: 100 };

describe('the fast path and the library’s', () => {
  it('give the same service tokens', async () => {
    const request = fc
      .record({
        realm,
        client: fc.oneof({ weight: 5, arbitrary: client }, stranger),
        scope,
        resource,
        surplus,
      })
      .chain(({ realm: where, client: who, ...asked }) =>
        sentBy(who, [
          ['grant_type', 'client_credentials'],
          ...optional('scope', asked.scope),
          ...optional('resource', asked.resource),
          ...asked.surplus,
        ]).map((sent) => ({ where, sent })),
      );

    await fc.assert(
      fc.asyncProperty(request, async ({ where, sent }) => {
        const { fast, library } = await onBothPaths(where, 'token', sent);
        if (fast.status !== 200) return;
        expect(await known(where, fast.json.access_token)).toEqual(
          await known(where, library.json.access_token),
        );
      }),
      runs,
    );
  });

  it('give the same introspections', async () => {
    const tokens = { acme: await tokensOf('acme'), globex: await tokensOf('globex') };
    const hint = fc.constantFrom(undefined, 'access_token', 'refresh_token', 'something');
    const request = fc
      .record({
        realm: fc.constantFrom('acme' as const, 'globex' as const),
        client: fc.oneof({ weight: 5, arbitrary: client }, stranger),
        token: fc.nat(),
        hint,
        more: fc.constantFrom<readonly Pair[]>(
          [],
          [['cut_keys', 'true']],
          [['unknown', 'x']],
          [['token', 'again']],
        ),
      })
      .chain(({ realm: where, client: who, token, ...asked }) =>
        sentBy(who, [
          ['token', tokens[where][token % tokens[where].length] ?? ''],
          ...optional('token_type_hint', asked.hint),
          ...asked.more,
        ]).map((sent) => ({ where, sent })),
      );

    await fc.assert(
      fc.asyncProperty(request, async ({ where, sent }) => {
        await onBothPaths(where, 'token/introspect', sent);
      }),
      runs,
    );
  });

  it('give the same guest tokens', async () => {
    const subjects = await Promise.all([
      tokenOf('acme', { grant_type: 'client_credentials' }, portal),
      tokenOf('acme', george),
    ]);
    const details = fc.constantFrom(
      JSON.stringify([detail(), session()]),
      JSON.stringify([detail({ actions: ['view'] }), session({ label: 'one' })]),
      JSON.stringify([detail({ actions: ['sql'] }), session()]),
      '[]',
      '[{',
    );
    const request = fc
      .record({
        who: fc.oneof({ weight: 5, arbitrary: fc.constant<Pair>(portal) }, client),
        subject: fc.constantFrom(...subjects, 'dpa_nothing'),
        details,
        scope: fc.constantFrom(undefined, 'guest:view', 'guest:fly'),
      })
      .chain(({ who, subject, ...asked }) =>
        sentBy(who, [
          ['grant_type', EXCHANGE],
          ['subject_token', subject],
          ['subject_token_type', ACCESS_TOKEN],
          ['authorization_details', asked.details],
          ...optional('scope', asked.scope),
        ]),
      );

    await fc.assert(
      fc.asyncProperty(request, async (sent) => {
        const { fast, library } = await onBothPaths('acme', 'token', sent);
        if (fast.status !== 200) return;
        const [one, other] = await Promise.all(
          [fast, library].map(({ json }) =>
            postForm(
              server.endpoint('acme', 'token/introspect'),
              { token: json.access_token },
              { auth: gateway },
            ),
          ),
        );
        expect(lasting(one?.json)).toMatchObject({ active: true });
        expect(guestOf(one?.json)).toEqual(guestOf(other?.json));
      }),
      runs,
    );
  });
});

/** A guest by what it may do: its id and times are its own. */
function guestOf({ gid: _, ...answer }: Readonly<Record<string, unknown>>) {
  return lasting(answer);
}

async function tokenOf(where: string, form: Record<string, string>, auth?: Pair): Promise<string> {
  const options = auth === undefined ? {} : { auth };
  return (await postForm(server.endpoint(where, 'token'), form, options)).json.access_token;
}

async function tokensOf(where: string): Promise<readonly string[]> {
  const person = (
    await postForm(server.endpoint(where, 'token'), { ...george, scope: 'openid reports:read' })
  ).json;
  const service = { grant_type: 'client_credentials' };
  const revoked = await tokenOf(where, service, engine);
  await postForm(server.endpoint(where, 'revoke'), { token: revoked }, { auth: engine });
  return [
    person.access_token,
    person.refresh_token,
    person.id_token,
    await tokenOf(where, service, engine),
    await tokenOf(where, { ...service, resource: warehouse }, engine),
    revoked,
    'dpa_nothing',
    'not.a.jwt',
    '',
  ];
}
