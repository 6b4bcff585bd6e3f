/**
 * Client authentication of ours against the library's: the same generated request is accepted by both or by neither.
 * The library answers at its revocation endpoint.
 */
import { randomInt } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  authenticateClient,
  type ClientAuthDeps,
  isAuthenticated,
} from '../../src/oidc/client-auth/authenticate.ts';
import { createProviderPool } from '../../src/oidc/provider/provider-pool.ts';
import { ui } from '../../src/surfaces/pages/screens.ts';
import { certificate, trustLoopback } from '../support/certificates.ts';
import { basic, postForm } from '../support/http.ts';
import { assertionType, clientAssertion, newKey } from '../support/proofs.ts';
import { acme } from '../support/realms.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import {
  assertionOf,
  changes,
  clientsOf,
  type Place,
  PREVIOUS,
  requests,
  SECRET,
  type Sent,
  type Signer,
} from './client-auth-support.ts';

const HEADER = 'client-cert';

let server: TestServer;
let host: Server;
let fetched = 0;
let deps: ClientAuthDeps;
let at: Place;

beforeAll(async () => {
  const keys = { own: await newKey(), rsa: await newKey('RS256'), stranger: await newKey() };
  const jwks = { keys: [{ ...keys.own.publicJwk, kid: 'own' }, keys.rsa.publicJwk] };
  host = createServer((_request, response) => {
    fetched += 1;
    response.setHeader('content-type', 'application/json').end(JSON.stringify(jwks));
  });
  await new Promise<void>((resolve) => {
    host.listen(0, '127.0.0.1', resolve);
  });
  const { port } = host.address() as AddressInfo;
  const clients = clientsOf(keys, jwks, `http://127.0.0.1:${port}/keys`);
  const realm = acme({ registration: { open: true }, clients: [...acme().clients, ...clients] });
  server = await startTestServer({
    realms: [realm],
    env: { ...trustLoopback, DAYPASS_ALLOW_PRIVATE_FETCH: '1' },
  });
  at = {
    keys,
    ids: ['nobody', 'daypass-account', 'dc-ui', 'gateway', ...clients.map(({ id }) => id)],
    issuer: server.issuer('acme'),
    token: server.endpoint('acme', 'token'),
    introspection: server.endpoint('acme', 'token/introspect'),
    revocation: server.endpoint('acme', 'revoke'),
  };
  deps = await depsOf(server);
});
afterAll(async () => {
  await server?.stop();
  await new Promise((resolve) => {
    host?.close(resolve);
  });
});

async function depsOf({ services: { settings, ...services } }: TestServer): Promise<ClientAuthDeps> {
  const { publicUrl, clientCertHeader, clientCertVerifiedHeader, allowPrivateFetch } = settings;
  const pool = createProviderPool({
    ...services,
    publicUrl,
    clientCertHeader,
    clientCertVerifiedHeader,
    allowPrivateFetch,
    ui,
  });
  const provider = await pool.find('acme');
  if (provider === undefined || provider === 'disabled') throw new Error('there is no realm');
  return provider.clientAuth;
}

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
    ...(sent.verified === undefined ? {} : { 'client-cert-verified': sent.verified }),
  };
  const answer = await postForm(at.revocation, [...(await formOf(sent)), ['token', 'none']], { headers });
  expect([200, 400, 401]).toContain(answer.status);
  return answer.status === 200;
}

async function isAcceptedByUs(sent: Sent): Promise<boolean> {
  const { authorization, certificate: shown, verified } = sent;
  const form = new URLSearchParams(await formOf(sent));
  const isChainVerified = verified === 'SUCCESS';
  const credentials = {
    authorization,
    certificate: shown,
    isChainVerified,
    form,
    address: at.revocation,
  };
  return isAuthenticated(await authenticateClient(deps, credentials));
}

describe('client authentication of ours', () => {
  it('accepts what the library accepts, and nothing else', async () => {
    let accepted = 0;
    await fc.assert(
      fc.asyncProperty(requests(at), async (sent) => {
        const [ours, theirs] = [await isAcceptedByUs(sent), await isAcceptedByLibrary(sent)];
        if (ours) accepted += 1;
        expect(ours).toBe(theirs);
      }),
      { numRuns: 1500 },
    );

    // About one in thirty is right in every part: far fewer would mean that the property holds of nothing.
    expect(accepted).toBeGreaterThan(10);
  });

  const right = (id: string, key: Signer['key'] = 'own', change = 0): Sent => ({
    form: [['client_assertion_type', assertionType]],
    assertion: assertionOf(at, id, { key, header: {}, change }),
  });
  const own = certificate.header;
  const verified = 'SUCCESS';

  it('refuses an assertion by a secret that names a key, as the library does', async () => {
    const form: [string, string][] = [['client_assertion_type', assertionType]];
    const sent = (header: object): Sent => ({
      form,
      assertion: assertionOf(at, 'secret-jwt', { key: 'secret', header, change: 0 }),
    });

    for (const [header, isAccepted] of [
      [{}, true],
      [{ kid: 'own' }, false],
    ] as const) {
      expect(await isAcceptedByLibrary(sent(header))).toBe(isAccepted);
      expect(await isAcceptedByUs(sent(header))).toBe(isAccepted);
    }
  });

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
    ['keys without a named method', () => right('by-key-unnamed')],
    [
      'a certificate without a named method',
      () => ({ form: [['client_id', 'by-name-unnamed']], certificate: own, verified }),
    ],
    [
      'tls_client_auth by subject',
      () => ({ form: [['client_id', 'by-subject']], certificate: own, verified }),
    ],
    ['tls_client_auth by name', () => ({ form: [['client_id', 'by-name']], certificate: own, verified })],
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
        'by-subject': { form: [['client_id', id]], certificate: own, verified },
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
      const text = await assertionOf(at, 'by-key', { key: 'own', header: {}, change: 0 })();
      const sent: Sent = { form: [['client_assertion_type', assertionType]], assertion: async () => text };

      expect([await first(sent), await second(sent)]).toEqual([true, false]);
    }
  });

  it('fetches no keys from a private address where that is not allowed', async () => {
    const { port } = host.address() as AddressInfo;
    const byUri = {
      id: 'by-uri',
      tokenEndpointAuthMethod: 'private_key_jwt',
      introspects: ['analytics'],
      jwksUri: `http://127.0.0.1:${port}/keys`,
    };
    const guarded = await startTestServer({ realms: [acme({ clients: [byUri] })] });
    const before = fetched;

    try {
      const form = new URLSearchParams({
        client_assertion_type: assertionType,
        client_assertion: await clientAssertion(at.keys.own, 'by-uri', guarded.issuer('acme')),
      });
      const credentials = {
        authorization: undefined,
        certificate: undefined,
        isChainVerified: false,
        form,
        address: '',
      };
      expect(await authenticateClient(await depsOf(guarded), credentials)).toMatchObject({
        refused: 'unproven',
      });
    } finally {
      await guarded.stop();
    }

    expect(fetched).toBe(before);
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
    const signs = await register('private_key_jwt', { jwks: { keys: [at.keys.own.publicJwk] } });

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
