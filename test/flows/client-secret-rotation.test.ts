/** Two secrets of one client while its callers change over, at every door that asks for one. */
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { realmFile } from '../../src/registry/model/model.ts';
import { type Answer, basic, postForm } from '../support/http.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { ACCESS_TOKEN, call, detail, EXCHANGE, grant, guestRealm, session } from './guest-support.ts';

const DAY = 86_400_000;
const start = Date.parse('2026-11-21T00:00:00Z');
const end = '2026-11-22T01:00:00+01:00';
const secrets = { secret: 'portal-secret-new', previousSecret: 'portal-secret' };

/** `Accept` with "jwt" in it sends a request the long way; JSON stays what is preferred. */
const theLongWay = { accept: 'application/json, application/x-jwt;q=0.1' };
const service = { grant_type: 'client_credentials' };

type Rotating = TestServer & { advance(milliseconds: number): void };

async function startRotating(portal: object = secrets): Promise<Rotating> {
  let now = start;
  const server = await startTestServer({
    realms: [guestRealm({}, { portal })],
    adapt: (services) => ({ ...services, clock: () => now }),
  });
  return {
    ...server,
    advance: (milliseconds) => {
      now += milliseconds;
    },
  };
}

async function startFor(portal?: object): Promise<Rotating> {
  const server = await startRotating(portal);
  onTestFinished(() => server.stop());
  return server;
}

const ask = (
  server: TestServer,
  secret: string,
  endpoint = 'token',
  form: Record<string, string> = service,
  headers: Record<string, string> = {},
) => postForm(server.endpoint('acme', endpoint), form, { auth: ['portal', secret], headers });

type TrustedProxy = (server: TestServer, secret: string) => Promise<Answer>;

const doors: readonly (readonly [string, number, TrustedProxy])[] = [
  ['the token endpoint', 200, (server, secret) => ask(server, secret)],
  [
    'the token endpoint, the long way',
    200,
    (server, secret) => ask(server, secret, 'token', service, theLongWay),
  ],
  [
    'the token endpoint, in the form',
    200,
    (server, client_secret) =>
      postForm(server.endpoint('acme', 'token'), { ...service, client_id: 'portal', client_secret }),
  ],
  ['introspection', 200, (server, secret) => ask(server, secret, 'token/introspect', { token: 'x' })],
  [
    'introspection, the long way',
    200,
    (server, secret) => ask(server, secret, 'token/introspect', { token: 'x' }, theLongWay),
  ],
  ['revocation', 200, (server, secret) => ask(server, secret, 'revoke', { token: 'x' })],
  [
    'the exchange for a guest token',
    200,
    async (server, secret) => {
      const own = await ask(server, 'portal-secret-new');
      const authorization_details = JSON.stringify([detail(), session()]);
      const form = {
        grant_type: EXCHANGE,
        subject_token: own.json.access_token,
        subject_token_type: ACCESS_TOKEN,
        authorization_details,
      };
      return ask(server, secret, 'token', form);
    },
  ],
  [
    'the JSON API of guest tokens',
    201,
    (server, secret) => call(server, 'POST', '/guest-tokens', grant(), { auth: ['portal', secret] }),
  ],
];

describe('a client with two secrets', () => {
  let server: Rotating;
  beforeAll(async () => {
    server = await startRotating();
    return () => server.stop();
  });

  it.each(doors)('authenticates with both at %s, and with no other', async (_name, status, knock) => {
    const [fresh, previous, wrong] = [
      await knock(server, 'portal-secret-new'),
      await knock(server, 'portal-secret'),
      await knock(server, 'portal-secret-other'),
    ];

    expect([fresh.status, previous.status, wrong.status]).toEqual([status, status, 401]);
  });
});

describe('the secret before', () => {
  it.each(doors)('ends when it was told to at %s, as if it were any', async (_name, status, knock) => {
    const server = await startFor({ ...secrets, previousSecretUntil: end });

    server.advance(DAY - 1);
    const last = await knock(server, 'portal-secret');
    server.advance(1);
    const late = await knock(server, 'portal-secret');
    const wrong = await knock(server, 'portal-secret-other');
    const fresh = await knock(server, 'portal-secret-new');

    expect([last.status, late.status, fresh.status]).toEqual([status, 401, status]);
    expect(late.json).toEqual(wrong.json);
    expect(late.headers.get('www-authenticate')).toBe(wrong.headers.get('www-authenticate'));
  });

  it('ends when the file has it no more; no living token dies of any of it', async () => {
    const server = await startFor({ secret: 'portal-secret' });
    const apply = (portal: object) =>
      server.services.registry.applyRealm(realmFile.parse(guestRealm({}, { portal })));
    const mint = (secret: string) =>
      call(server, 'POST', '/guest-tokens', grant(), { auth: ['portal', secret] });
    const isActive = async (token: string) =>
      (
        await postForm(
          server.endpoint('acme', 'token/introspect'),
          { token },
          { headers: { authorization: basic(['gateway', 'gateway-secret']) } },
        )
      ).json.active;
    const before = (await mint('portal-secret')).json.token;

    await apply(secrets);
    const between = (await mint('portal-secret')).json.token;
    await apply({ secret: secrets.secret });
    const after = await mint('portal-secret');

    expect(after.status).toBe(401);
    expect([await isActive(before), await isActive(between)]).toEqual([true, true]);
  });
});
