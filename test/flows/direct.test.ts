/**
 * The short way of the most frequent requests against the long one: the same request with one header that changes
 * nothing but the way must be answered alike.
 */
import { describe, expect, it } from 'vitest';
import { type Answer, basic, postForm } from '../support/http.ts';
import { acme, analytics, engine, gateway, george, warehouse } from '../support/realms.ts';
import { useServer } from '../support/use-server.ts';

/** `Accept` with "jwt" in it sends a request the long way; JSON stays what is preferred. */
const theLongWay = { accept: 'application/json, application/x-jwt;q=0.1' };

const base = acme();
const realms = [
  {
    ...base,
    clients: [
      ...base.clients,
      {
        id: 'posts',
        secret: 'posts-secret',
        tokenEndpointAuthMethod: 'client_secret_post',
        grants: ['client_credentials'],
        roles: ['engine'],
      },
    ],
  },
  { ...base, name: 'globex', profile: 'keycloak' },
];

const server = useServer({ realms });

type Form = Record<string, string>;
type Sent = { readonly form: Form | string; readonly headers?: Record<string, string> };

/** What an answer says, without what is new each time. */
function said({ status, headers, json }: Answer) {
  const volatile = ['access_token', 'iat', 'exp', 'jti', 'nbf', 'expires_in'];
  const body = Object.fromEntries(
    Object.entries(json).map(([name, value]) => [name, volatile.includes(name) ? typeof value : value]),
  );
  const names = ['content-type', 'cache-control', 'pragma', 'www-authenticate'];
  return { status, body, headers: Object.fromEntries(names.map((name) => [name, headers.get(name)])) };
}

async function bothWays(realm: string, endpoint: string, { form, headers = {} }: Sent) {
  const url = server.endpoint(realm, endpoint);
  const short = await postForm(url, form, { headers });
  const long = await postForm(url, form, { headers: { ...headers, ...theLongWay } });
  expect(said(short)).toEqual(said(long));
  return short;
}

const asEngine = { authorization: basic(engine) };
const asGateway = { authorization: basic(gateway) };
const cc = { grant_type: 'client_credentials' };

describe.each(['acme', 'globex'])('in realm %s', (realm) => {
  it.each<[string, Sent, number]>([
    ['a service token', { form: cc, headers: asEngine }, 200],
    ['a JWT', { form: { ...cc, resource: warehouse }, headers: asEngine }, 200],
    ['a narrower scope', { form: { ...cc, scope: 'reports:read' }, headers: asEngine }, 200],
    ['a scope that is not granted', { form: { ...cc, scope: 'reports:write' }, headers: asEngine }, 200],
    ['a scope that does not exist', { form: { ...cc, scope: 'no:such' }, headers: asEngine }, 400],
    [
      'a resource that does not exist',
      { form: { ...cc, resource: 'https://no.such' }, headers: asEngine },
      400,
    ],
    ['a scope that is none', { form: { ...cc, scope: ' ' }, headers: asEngine }, 400],
    ['a secret in the form', { form: { ...cc, client_id: engine[0], client_secret: engine[1] } }, 200],
    ['a wrong secret', { form: cc, headers: { authorization: basic(['ds-engine', 'wrong']) } }, 401],
    ['an unknown client', { form: cc, headers: { authorization: basic(['nobody', 'wrong']) } }, 401],
    ['a client without the grant', { form: cc, headers: asGateway }, 400],
    ['two ways of authentication', { form: { ...cc, client_secret: engine[1] }, headers: asEngine }, 400],
    ['another client_id', { form: { ...cc, client_id: 'gateway' }, headers: asEngine }, 400],
    ['a parameter twice', { form: 'grant_type=client_credentials&scope=a&scope=b', headers: asEngine }, 400],
    ['a public client', { form: { ...cc, client_id: 'dc-ui' } }, 400],
    ['no grant_type', { form: { scope: 'reports:read' }, headers: asEngine }, 400],
  ])('answers %s alike at the token endpoint', async (_name, sent, status) => {
    expect((await bothWays(realm, 'token', sent)).status).toBe(status);
  });

  it('answers introspection alike, whatever the token and whoever asks', async () => {
    const url = server.endpoint(realm, 'token');
    const tokens = [
      (await postForm(url, george)).json.access_token,
      (await postForm(url, cc, { auth: engine })).json.access_token,
      (await postForm(url, { ...cc, resource: warehouse }, { auth: engine })).json.access_token,
      'dpa_nothing',
      'not.a.jwt',
    ];
    for (const token of tokens) {
      for (const headers of [asGateway, asEngine, { authorization: basic(['gateway', 'wrong']) }]) {
        await bothWays(realm, 'token/introspect', { form: { token }, headers });
      }
    }
    const shown = await bothWays(realm, 'token/introspect', {
      form: { token: tokens[1] },
      headers: asGateway,
    });
    expect(shown.json).toMatchObject({ active: true, aud: analytics, client_id: 'ds-engine', realm });
  });

  it('answers introspection without a token, or with two, alike', async () => {
    await bothWays(realm, 'token/introspect', { form: {}, headers: asGateway });
    await bothWays(realm, 'token/introspect', { form: 'token=a&token=b', headers: asGateway });
  });
});

it('gives tokens that are the same in the store and to their API, and die alike', async () => {
  const url = server.endpoint('acme', 'token');
  for (const form of [cc, { ...cc, resource: warehouse }]) {
    const ways = [
      await postForm(url, form, { auth: engine }),
      await postForm(url, form, { auth: engine, headers: theLongWay }),
    ];
    for (const { json } of ways) {
      await postForm(server.endpoint('acme', 'revoke'), { token: json.access_token }, { auth: engine });
      const asked = await postForm(`${url}/introspect`, { token: json.access_token }, { auth: gateway });
      expect(asked.json).toEqual({ active: false });
    }
  }
});

it('lets a client use the form that is registered for Basic, and the other way round', async () => {
  const auth = ['posts', 'posts-secret'] as const;
  expect(
    (await bothWays('acme', 'token', { form: cc, headers: { authorization: basic(auth) } })).status,
  ).toBe(200);
});
