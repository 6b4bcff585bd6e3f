/**
 * A process dies without a warning, in the middle of its work. What was answered is there afterwards; what was not
 * answered happened as a whole or not at all, and can be tried again.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Failure } from '../../src/base/errors.ts';
import { sha256 } from '../../src/base/hash.ts';
import type { Store } from '../../src/storage/port/port.ts';
import { decodeToken } from '../../src/tokens/record.ts';
import { type Agent, createAgent, obtainCode } from '../support/browserless.ts';
import { type Answer, postForm } from '../support/http.ts';
import { type ServerProcess, startServerProcess } from '../support/process.ts';
import { type Engine, engines, openRedis } from '../support/raw-store.ts';
import { acme, gateway, george, engine as service } from '../support/realms.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

type Form = Readonly<Record<string, string>>;
type Login = { readonly access_token: string; readonly refresh_token: string };
type Sent = { readonly form: Form; readonly answer: Answer | undefined };

const machine = { grant_type: 'client_credentials' };
const refreshOf = ({ refresh_token }: Login) => ({
  grant_type: 'refresh_token',
  client_id: 'dc-ui',
  refresh_token,
});

/** A server under load that is killed, or loses its store, when it has given so many answers. */
function createLoad(server: ServerProcess) {
  const token = (form: Form, auth?: readonly [string, string]) =>
    postForm(server.endpoint('acme', 'token'), form, auth && { auth });
  const isActive = async (value: string): Promise<boolean> =>
    (await postForm(server.endpoint('acme', 'token/introspect'), { token: value }, { auth: gateway })).json
      .active;

  const times = (count: number) => Array.from({ length: count }, (_, i) => i);

  /** What the load needs: codes, logins whose tokens are refreshed, and others whose tokens are revoked. */
  async function prepare(agent: Agent) {
    const codeFor = async () => (await obtainCode(server, { realm: 'acme', agent })).form;
    const codes: Form[] = [];
    for (const _ of times(30)) codes.push(await codeFor());
    const logins: Login[] = [];
    for (const form of codes.splice(0, 15)) logins.push((await token(form)).json);
    return { codes, toRefresh: logins.slice(0, 8), toRevoke: logins.slice(8) };
  }

  /** Sends everything at once; `strike` falls when `after` requests have been answered with success. */
  async function run(agent: Agent, after: number, strike: () => Promise<unknown>) {
    const { codes, toRefresh, toRevoke } = await prepare(agent);
    const acknowledged = { count: 0 };
    const send = async (form: Form, post: () => Promise<Answer>): Promise<Sent> => {
      const answer = await post().catch(() => undefined);
      if (answer?.status !== 200) return { form, answer: undefined };
      acknowledged.count += 1;
      if (acknowledged.count === after) await strike();
      return { form, answer };
    };
    const revoke = (form: Form) => postForm(server.endpoint('acme', 'revoke'), form);
    const sent = await Promise.all([
      Promise.all(codes.map((form) => send(form, () => token(form)))),
      Promise.all(toRefresh.map(refreshOf).map((form) => send(form, () => token(form)))),
      Promise.all(
        toRevoke.map(({ access_token }) => {
          const form = { client_id: 'dc-ui', token: access_token };
          return send(form, () => revoke(form));
        }),
      ),
      Promise.all(times(8).map(() => send(machine, () => token(machine, service)))),
      Promise.all(times(2).map(() => send(george, () => token(george)))),
    ]);
    const [redeemed, refreshed, revoked, issued, loggedIn] = sent;
    return { redeemed, refreshed, revoked, issued, loggedIn };
  }

  type Outcome = Awaited<ReturnType<typeof run>>;

  async function expectKept(outcome: Outcome, agent: Agent): Promise<void> {
    const { redeemed, refreshed, revoked, issued, loggedIn } = outcome;
    const given = [redeemed, refreshed, issued, loggedIn].flat().flatMap(({ answer }) => answer?.json ?? []);
    expect(await Promise.all(given.map(({ access_token }) => isActive(access_token)))).toEqual(
      given.map(() => true),
    );
    const gone = revoked.filter(({ answer }) => answer !== undefined);
    expect(await Promise.all(gone.map(({ form }) => isActive(form['token'] ?? '')))).toEqual(
      gone.map(() => false),
    );
    for (const { answer } of [...redeemed, ...loggedIn]) {
      if (answer !== undefined) expect(await token(refreshOf(answer.json))).toMatchObject({ status: 200 });
    }
    // Who lost the answer to a refresh asks again and gets it; who has it goes on with it.
    for (const { form, answer } of refreshed) {
      const next = answer === undefined ? form : refreshOf(answer.json);
      expect(await token(next)).toMatchObject({ status: 200 });
    }
    await obtainCode(server, { realm: 'acme', agent, params: { prompt: 'none' } });
  }

  /** Every code is spent and its tokens are there, or can be redeemed still. */
  async function expectWhole({ redeemed }: Outcome, engine: Engine): Promise<void> {
    const codes = await engine.records('acme', 'code');
    const spent = new Set(codes.filter(({ isSpent }) => isSpent).map(({ id }) => id));
    const tokens = (await engine.records('acme', 't')).map(({ value }) => decodeToken(value));
    const first = tokens.filter((record) => record?.gty === 'authorization_code');
    expect(first.filter((record) => record?.kind === 'RefreshToken')).toHaveLength(spent.size);
    const unspent = redeemed.filter(({ form }) => !spent.has(sha256(form['code'] ?? '')));
    expect(unspent.filter(({ answer }) => answer !== undefined)).toEqual([]);
    const retried = await Promise.all(unspent.map(({ form }) => token(form)));
    expect(retried.map(({ status }) => status)).toEqual(unspent.map(() => 200));
  }

  return { run, expectKept, expectWhole };
}

const strikes = [2, 12, 25];

describe.each(engines)('a server on %s that is killed', (_name, open) => {
  let engine: Engine;
  let server: ServerProcess;
  let agent: Agent;

  beforeAll(async () => {
    engine = await open();
    server = await startServerProcess({ store: engine.url, realms: [acme()] });
    agent = createAgent(server.url);
    await obtainCode(server, { realm: 'acme', agent });
  });
  afterAll(async () => {
    await server?.stop();
    await engine?.stop();
  });

  it.each(strikes)('after %i answers has lost none of them, and did nothing by halves', async (after) => {
    const load = createLoad(server);

    const outcome = await load.run(agent, after, server.kill9);
    await server.start();

    await load.expectWhole(outcome, engine);
    await load.expectKept(outcome, agent);
  });
});

describe('a Redis that is killed', () => {
  let engine: Engine;
  let server: ServerProcess;
  let agent: Agent;

  beforeAll(async () => {
    engine = await openRedis();
    server = await startServerProcess({ store: engine.url, realms: [acme()] });
    agent = createAgent(server.url);
    await obtainCode(server, { realm: 'acme', agent });
  });
  afterAll(async () => {
    await server?.stop();
    await engine?.stop();
  });

  it.each(strikes)('after %i answers has lost none of them, and did nothing by halves', async (after) => {
    const load = createLoad(server);

    const outcome = await load.run(agent, after, async () => engine.redis?.kill9());
    await engine.redis?.restart();
    const ready = async () => (await fetch(`${server.adminUrl}/health/ready`)).status;
    await expect.poll(ready, { timeout: 60_000 }).toBe(200);

    await load.expectWhole(outcome, engine);
    await load.expectKept(outcome, agent);
  });
});

describe('a token request', () => {
  let server: TestServer;
  let commits = 0;
  let isBroken = false;

  const watched = (store: Store): Store => ({
    ...store,
    async commit(writes) {
      commits += 1;
      if (isBroken) throw new Failure('unavailable', 'the store cannot be reached');
      return store.commit(writes);
    },
  });

  beforeAll(async () => {
    server = await startTestServer({
      realms: [acme()],
      adapt: (services) => ({ ...services, store: watched(services.store) }),
    });
  });
  afterAll(() => server?.stop());

  const token = (form: Form, auth?: readonly [string, string]) =>
    postForm(server.endpoint('acme', 'token'), form, auth && { auth });
  const codeForm = async () => (await obtainCode(server, { realm: 'acme' })).form;
  const forms: Record<string, () => Promise<readonly [Form, (readonly [string, string])?]>> = {
    'a code': async () => [await codeForm()],
    'a refresh token': async () => [refreshOf((await token(await codeForm())).json)],
    'a password': async () => [george],
    'client credentials': async () => [machine, service],
  };

  it.each(Object.keys(forms))('with %s writes all that it writes in one step', async (name) => {
    const [form, auth] = (await forms[name]?.()) ?? [{}];
    commits = 0;

    const answer = await token(form, auth);

    expect([answer.status, commits]).toEqual([200, 1]);
  });

  it.each(Object.keys(forms))(
    'with %s answers nothing that it could not write, and can be repeated',
    async (name) => {
      const [form, auth] = (await forms[name]?.()) ?? [{}];
      isBroken = true;

      const answer = await token(form, auth);

      isBroken = false;
      expect(answer).toMatchObject({ status: 503, json: { error: 'temporarily_unavailable' } });
      expect(answer.text).not.toContain('_token');
      expect(await token(form, auth)).toMatchObject({ status: 200 });
    },
  );
});
