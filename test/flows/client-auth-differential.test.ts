/**
 * Client authentication of ours against the library's: the same generated request is accepted by both or by neither.
 * The library answers at its revocation endpoint.
 */
import { randomInt, randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { type JWTHeaderParameters, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  authenticateClient,
  type ClientAuthDeps,
  isAuthenticated,
} from '../../src/oidc/client-auth/authenticate.ts';
import { createProviderPool } from '../../src/oidc/provider/provider-pool.ts';
import { ui } from '../../src/surfaces/pages/screens.ts';
import { certificate, otherCertificate, trustLoopback } from '../support/certificates.ts';
import { basic, postForm } from '../support/http.ts';
import { assertionType, type ClientKey, newKey } from '../support/proofs.ts';
import { acme } from '../support/realms.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

const SECRET = 'a-secret-that-is-long-enough-to-sign-with';
const PREVIOUS = 'the-secret-that-was-there-before-this-one';
const HEADER = 'client-cert';

let server: TestServer;
let host: Server;
let deps: ClientAuthDeps;
let keys: Readonly<Record<'own' | 'rsa' | 'stranger', ClientKey>>;
const ids: string[] = [];

beforeAll(async () => {
  keys = { own: await newKey(), rsa: await newKey('RS256'), stranger: await newKey() };
  const jwks = { keys: [{ ...keys.own.publicJwk, kid: 'own' }, keys.rsa.publicJwk] };
  host = createServer((_request, response) => {
    response.setHeader('content-type', 'application/json').end(JSON.stringify(jwks));
  });
  await new Promise<void>((resolve) => {
    host.listen(0, '127.0.0.1', resolve);
  });
  const { port } = host.address() as AddressInfo;
  const clients = clientsOf(jwks, `http://127.0.0.1:${port}/keys`);
  const realm = acme({ registration: { open: true }, clients: [...acme().clients, ...clients] });
  server = await startTestServer({
    realms: [realm],
    env: { ...trustLoopback, DAYPASS_ALLOW_PRIVATE_FETCH: '1' },
  });
  ids.push('nobody', 'daypass-account', 'dc-ui', 'gateway', ...clients.map(({ id }) => id));
  const { settings, ...services } = server.services;
  const { publicUrl, clientCertHeader, allowPrivateFetch } = settings;
  const pool = createProviderPool({ ...services, publicUrl, clientCertHeader, allowPrivateFetch, ui });
  const provider = await pool.find('acme');
  if (provider === undefined || provider === 'disabled') throw new Error('there is no realm');
  deps = provider.clientAuth;
});
afterAll(async () => {
  await server?.stop();
  await new Promise((resolve) => {
    host?.close(resolve);
  });
});

/** One client of every kind, and of some that must be refused. */
function clientsOf(jwks: object, jwksUri: string) {
  const used = { introspects: ['analytics'] };
  const secret = { ...used, secret: SECRET };
  const byKey = { ...used, tokenEndpointAuthMethod: 'private_key_jwt' };
  const byCertificate = { ...used, tokenEndpointAuthMethod: 'tls_client_auth' };
  const selfSigned = { ...used, tokenEndpointAuthMethod: 'self_signed_tls_client_auth' };
  const certified = { keys: [{ ...keys.own.publicJwk, x5c: [certificate.base64] }] };
  return [
    { ...secret, id: 'basic' },
    { ...secret, id: 'post', tokenEndpointAuthMethod: 'client_secret_post' },
    { ...secret, id: 'rotated', previousSecret: PREVIOUS },
    { ...secret, id: 'long-rotated', previousSecret: PREVIOUS, previousSecretUntil: '2020-01-01T00:00:00Z' },
    { ...secret, id: 'disabled', enabled: false },
    { ...secret, id: 'with-keys', jwks },
    { ...used, id: 'unprintable', secret: 'ein-gehëimnis' },
    { ...secret, id: 'secret-jwt', tokenEndpointAuthMethod: 'client_secret_jwt' },
    { ...byKey, id: 'by-key', jwks },
    { ...byKey, id: 'by-key-disabled', enabled: false, jwks },
    { ...byKey, id: 'one-alg', tokenEndpointAuthSigningAlg: 'ES256', jwks },
    { ...byKey, id: 'fapi', fapi: true, jwks },
    { ...byKey, id: 'by-uri', jwksUri },
    { ...byCertificate, id: 'by-subject', tlsClientAuthSubjectDn: certificate.subject },
    { ...byCertificate, id: 'by-name', tlsClientAuthSanDns: 'gateway.acme.test' },
    { ...byCertificate, id: 'by-other', tlsClientAuthSubjectDn: otherCertificate.subject },
    { ...selfSigned, id: 'self-signed', jwks: certified },
    { ...selfSigned, id: 'self-signed-other', jwks },
  ];
}

/** What is sent; an assertion is made anew for each of the two, because it is good once. */
type Sent = {
  readonly authorization?: string | undefined;
  readonly certificate?: string | undefined;
  readonly form: readonly (readonly [name: string, value: string])[];
  readonly assertion?: (() => Promise<string>) | undefined;
  readonly isAssertionTwice?: boolean | undefined;
};

const address = () => server.endpoint('acme', 'revoke');

async function formOf({ form, assertion, isAssertionTwice }: Sent): Promise<[string, string][]> {
  const pairs = form.map(([name, value]): [string, string] => [name, value]);
  if (assertion !== undefined) pairs.push(['client_assertion', await assertion()]);
  if (isAssertionTwice === true && assertion !== undefined)
    pairs.push(['client_assertion', await assertion()]);
  return pairs;
}

/** By another network each time: nobody is held off for guessing. */
const network = () => Array.from({ length: 4 }, () => randomInt(1, 250)).join('.');

async function isAcceptedByLibrary(sent: Sent): Promise<boolean> {
  const headers = {
    'x-forwarded-for': network(),
    ...(sent.authorization === undefined ? {} : { authorization: sent.authorization }),
    ...(sent.certificate === undefined ? {} : { [HEADER]: sent.certificate }),
  };
  const answer = await postForm(address(), [...(await formOf(sent)), ['token', 'none']], { headers });
  expect([200, 400, 401]).toContain(answer.status);
  return answer.status === 200;
}

async function isAcceptedByUs(sent: Sent): Promise<boolean> {
  const { authorization, certificate: shown } = sent;
  const form = new URLSearchParams(await formOf(sent));
  const credentials = { authorization, certificate: shown, form, address: address() };
  return isAuthenticated(await authenticateClient(deps, credentials));
}

const now = () => Math.floor(Date.now() / 1000);

/** Claims of a right assertion, by a change that makes it wrong or does not. */
const changes: readonly ((id: string) => Readonly<Record<string, unknown>>)[] = [
  () => ({}),
  () => ({}),
  () => ({ aud: server.endpoint('acme', 'token') }),
  () => ({ aud: address() }),
  () => ({ aud: server.endpoint('acme', 'token/introspect') }),
  () => ({ aud: ['https://elsewhere.test', server.issuer('acme')] }),
  () => ({ aud: ['https://elsewhere.test'] }),
  () => ({ aud: [server.issuer('acme'), 1] }),
  () => ({ aud: [] }),
  () => ({ aud: undefined }),
  () => ({ iss: 'by-uri' }),
  () => ({ iss: undefined }),
  () => ({ sub: 'by-uri' }),
  () => ({ sub: undefined }),
  () => ({ sub: 1 }),
  () => ({ exp: undefined }),
  () => ({ exp: now() - 5 }),
  () => ({ exp: now() - 60 }),
  () => ({ exp: now() + 60.5 }),
  () => ({ exp: String(now() + 60) }),
  () => ({ exp: 9_007_199_254_740_991 }),
  () => ({ nbf: now() + 5 }),
  () => ({ nbf: now() + 60 }),
  () => ({ nbf: 'soon' }),
  () => ({ iat: now() + 60 }),
  () => ({ iat: 'now' }),
  () => ({ jti: undefined }),
  () => ({ jti: '' }),
  () => ({ jti: 1 }),
  () => ({ tenant: 'blue' }),
];

type Signer = {
  readonly key: 'own' | 'rsa' | 'stranger' | 'secret' | 'wrong-secret' | 'previous-secret';
  readonly header: Partial<JWTHeaderParameters>;
};

function assertionOf(id: string, { key, header }: Signer, change: number): () => Promise<string> {
  return () => {
    const claims = {
      iss: id,
      sub: id,
      aud: server.issuer('acme'),
      jti: randomUUID(),
      iat: now(),
      exp: now() + 60,
      ...changes[change]?.(id),
    };
    const signed = new SignJWT(claims as Record<string, unknown>);
    switch (key) {
      case 'secret':
      case 'wrong-secret':
      case 'previous-secret': {
        const secret = { secret: SECRET, 'wrong-secret': `${SECRET}-not`, 'previous-secret': PREVIOUS }[key];
        return signed.setProtectedHeader({ alg: 'HS256', ...header }).sign(Buffer.from(secret));
      }
      default:
        return signed.setProtectedHeader({ alg: keys[key].alg, ...header }).sign(keys[key].privateKey);
    }
  };
}

const none = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from('{"sub":"by-key"}').toString('base64url')}.`;

const signer: fc.Arbitrary<Signer> = fc.record({
  key: fc.constantFrom('own', 'rsa', 'stranger', 'secret', 'wrong-secret', 'previous-secret'),
  header: fc.constantFrom({}, {}, {}, { kid: 'own' }, { kid: 'other' }, { typ: 'JWT' }),
});

const secret = fc.constantFrom(SECRET, SECRET, PREVIOUS, 'wrong-secret', 'gateway-secret', 'ein-gehëimnis');

function authorizationOf(id: string): fc.Arbitrary<string> {
  return fc.oneof(
    secret.map((text) => basic([id, text])),
    fc.constantFrom(
      '',
      'Basic',
      'Basic !!!',
      'Bearer abc',
      basic([id, '']),
      basic(['', SECRET]),
      basic([id, SECRET]).replace('Basic', 'bASIC'),
      basic([id, SECRET]).replace(' ', '  '),
      basic([id, SECRET]).replaceAll('=', ''),
      `${basic([id, SECRET])}=`,
      `Basic ${Buffer.from(`${id}:${SECRET}%`).toString('base64')}`,
      `Basic ${Buffer.from(id).toString('base64')}`,
      `Basic ${Buffer.from(`${id}:${SECRET}`).toString('base64url')}`,
    ),
  );
}

const rarely = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 1 });
const often = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 4 });

const assertion = (id: string) =>
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.tuple(signer, fc.nat(changes.length - 1)).map((made) => assertionOf(id, ...made)),
    },
    { weight: 1, arbitrary: fc.constantFrom('', 'not-a-jwt', 'a.b.c', none).map((text) => async () => text) },
  );

const type = fc
  .constantFrom([assertionType], [assertionType], [assertionType], [assertionType], ['jwt'], [''], [])
  .map((values) => values.map((value) => ['client_assertion_type', value] as const));

const named = (id: string) =>
  fc
    .constantFrom([id], [id], [id], [], ['gateway'], [''], [id, id])
    .map((values) => values.map((value) => ['client_id', value] as const));

const posted = fc.oneof(
  { weight: 4, arbitrary: secret.map((text) => [text]) },
  { weight: 1, arbitrary: fc.constantFrom([''], [SECRET, SECRET]) },
);
const postedSecret = posted.map((values) => values.map((value) => ['client_secret', value] as const));

/** Mostly one way of authentication, sometimes several. */
const request: fc.Arbitrary<Sent> = fc
  .tuple(fc.nat(), fc.constantFrom('header', 'form', 'assertion', 'certificate', 'anything'))
  .chain(([index, way]) => {
    const id = ids[index % ids.length] ?? 'nobody';
    const isAny = way === 'anything';
    const part = <T>(name: string, arbitrary: fc.Arbitrary<T>) => {
      if (isAny) return often(arbitrary);
      return way === name ? arbitrary : fc.constant(undefined);
    };
    return fc
      .record({
        authorization: part('header', authorizationOf(id)),
        secrets: part('form', postedSecret),
        assertion: part('assertion', assertion(id)),
        isAssertionTwice: rarely(fc.constant(isAny)),
        types: part('assertion', type),
        certificate: part(
          'certificate',
          fc.constantFrom(
            certificate.header,
            certificate.header,
            encodeURIComponent(certificate.pem),
            otherCertificate.header,
            'garbage',
          ),
        ),
        names: named(id),
      })
      .map(({ secrets = [], types = [], names, ...rest }) => ({
        ...rest,
        form: [...names, ...secrets, ...types],
      }));
  });

describe('client authentication of ours', () => {
  it('accepts what the library accepts, and nothing else', async () => {
    let accepted = 0;
    await fc.assert(
      fc.asyncProperty(request, async (sent) => {
        const [ours, theirs] = [await isAcceptedByUs(sent), await isAcceptedByLibrary(sent)];
        if (ours) accepted += 1;
        expect(ours).toBe(theirs);
      }),
      { numRuns: 1500 },
    );

    expect(accepted).toBeGreaterThan(50);
  });

  const right = (id: string, key: Signer['key'] = 'own', change = 0): Sent => ({
    form: [['client_assertion_type', assertionType]],
    assertion: assertionOf(id, { key, header: {} }, change),
  });
  const own = certificate.header;

  it.each<[string, () => Sent]>([
    ['client_secret_basic', () => ({ authorization: basic(['basic', SECRET]), form: [] })],
    [
      'client_secret_basic with the previous secret',
      () => ({ authorization: basic(['rotated', PREVIOUS]), form: [] }),
    ],
    [
      'client_secret_post',
      () => ({
        form: [
          ['client_id', 'post'],
          ['client_secret', SECRET],
        ],
      }),
    ],
    ['client_secret_jwt', () => right('secret-jwt', 'secret')],
    ['private_key_jwt', () => right('by-key')],
    ['private_key_jwt by RSA', () => right('by-key', 'rsa')],
    ['private_key_jwt with keys at an address', () => right('by-uri')],
    ['private_key_jwt of a FAPI client', () => right('fapi')],
    ['tls_client_auth by subject', () => ({ form: [['client_id', 'by-subject']], certificate: own })],
    ['tls_client_auth by name', () => ({ form: [['client_id', 'by-name']], certificate: own })],
    ['self_signed_tls_client_auth', () => ({ form: [['client_id', 'self-signed']], certificate: own })],
    ['none', () => ({ form: [['client_id', 'dc-ui']] })],
  ])('accepts %s, as the library does', async (_method, sent) => {
    expect([await isAcceptedByUs(sent()), await isAcceptedByLibrary(sent())]).toEqual([true, true]);
  });

  it.each(['by-key', 'basic', 'by-subject', 'self-signed', 'dc-ui', 'secret-jwt'])(
    'holds %s to its own method',
    async (id) => {
      const ways: Record<string, Sent> = {
        basic: { authorization: basic([id, SECRET]), form: [] },
        'by-key': right(id),
        'secret-jwt': right(id, 'secret'),
        'by-subject': { form: [['client_id', id]], certificate: own },
      };
      for (const sent of Object.values(ways)) {
        expect(await isAcceptedByUs(sent)).toBe(await isAcceptedByLibrary(sent));
      }
    },
  );

  it('judges every claim of an assertion as the library does', async () => {
    for (const change of changes.keys()) {
      const sent = right('by-key', 'own', change);
      expect([change, await isAcceptedByUs(sent)]).toEqual([change, await isAcceptedByLibrary(sent)]);
    }
  });

  it('spends an assertion that the library may not take again, and the other way round', async () => {
    for (const [first, second] of [
      [isAcceptedByUs, isAcceptedByLibrary],
      [isAcceptedByLibrary, isAcceptedByUs],
    ] as const) {
      const text = await assertionOf('by-key', { key: 'own', header: {} }, 0)();
      const sent: Sent = { form: [['client_assertion_type', assertionType]], assertion: async () => text };

      expect([await first(sent), await second(sent)]).toEqual([true, false]);
    }
  });

  it('accepts a client that registered itself, by the method that it registered', async () => {
    const url = `${server.issuer('acme')}/clients-registrations/openid-connect`;
    const metadata = { redirect_uris: ['https://app.example/cb'] };
    const register = async (method: string, more: object = {}) => {
      const body = JSON.stringify({ ...metadata, token_endpoint_auth_method: method, ...more });
      return (await postForm(url, body, { headers: { 'content-type': 'application/json' } })).json;
    };
    const posts = await register('client_secret_post');
    const open = await register('none');
    const signs = await register('private_key_jwt', { jwks: { keys: [keys.own.publicJwk] } });

    const sent: Sent[] = [
      { authorization: basic([posts.client_id, posts.client_secret]), form: [] },
      { form: [['client_id', open.client_id]] },
      right(signs.client_id),
    ];
    for (const one of sent) {
      expect([await isAcceptedByUs(one), await isAcceptedByLibrary(one)]).toEqual([true, true]);
    }
  });
});
