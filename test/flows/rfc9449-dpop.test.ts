/** RFC 9449: tokens bound to the client's key, at every grant here, at introspection and userinfo. */

import { calculateJwkThumbprint } from 'jose';
import * as client from 'openid-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, get, postForm } from '../support/http.ts';
import { type ClientKey, dpopProof, newKey } from '../support/proofs.ts';
import { acme, engine, gateway, george, warehouse } from '../support/realms.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

const bound = ['bound', 'bound-secret'] as const;

let server: TestServer;
let key: ClientKey;
let otherKey: ClientKey;
let jkt: string;
beforeAll(async () => {
  [key, otherKey] = await Promise.all([newKey(), newKey()]);
  jkt = await calculateJwkThumbprint(key.publicJwk);
  server = await startTestServer({
    realms: [
      acme({
        clients: [
          ...acme().clients,
          {
            id: 'bound',
            secret: 'bound-secret',
            grants: ['client_credentials', 'password', 'refresh_token'],
            dpopBoundAccessTokens: true,
          },
        ],
      }),
    ],
  });
});
afterAll(() => server?.stop());

const url = () => server.endpoint('acme', 'token');
const proof = (of: Partial<Parameters<typeof dpopProof>[1]> = {}, by = key) =>
  dpopProof(by, { url: url(), ...of });
const token = (form: Record<string, string>, dpop?: string, auth?: readonly [string, string]) =>
  postForm(url(), form, { headers: dpop === undefined ? {} : { dpop }, ...(auth && { auth }) });
const introspect = async (value: string) =>
  (await postForm(server.endpoint('acme', 'token/introspect'), { token: value }, { auth: gateway })).json;

const service = { grant_type: 'client_credentials' };
type RequestSource = readonly [name: string, send: (dpop?: string) => Promise<Answer>];
const grants: readonly RequestSource[] = [
  ['the password grant', (dpop) => token({ ...george, scope: 'openid' }, dpop)],
  ['client_credentials', (dpop) => token(service, dpop, engine)],
  ['client_credentials for a JWT', (dpop) => token({ ...service, resource: warehouse }, dpop, engine)],
];

describe.each(grants)('%s', (_name, send) => {
  it('binds the token to the key of the proof', async () => {
    const answer = await send(await proof());

    expect(answer).toMatchObject({ status: 200, json: { token_type: 'DPoP' } });
    expect(await introspect(answer.json.access_token)).toMatchObject({
      active: true,
      token_type: 'DPoP',
      cnf: { jkt },
    });
  });

  it('takes each proof once', async () => {
    const dpop = await proof();

    const answers = await Promise.all(Array.from({ length: 20 }, () => send(dpop)));

    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 400)).toHaveLength(19);
  });

  it.each([
    ['garbage', async () => 'garbage'],
    ['another method', () => proof({ method: 'GET' })],
    ['another address', () => proof({ url: `${url()}/introspect` })],
    ['another host', () => proof({ url: url().replace('127.0.0.1', 'evil.example') })],
    ['no jti', () => proof({ claims: { jti: undefined } })],
    ['no iat', () => proof({ claims: { iat: undefined } })],
    ['another typ', () => proof({ header: { typ: 'JWT' } })],
    ['the key of somebody else', () => proof({ header: { jwk: otherKey.publicJwk } })],
    ['no key', () => proof({ header: { jwk: undefined } })],
    ['a private key', async () => proof({ header: { jwk: { ...key.publicJwk, d: 'AAAA' } } })],
  ])('refuses a proof with %s', async (_of, make) => {
    const answer = await send(await make());

    expect(answer).toMatchObject({ status: 400, json: { error: 'invalid_dpop_proof' } });
  });

  it('ignores query and fragment of the proof’s address', async () => {
    const answer = await send(await proof({ url: `${url()}?a=b#c` }));

    expect(answer.status).toBe(200);
  });

  it('binds nothing without a proof', async () => {
    const answer = await send();

    expect(answer.json.token_type).toBe('Bearer');
    expect(await introspect(answer.json.access_token)).not.toHaveProperty('cnf');
  });
});

it.each([
  ['client_credentials', service],
  ['password', { grant_type: 'password', username: 'george.becker', password: 'my_password' }],
])('requires a proof of a client that is registered for it (%s)', async (_grant, form) => {
  const without = await token(form, undefined, bound);
  const having = await token(form, await proof(), bound);

  expect(without.status).toBe(400);
  expect(['invalid_grant', 'invalid_dpop_proof']).toContain(without.json.error);
  expect(having).toMatchObject({ status: 200, json: { token_type: 'DPoP' } });
});

describe('a refresh token', () => {
  const refresh = (refresh_token: string, dpop?: string) =>
    token({ grant_type: 'refresh_token', client_id: 'dc-ui', refresh_token }, dpop);

  it('of a public client goes with its key only, and is not rotated', async () => {
    const login = await token({ ...george, scope: 'openid' }, await proof());
    const { refresh_token } = login.json;

    const bare = await refresh(refresh_token);
    const stranger = await refresh(refresh_token, await proof({}, otherKey));
    const holder = await refresh(refresh_token, await proof());

    expect([bare, stranger].map(({ status, json }) => [status, json.error])).toEqual([
      [400, 'invalid_grant'],
      [400, 'invalid_grant'],
    ]);
    expect(holder).toMatchObject({ status: 200, json: { token_type: 'DPoP', refresh_token } });
    expect(await introspect(holder.json.access_token)).toMatchObject({ cnf: { jkt } });
  });

  it('of a confidential client goes with any key of its own', async () => {
    const { client_id: _, ...person } = george;
    const login = await token(person, await proof(), bound);
    const form = { grant_type: 'refresh_token', refresh_token: login.json.refresh_token };

    const answer = await token(form, await proof({}, otherKey), bound);

    expect(answer).toMatchObject({ status: 200, json: { token_type: 'DPoP' } });
  });
});

describe('userinfo', () => {
  const ask = (authorization: string, dpop?: string) =>
    get(server.endpoint('acme', 'userinfo'), { authorization, ...(dpop === undefined ? {} : { dpop }) });
  const proofFor = (value: string, by = key) =>
    dpopProof(by, { url: server.endpoint('acme', 'userinfo'), method: 'GET', token: value });

  it('opens for the holder of the key only', async () => {
    const { access_token: value } = (await token({ ...george, scope: 'openid' }, await proof())).json;

    const answers = [
      await ask(`DPoP ${value}`, await proofFor(value)),
      await ask(`Bearer ${value}`),
      await ask(`DPoP ${value}`, await proofFor(value, otherKey)),
      await ask(`DPoP ${value}`, await proofFor('another-token')),
      await ask(`DPoP ${value}`),
    ];

    expect(answers[0]?.status).toBe(200);
    expect(answers.slice(1).filter(({ status }) => status !== 401 && status !== 400)).toEqual([]);
  });
});

it('serves openid-client with DPoP: login, userinfo, refresh', async () => {
  const config = await client.discovery(new URL(server.issuer('acme')), 'dc-ui', undefined, client.None(), {
    execute: [client.allowInsecureRequests],
  });
  const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair());
  const { username, password } = george;

  const login = await client.genericGrantRequest(
    config,
    'password',
    { username, password, scope: 'openid email' },
    { DPoP },
  );
  const subject = (await introspect(login.access_token)).sub;
  const person = await client.fetchUserInfo(config, login.access_token, subject, { DPoP });
  const refreshed = await client.refreshTokenGrant(config, login.refresh_token ?? '', undefined, { DPoP });

  expect(login.token_type).toBe('dpop');
  expect(person.email).toBe('george@acme.test');
  expect((await introspect(refreshed.access_token)).token_type).toBe('DPoP');
});
