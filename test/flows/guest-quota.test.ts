/** How many guest tokens a client may mint in a minute: every door counts, nothing else does, and all are told. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createGuests } from '../../src/guest/guests.ts';
import type { Services } from '../../src/services.ts';
import type { Store } from '../../src/storage/port/port.ts';
import type { Answer } from '../support/http.ts';
import { type ServerProcess, startServerProcess } from '../support/process.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import {
  call,
  EXCHANGE,
  exchange,
  type FileClient,
  grant,
  guestRealm,
  mintGuest,
  mints,
  other,
  ownToken,
  proof,
  proofKey,
  refreshGuest,
} from './guest-support.ts';

const client = (id: string, perMinute?: number | 'unlimited'): FileClient => ({
  id,
  secret: `${id}-secret`,
  grants: ['client_credentials', EXCHANGE],
  mints: { ...mints, ...(perMinute === undefined ? {} : { perMinute }) },
});
const auth = (id: string) => ({ auth: [id, `${id}-secret`] as const });
const names = ['native', 'batch', 'exchange', 'opener', 'free', 'chain', 'strangers', 'lost', 'session'];
const realm = () =>
  guestRealm(
    { quotas: { guestTokensPerMinute: 40 } },
    { clients: [...names.map((id) => client(id, 4)), client('plain'), client('greedy', 500)] },
  );
const fieldsOf = ({ headers }: Answer) => [headers.get('ratelimit-policy'), headers.get('ratelimit')];

describe('the quota of a minting client', () => {
  let server: TestServer;
  const counts = { read: 0, commit: 0, count: 0 };

  beforeAll(async () => {
    server = await startTestServer({ realms: [realm()], adapt: (services) => counted(services, counts) });
  });
  afterAll(() => server?.stop());

  const mintSome = async (id: string, count: number): Promise<readonly Answer[]> => {
    const answers: Answer[] = [];
    for (let index = 0; index < count; index += 1) {
      answers.push(await mintGuest(server, grant(), auth(id)));
    }
    return answers;
  };

  it('is told with every token, and ends in 429 with when to come back', async () => {
    const answers = await mintSome('native', 5);

    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 201, 429]);
    expect(answers.map((answer) => fieldsOf(answer)[0])).toEqual(Array(5).fill('"guest-tokens";q=4;w=60'));
    expect(answers.map(({ headers }) => headers.get('ratelimit')?.split(';')[1])).toEqual([
      'r=3',
      'r=2',
      'r=1',
      'r=0',
      'r=0',
    ]);
    expect(answers[4]?.json).toMatchObject({ code: 'too_many_requests', status: 429 });
    expect(answers[4]?.headers.get('content-type')).toContain('application/problem+json');
    expect(Number(answers[4]?.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(Number(answers[4]?.headers.get('retry-after'))).toBeLessThanOrEqual(60);
    expect(answers[0]?.headers.has('retry-after')).toBe(false);
  });

  it('counts each token of a batch', async () => {
    const tokens = Array.from({ length: 6 }, () => grant());

    const answer = await call(server, 'POST', '/guest-tokens/batch', { tokens }, auth('batch'));

    const statuses = answer.json.results.map(({ status }: { status: number }) => status);
    expect(statuses).toEqual([201, 201, 201, 201, 429, 429]);
    expect(answer.json.results[5]).toMatchObject({ code: 'too_many_requests' });
    expect(answer.headers.get('ratelimit')).toContain(';r=0;');
  });

  it('counts an exchange, and is too_many_requests in the shape of the token endpoint', async () => {
    const subject = await ownToken(server, auth('exchange').auth);
    const answers: Answer[] = [];
    for (let index = 0; index < 5; index += 1) {
      answers.push(await exchange(server, { subject, ...auth('exchange') }));
    }

    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 429]);
    expect(fieldsOf(answers[0] as Answer)[0]).toBe('"guest-tokens";q=4;w=60');
    expect(answers[4]?.json).toEqual({
      error: 'too_many_requests',
      error_description: 'the quota of 4 a minute is used up',
    });
    expect(answers[4]?.headers.get('cache-control')).toBe('no-store');
    expect(Number(answers[4]?.headers.get('retry-after'))).toBeGreaterThan(0);
  });

  it('counts an opener when it is made, and not again when it is opened', async () => {
    const openers: Answer[] = [];
    for (let index = 0; index < 5; index += 1) {
      openers.push(await call(server, 'POST', '/guest-tokens/openers', grant(), auth('opener')));
    }

    expect(openers.map(({ status }) => status)).toEqual([201, 201, 201, 201, 429]);
    expect(openers[0]?.headers.get('ratelimit')).toContain(';r=3;');
    const url = openers[0]?.json.url;
    const headers = { DPoP: await proof(await proofKey(), { htm: 'POST', htu: url }) };
    expect((await fetch(url, { method: 'POST', headers })).status).toBe(201);
  });

  it('counts neither dry runs, nor what is refused, nor an answer that is given again', async () => {
    const once = { ...auth('free'), headers: { 'idempotency-key': 'one' } };
    for (let index = 0; index < 6; index += 1) {
      const dry = await mintGuest(server, grant({ dry_run: true }), auth('free'));
      expect([dry.status, ...fieldsOf(dry)]).toEqual([200, null, null]);
      expect((await mintGuest(server, grant({ format: 'none' }), auth('free'))).status).toBe(400);
      expect((await mintGuest(server, grant(), once)).status).toBe(201);
    }

    const statuses = (await mintSome('free', 4)).map(({ status }) => status);

    expect(statuses).toEqual([201, 201, 201, 429]);
    expect((await mintGuest(server, grant(), once)).status).toBe(201);
  });

  it('counts once what is asked for with one key at the same moment', async () => {
    const once = { ...auth('lost'), headers: { 'idempotency-key': 'race' } };

    const answers = await Promise.all(Array.from({ length: 4 }, () => mintGuest(server, grant(), once)));

    expect(new Set(answers.map(({ json }) => json.token)).size).toBe(1);
    expect((await mintSome('lost', 4)).map(({ status }) => status)).toEqual([201, 201, 201, 429]);
  });

  it('is not touched by refreshing: who is in stays in', async () => {
    const body = grant({ lifetime: { ttl: 600, refresh: { allowed: true } } });
    let token = (await mintGuest(server, body, auth('chain'))).json.refresh_token;
    for (let index = 0; index < 5; index += 1) {
      const answer = await refreshGuest(server, token, auth('chain'));
      expect([answer.status, ...fieldsOf(answer)]).toEqual([200, null, null]);
      token = answer.json.refresh_token;
    }

    expect((await mintSome('chain', 4)).map(({ status }) => status)).toEqual([201, 201, 201, 429]);
    expect((await refreshGuest(server, token, auth('chain'))).status).toBe(200);
  });

  it('cannot be used up by who is not that client', async () => {
    const wrong = { auth: ['strangers', 'wrong-secret'] as const };
    for (let index = 0; index < 6; index += 1) {
      expect((await mintGuest(server, grant(), wrong)).status).toBe(401);
      expect((await mintGuest(server, grant(), { auth: other })).status).toBe(201);
    }

    expect((await mintSome('strangers', 5)).map(({ status }) => status)).toEqual([201, 201, 201, 201, 429]);
  });

  it('is the realm’s where the client has none, and never above it', async () => {
    const [plain] = await mintSome('plain', 1);
    const [greedy] = await mintSome('greedy', 1);

    expect(fieldsOf(plain as Answer)[0]).toBe('"guest-tokens";q=40;w=60');
    expect(fieldsOf(greedy as Answer)[0]).toBe('"guest-tokens";q=40;w=60');
  });

  it('leaves a session’s own limit to be told as such', async () => {
    const session = { key: 'sid', max_concurrent: 1 };
    const body = grant({ session });
    await mintGuest(server, body, auth('session'));

    const native = await mintGuest(server, body, auth('session'));
    const subject = await ownToken(server, auth('session').auth);
    const details = [
      { type: 'embed_resource', identifier: 'a', datatypes: ['dashboard'], actions: ['view'], rows: 'all' },
      { type: 'embed_session', subject: body.subject, session },
    ];
    const exchanged = await exchange(server, { subject, details, ...auth('session') });

    for (const answer of [native, exchanged]) {
      expect(answer.status).toBe(429);
      expect(fieldsOf(answer)[0]).toBe('"session";q=1');
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    }
    expect((await mintSome('session', 4)).map(({ status }) => status)).toEqual([201, 201, 201, 429]);
  });

  it('costs a mint its one commit, and seldom a question', async () => {
    Object.assign(counts, { read: 0, commit: 0, count: 0 });

    await mintSome('other', 20);

    expect(counts).toMatchObject({ read: 0, commit: 20 });
    // Blocks of 1, 2, 2, … of 40: the larger the quota, the fewer.
    expect(counts.count).toBeLessThanOrEqual(11);
  });
});

describe('a quota of "unlimited"', () => {
  it('is none, and is not told', async () => {
    const server = await startTestServer({
      realms: [guestRealm({ quotas: { guestTokensPerMinute: 'unlimited' } })],
    });

    const answer = await mintGuest(server);

    expect([answer.status, ...fieldsOf(answer)]).toEqual([201, null, null]);
    await server.stop();
  });
});

describe('the quota of two processes on one Redis', () => {
  let redis: RedisServer;
  const processes: ServerProcess[] = [];

  beforeAll(async () => {
    redis = await startRedis();
    const shared = {
      store: redis.url,
      publicUrl: 'http://127.0.0.1:3998',
      realms: [guestRealm({ quotas: { guestTokensPerMinute: 100 } })],
    };
    processes.push(await startServerProcess(shared));
    processes.push(await startServerProcess(shared));
  });
  afterAll(async () => {
    for (const one of processes) await one.stop();
    await redis?.stop();
  });

  const at = (index: number) => ({
    issuer: (name: string) => `${processes[index % 2]?.url}/realms/${name}`,
  });

  it('is one, and nothing is minted while Redis is gone', async () => {
    const answers = await Promise.all(Array.from({ length: 160 }, (_, index) => mintGuest(at(index))));

    const minted = answers.filter(({ status }) => status === 201).length;
    expect(minted).toBeLessThanOrEqual(100);
    // What the other process may hold unused: a twentieth.
    expect(minted).toBeGreaterThanOrEqual(95);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(160 - minted);
    await redis.kill9();
    const late = await Promise.all([0, 1].map((index) => mintGuest(at(index), grant(), { auth: other })));
    for (const { status, text } of late) {
      expect(status).toBe(503);
      expect(text).not.toMatch(/dpg_/);
    }
  });
});

/** The services with a store that notes how often it is asked for what. */
function counted(services: Services, counts: Record<'read' | 'commit' | 'count', number>): Services {
  const { store: real, clock } = services;
  const store: Store = {
    ...real,
    read: (...args) => {
      counts.read += 1;
      return real.read(...args);
    },
    commit: (...args) => {
      counts.commit += 1;
      return real.commit(...args);
    },
    count: (...args) => {
      counts.count += 1;
      return real.count(...args);
    },
  };
  return { ...services, store, guests: createGuests({ ...services, store, clock }) };
}
