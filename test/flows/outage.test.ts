/** Redis stops answering, or is gone: nothing is called active, everybody is told to come back, and service resumes. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAgent, obtainCode } from '../support/browserless.ts';
import { basic } from '../support/http.ts';
import { type ServerProcess, startServerProcess } from '../support/process.ts';
import { type Engine, openRedis } from '../support/raw-store.ts';
import { acme, gateway, george, engine as service } from '../support/realms.ts';

/** Generous: an answer is due within two seconds. */
const patienceMs = 5000;

const outages: readonly (readonly [
  name: string,
  begin: (engine: Engine) => Promise<unknown>,
  end: (engine: Engine) => Promise<unknown>,
])[] = [
  ['is stopped', async (engine) => signal(engine, 'SIGSTOP'), async (engine) => signal(engine, 'SIGCONT')],
  ['is killed', async ({ redis }) => redis?.kill9(), async ({ redis }) => redis?.restart()],
];

function signal({ redis }: Engine, name: NodeJS.Signals): void {
  if (redis === undefined) throw new Error('there is no Redis');
  process.kill(redis.pid, name);
}

describe.each(outages)('while Redis %s', (_name, begin, end) => {
  let engine: Engine;
  let server: ServerProcess;
  let issued: { access_token: string; refresh_token: string };
  let code: Readonly<Record<string, string>>;
  const agent = () => createAgent(server.url);

  beforeAll(async () => {
    engine = await openRedis();
    server = await startServerProcess({ store: engine.url, realms: [acme()] });
    issued = (await send('token', { ...george, scope: 'openid dashboards:read' })).json;
    code = (await obtainCode(server, { realm: 'acme' })).form;
    // A request that is made once is in the memory of the process, as it is on any other day.
    await send('token', { grant_type: 'client_credentials' }, service);
    await send('token/introspect', { token: 'x' }, gateway);
    await begin(engine);
  });
  afterAll(async () => {
    await end(engine);
    await server?.stop();
    await engine?.stop();
  });

  async function ask(url: string, init: RequestInit = {}) {
    const signal = AbortSignal.timeout(patienceMs);
    const response = await fetch(url, { redirect: 'manual', signal, ...init });
    const text = await response.text();
    return {
      status: response.status,
      retryAfter: response.headers.get('retry-after'),
      text,
      json: parse(text),
    };
  }

  const send = (name: string, form: Record<string, string>, auth?: readonly [string, string]) =>
    ask(server.endpoint('acme', name), {
      method: 'POST',
      body: new URLSearchParams(form),
      ...(auth && { headers: { authorization: basic(auth) } }),
    });

  const query = new URLSearchParams({
    client_id: 'dc-ui',
    redirect_uri: 'http://localhost:3000/demo/callback',
    response_type: 'code',
    scope: 'openid',
    code_challenge: 'x'.repeat(43),
    code_challenge_method: 'S256',
  });
  const requests: Record<string, () => ReturnType<typeof ask>> = {
    introspection: () => send('token/introspect', { token: issued.access_token }, gateway),
    'introspection of nonsense': () => send('token/introspect', { token: 'dpa_x' }, gateway),
    'a service token': () => send('token', { grant_type: 'client_credentials' }, service),
    'a password login': () => send('token', george),
    'a code': () => send('token', code),
    'a refresh': () =>
      send('token', {
        grant_type: 'refresh_token',
        client_id: 'dc-ui',
        refresh_token: issued.refresh_token,
      }),
    revocation: () => send('revoke', { token: issued.access_token, client_id: 'dc-ui' }),
    'a logout': () => send('logout', { refresh_token: issued.refresh_token, client_id: 'dc-ui' }),
    'a pushed request': () => send('ext/par/request', Object.fromEntries(query)),
    userinfo: () =>
      ask(server.endpoint('acme', 'userinfo'), {
        headers: { authorization: `Bearer ${issued.access_token}` },
      }),
    'the authorization page': () =>
      ask(`${server.endpoint('acme', 'auth')}?${query}`, { headers: { accept: 'text/html' } }),
    'a realm never seen before': () => ask(`${server.url}/realms/never-seen/protocol/openid-connect/certs`),
  };

  it.each(Object.keys(requests))('answers %s with 503 and when to come back', async (name) => {
    const answer = await requests[name]?.();

    expect(answer).toMatchObject({ status: 503, retryAfter: expect.stringMatching(/^[1-9]\d*$/) });
    expect(answer?.text).not.toContain('"active":true');
  });

  it('answers many at once', async () => {
    const names = Object.keys(requests);

    const answers = await Promise.all(
      Array.from({ length: 60 }, (_, i) => requests[names[i % names.length] ?? '']?.()),
    );

    expect(new Set(answers.map((answer) => answer?.status))).toEqual(new Set([503]));
  });

  it('is not ready, but alive', async () => {
    const [ready, live] = [
      await ask(`${server.adminUrl}/health/ready`),
      await ask(`${server.adminUrl}/health/live`),
    ];

    expect([ready.status, live.status]).toEqual([503, 200]);
  });

  it('serves again by itself as soon as Redis does, with everything that was there', async () => {
    await end(engine);

    await expect
      .poll(() => ask(`${server.adminUrl}/health/ready`), { timeout: 60_000 })
      .toMatchObject({ status: 200 });

    await expect.poll(() => requests['a service token']?.()).toMatchObject({ status: 200 });
    expect(await requests['introspection']?.()).toMatchObject({ status: 200, json: { active: true } });
    expect(await requests['a refresh']?.()).toMatchObject({ status: 200 });
    expect(await obtainCode(server, { realm: 'acme', agent: agent() })).toHaveProperty('code');
    expect(server.isRunning()).toBe(true);
    expect(server.output()).not.toMatch(/unhandled|unexpected error/i);
  });
});

function parse(text: string): { access_token: string; refresh_token: string } & Record<string, unknown> {
  try {
    return JSON.parse(text);
  } catch {
    return { access_token: '', refresh_token: '' };
  }
}
