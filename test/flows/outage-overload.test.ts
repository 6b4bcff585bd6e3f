/** More logins than the machine can hash: the surplus is turned away at once, nobody else notices. */
import { expect, it, onTestFinished } from 'vitest';
import { createAuthenticator } from '../../src/authn/authenticator.ts';
import { Failure } from '../../src/base/errors.ts';
import { createWorkQueue, type WorkQueue } from '../../src/base/work-queue.ts';
import { createPasswords } from '../../src/registry/passwords/passwords.ts';
import { createAgent } from '../support/browserless.ts';
import { type Answer, postForm } from '../support/http.ts';
import { acme, gateway, george, engine as service } from '../support/realms.ts';
import { startTestServer } from '../support/server.ts';
import { useServer } from '../support/use-server.ts';
import { env, from, network } from './guessing-support.ts';

const WAIT = { timeout: 60_000, interval: 20 };
const queue = createWorkQueue({ concurrency: 1, maxWaiting: 2, maxWaitMs: 60_000 });
/** The work that requests have brought. */
const runs: Promise<unknown>[] = [];
const watched: WorkQueue = {
  run(job, turn) {
    const outcome = queue.run(job, turn);
    runs.push(outcome);
    return outcome;
  },
};
const server = useServer({
  env,
  realms: [acme()],
  adapt(services) {
    const passwords = createPasswords({ queue: watched });
    return { ...services, passwords, authenticator: createAuthenticator({ ...services, passwords }) };
  },
});

/** A hash that goes on until it is told to end. */
function startEndlessHash(): () => void {
  const end = Promise.withResolvers<void>();
  queue.run(() => end.promise).catch(() => undefined);
  return end.resolve;
}

const token = (form: Record<string, string>, auth?: readonly [string, string]) =>
  postForm(server.endpoint('acme', 'token'), form, auth && { auth });

/** Sends logins and hands over the answers in the order in which they come. */
function sendLogins(count: number) {
  const answers: Answer[] = [];
  const sent = Array.from({ length: count }, async (_, i) => {
    // Who is unknown waits in the same line.
    answers.push(await token({ ...george, username: i % 2 === 0 ? 'george.becker' : 'nobody' }));
  });
  return { answers, all: Promise.all(sent) };
}

it('answers 503 and when to come back to those who find the line full, and serves the others', async () => {
  const endHash = startEndlessHash();
  const { answers, all } = sendLogins(8);
  await expect.poll(() => answers.length, WAIT).toBe(6);
  const refused = [...answers];

  endHash();

  await all;
  expect(refused.map(({ status, headers }) => [status, headers.get('retry-after')])).toEqual(
    refused.map(() => [503, expect.stringMatching(/^[1-9]\d*$/)]),
  );
  expect(answers.slice(6).filter(({ status }) => status >= 500)).toEqual([]);
  expect(await token(george)).toMatchObject({ status: 200 });
});

it('refuses none from one network because another sends many', async () => {
  const [flood, mine] = [network(), network()];
  const endHash = startEndlessHash();
  const floods: Answer[] = [];
  const sent = Array.from({ length: 8 }, async (_, i) => {
    const form = { ...george, username: `nobody-${i}` };
    floods.push(await postForm(server.endpoint('acme', 'token'), form, from(flood)));
  });
  await expect.poll(() => floods.length, WAIT).toBe(6);

  const login = postForm(server.endpoint('acme', 'token'), george, from(mine));
  await expect.poll(() => floods.length, WAIT).toBe(7);
  endHash();

  expect((await login).status).toBe(200);
  await Promise.all(sent);
});

it('drops the work of those who have hung up', async () => {
  const endHash = startEndlessHash();
  const gone = new AbortController();
  const before = runs.length;
  const init = { method: 'POST', body: new URLSearchParams(george), signal: gone.signal };
  const hungUp = fetch(server.endpoint('acme', 'token'), init).catch(() => 'hung up');
  await expect.poll(() => runs.length, WAIT).toBe(before + 1);

  gone.abort();

  expect(await hungUp).toBe('hung up');
  await expect(runs.at(-1)).rejects.toMatchObject({ code: 'busy' });
  endHash();
});

it('goes on with everything that needs no password', async () => {
  const endHash = startEndlessHash();
  const { all, answers } = sendLogins(3);
  await expect.poll(() => answers.length, WAIT).toBe(1);

  const issued = await token({ grant_type: 'client_credentials' }, service);
  const asked = await postForm(
    server.endpoint('acme', 'token/introspect'),
    { token: issued.json.access_token },
    { auth: gateway },
  );

  expect(asked.json).toMatchObject({ active: true });
  endHash();
  await all;
});

it('lets people at the login page try again', async () => {
  const agent = createAgent(server.url);
  const query = new URLSearchParams({
    client_id: 'dc-ui',
    redirect_uri: 'http://localhost:3000/demo/callback',
    response_type: 'code',
    scope: 'openid',
    code_challenge: 'x'.repeat(43),
    code_challenge_method: 'S256',
  });
  const asked = await agent.open(`${server.endpoint('acme', 'auth')}?${query}`);
  const page = await agent.open(asked.headers.get('location') ?? '');
  const endHash = startEndlessHash();
  const { all, answers } = sendLogins(3);
  await expect.poll(() => answers.length, WAIT).toBe(1);

  const refused = await agent.submit(page, { username: 'george.becker', password: 'my_password' });
  endHash();
  await all;
  const accepted = await agent.submit(refused, { username: 'george.becker', password: 'my_password' });

  expect(refused.status).toBe(503);
  expect(accepted.status).toBe(303);
});

it('answers 503 too where the keys of a realm are being changed by too many at once', async () => {
  const busy = await startTestServer({
    realms: [acme()],
    adapt: ({ keyRing, ...services }) => ({
      ...services,
      keyRing: { ...keyRing, keysOf: () => Promise.reject(new Failure('busy', 'try again')) },
    }),
  });
  onTestFinished(() => busy.stop());

  const answer = await postForm(busy.endpoint('acme', 'token'), george);

  expect(answer).toMatchObject({ status: 503, json: { error: 'temporarily_unavailable' } });
  expect(answer.headers.get('retry-after')).toBe('1');
});
