/**
 * RFC 6749 §2.3.1: guesses at client secrets are counted by what is guessed at and where from. A trusted proxy says
 * where each request comes from.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newClientSecret } from '../../src/base/random.ts';
import { createBruteForceGuard } from '../../src/limits/brute-force.ts';
import type { Store } from '../../src/storage/port/port.ts';
import { type Answer, get, postForm } from '../support/http.ts';
import { assertionType } from '../support/proofs.ts';
import { acme } from '../support/realms.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { env, from, network, statusesOf, times } from './guessing-support.ts';
import { guestRealm, mintGuest, mints } from './guest-support.ts';

const MAX = 20;
const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code';
const secret = newClientSecret();
const generated = [
  { id: 'generated', secret, grants: ['client_credentials', DEVICE], mints },
  { id: 'signer', secret, grants: ['client_credentials'], tokenEndpointAuthMethod: 'client_secret_jwt' },
];

describe('wrong client secrets', () => {
  let server: TestServer;
  const calls = { count: 0 };
  const lines: string[] = [];

  beforeAll(async () => {
    server = await startTestServer({
      env: { ...env, DAYPASS_LOG: 'info' },
      log: lines,
      realms: [
        guestRealm({}, { clients: generated }),
        { ...guestRealm(), name: 'keycloak', profile: 'keycloak' },
      ],
      adapt: (services) => {
        const store = counting(services.store, calls);
        return {
          ...services,
          store,
          bruteForce: createBruteForceGuard({ ...services, store, key: randomBytes(32) }),
        };
      },
    });
  });
  afterAll(() => server?.stop());

  it('are none of a client that was disabled, and is let in as soon as it may be again', async () => {
    const address = network();
    const ask = (secret: string) =>
      postForm(
        server.endpoint('acme', 'token'),
        { grant_type: 'client_credentials' },
        { auth: ['other', secret], ...from(address) },
      );
    const enable = (enabled: boolean) =>
      server.services.registry.updateClient('acme', 'other', (client) => ({ ...client, enabled }));

    await enable(false);
    expect(statusesOf(await times(MAX + 2, () => ask('other-secret')))).toEqual([401]);
    await enable(true);

    expect((await ask('other-secret')).status).toBe(200);
    await enable(false);
    expect(statusesOf(await times(MAX + 2, (index) => ask(`wrong-${index}`)))).toEqual([401, 429]);
    await enable(true);
  });

  type Ask = (secret: string, address: string, realm?: string, id?: string) => Promise<Answer>;
  const basic =
    (endpoint: string, form: Record<string, string>): Ask =>
    (secret, address, realm = 'acme', id = 'portal') =>
      postForm(server.endpoint(realm, endpoint), form, { auth: [id, secret], ...from(address) });
  const asks: Record<string, Ask> = {
    'the token endpoint, by Basic': basic('token', { grant_type: 'client_credentials' }),
    'the token endpoint, by the form': (secret, address, realm = 'acme', id = 'portal') =>
      postForm(
        server.endpoint(realm, 'token'),
        { grant_type: 'client_credentials', client_id: id, client_secret: secret },
        from(address),
      ),
    introspection: basic('token/introspect', { token: 'dpa_x' }),
    revocation: basic('revoke', { token: 'dpa_x' }),
    'pushed requests': basic('ext/par/request', { response_type: 'code' }),
    'the device authorization endpoint': basic('auth/device', {}),
    'guest tokens': (secret, address, realm = 'acme', id = 'portal') =>
      mintGuest(server, undefined, { auth: [id, secret], realm, ...from(address) }),
  };

  it.each(Object.entries(asks))(
    'at %s are held off, the right one too, from there only',
    async (_name, ask) => {
      const [here, elsewhere] = [network(), network()];
      const wrong = await times(MAX, (index) => ask(`wrong-secret-${index}`, here));

      const late = await ask('portal-secret', here);

      expect(statusesOf(wrong)).toEqual([401]);
      expect(late.status).toBe(429);
      expect(late.json.error ?? late.json.code).toBe('too_many_requests');
      expect(late.headers.has('www-authenticate')).toBe(false);
      expect(Number(late.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(Number(late.headers.get('retry-after'))).toBeLessThanOrEqual(60);
      expect((await ask('portal-secret', elsewhere)).status).not.toBe(429);
      expect((await ask('other-secret', here, 'acme', 'other')).status).not.toBe(429);
      expect((await ask('portal-secret', here, 'keycloak')).status).not.toBe(429);
    },
  );

  it.each(Object.entries(asks))('at %s are one when one value is repeated', async (_name, ask) => {
    const here = network();

    const stale = await times(3 * MAX, () => ask('the-old-secret', here));

    expect(statusesOf(stale)).toEqual([401]);
    expect((await ask('portal-secret', here)).status).not.toBe(429);
  });

  it.each(Object.entries(asks))('at %s lock out no client whose secret is generated', async (_name, ask) => {
    const here = network();
    const id = 'generated';
    const wrong = await times(MAX + 2, (index) => ask(`wrong-${index}`, here, 'acme', id));

    expect(wrong.at(-1)?.status).toBe(429);
    expect((await ask(newClientSecret(), here, 'acme', id)).status).toBe(429);
    expect([401, 429]).not.toContain((await ask(secret, here, 'acme', id)).status);
  });

  it('lock out no client that signs with a generated secret', async () => {
    const here = network();
    const url = server.endpoint('acme', 'token');
    const ask = async (key: string) =>
      postForm(
        url,
        {
          grant_type: 'client_credentials',
          client_assertion_type: assertionType,
          client_assertion: await new SignJWT({ jti: randomUUID() })
            .setProtectedHeader({ alg: 'HS256' })
            .setIssuer('signer')
            .setSubject('signer')
            .setAudience(server.issuer('acme'))
            .setIssuedAt()
            .setExpirationTime('1m')
            .sign(Buffer.from(key)),
        },
        from(here),
      );
    const wrong = await times(MAX + 1, () => ask(newClientSecret()));

    expect(wrong.at(-1)?.status).toBe(429);
    expect((await ask(secret)).status).toBe(200);
  });

  it('are counted together, whichever endpoint is asked', async () => {
    const here = network();
    const all = Object.values(asks);
    await times(MAX, (index) => all[index % all.length]?.(`wrong-${index}`, here) as Promise<Answer>);

    const late = await times(all.length, (index) => all[index]?.('portal-secret', here) as Promise<Answer>);

    expect(statusesOf(late)).toEqual([429]);
  });

  it.each(['acme', 'keycloak'])('look the same in realm %s when there is no such client', async (realm) => {
    const [here, there] = [network(), network()];
    const ask = asks['the token endpoint, by Basic'] as Ask;
    const tell = ({ status, json }: Answer) => ({ status, json });

    const known = await times(MAX + 2, (index) => ask(`wrong-${index}`, here, realm));
    const unknown = await times(MAX + 2, (index) => ask(`wrong-${index}`, there, realm, 'nobody'));

    expect(unknown.map(({ status }) => status)).toEqual(known.map(({ status }) => status));
    expect(unknown.slice(MAX).map(tell)).toEqual(known.slice(MAX).map(tell));
    expect(statusesOf(known.slice(MAX))).toEqual([429]);
  });

  it('of one moment are told no more than so many times', async () => {
    const here = network();
    const ask = asks['introspection'] as Ask;

    const answers = await Promise.all(Array.from({ length: 100 }, (_, index) => ask(`wrong-${index}`, here)));

    expect(answers.filter(({ status }) => status === 401)).toHaveLength(MAX);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(100 - MAX);
  });

  it('cannot be spread over a line of IPv6, nor over ways to write id and address', async () => {
    const line = '2001:db8:0:1';
    const ask = asks['introspection'] as Ask;
    await times(MAX - 2, (index) => ask(`wrong-${index}`, `${line}::${index + 1}`));
    const shouted = postForm(
      server.endpoint('acme', 'TOKEN/Introspect/'),
      { token: 'dpa_x' },
      { auth: ['portal', 'wrong-secret'], ...from(`${line}:2::1`) },
    );
    expect((await shouted).status).toBe(401);
    const encoded = Buffer.from('%70ortal:wrong-secret-2').toString('base64');
    await postForm(
      server.endpoint('acme', 'token/introspect'),
      { token: 'dpa_x' },
      { headers: { authorization: `Basic ${encoded}`, 'x-forwarded-for': `${line}:1::1` } },
    );

    expect((await ask('portal-secret', `${line}::ffff`)).status).toBe(429);
    expect((await ask('portal-secret', '2001:db8:1:1::1')).status).toBe(200);
  });

  it('are not what authenticated clients are wrong about, and being right costs nothing', async () => {
    const here = network();
    calls.count = 0;

    const answers = await times(MAX + 5, async (index) => [
      await postForm(
        server.endpoint('acme', 'token/introspect'),
        { token: `dpa_${index}` },
        { auth: ['gateway', 'gateway-secret'], ...from(here) },
      ),
      await postForm(
        server.endpoint('acme', 'revoke'),
        { token: `dpa_${index}` },
        { auth: ['gateway', 'gateway-secret'], ...from(here) },
      ),
      await postForm(
        server.endpoint('acme', 'token'),
        { grant_type: 'client_credentials' },
        { auth: ['portal', 'portal-secret'], ...from(here) },
      ),
      await postForm(
        server.endpoint('acme', 'token'),
        { grant_type: 'client_credentials', scope: 'no:such' },
        { auth: ['portal', 'portal-secret'], ...from(here) },
      ),
      await postForm(server.endpoint('acme', 'token/introspect'), { token: 'x' }, from(here)),
    ]);

    expect(answers.map((row) => row.map(({ status }) => status))).toEqual(
      Array(MAX + 5).fill([200, 200, 200, 400, 401]),
    );
    expect(calls.count).toBe(0);
  });

  it('are in the log and the metrics, by kind', async () => {
    const here = network();
    lines.length = 0;
    await times(MAX + 1, (index) => (asks['introspection'] as Ask)(`wrong-secret-${index}`, here));
    await times(1, () => (asks['guest tokens'] as Ask)('wrong-secret', here));

    const metrics = (await get(`${server.adminUrl}/metrics`)).text;

    expect(metrics).toMatch(/daypass_wrong_credentials_total\{kind="client_secret",outcome="answered"\} \d+/);
    expect(metrics).toMatch(/daypass_wrong_credentials_total\{kind="client_secret",outcome="held_off"\} \d+/);
    await expect.poll(() => lines.filter((line) => line.includes('"wrong"')).length).toBe(MAX + 2);
    const said = lines.map((line) => JSON.parse(line));
    expect(said.filter(({ msg }) => msg === 'too many wrong guesses')).toMatchObject([
      { realm: 'acme', kind: 'client_secret', network: here },
    ]);
    expect(said.findLast(({ wrong }) => wrong)).toMatchObject({
      wrong: 'client_secret',
      outcome: 'too_many_requests',
      status: 429,
    });
    expect(lines.join('')).not.toContain('wrong-secret');
  });
});

describe('two processes on one Redis', () => {
  let redis: RedisServer;
  const servers: TestServer[] = [];
  beforeAll(async () => {
    redis = await startRedis();
    const options = { env, store: redis.url, realms: [acme()] };
    servers.push(await startTestServer(options));
    servers.push(await startTestServer(options));
  });
  afterAll(async () => {
    for (const server of servers) await server.stop();
    await redis?.stop();
  });

  const ask = (index: number, secret: string, address: string) =>
    postForm(
      servers[index]?.endpoint('acme', 'token/introspect') ?? '',
      { token: randomUUID() },
      { auth: ['gateway', secret], ...from(address) },
    );

  it('count together, and tell nobody that a secret is wrong when Redis is gone', async () => {
    const here = network();
    await times(MAX, (index) => ask(index % 2, `wrong-${index}`, here));

    const late = [await ask(0, 'wrong-secret', here), await ask(1, 'wrong-secret', here)];
    const right = [await ask(0, 'gateway-secret', here), await ask(1, 'gateway-secret', here)];

    expect(statusesOf(late)).toEqual([429]);
    expect(statusesOf(right)).toEqual([429]);
    await redis.kill9();
    expect((await ask(0, 'wrong-secret', network())).status).toBe(503);
  });
});

function counting(store: Store, calls: { count: number }): Store {
  return {
    ...store,
    count: (...args) => {
      calls.count += 1;
      return store.count(...args);
    },
  };
}
