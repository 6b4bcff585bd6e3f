/** OWASP ASVS 6.3.1: wrong passwords lock a user, by whichever name they were tried, and nobody can see who exists. */
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createAuthenticator } from '../../src/authn/authenticator.ts';
import { createWorkQueue } from '../../src/base/work-queue.ts';
import { createPasswords } from '../../src/registry/passwords/passwords.ts';
import { type Answer, postForm } from '../support/http.ts';
import { acme } from '../support/realms.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

const LOCK_AFTER = 4;

let server: TestServer;
beforeAll(async () => {
  const user = (username: string) => ({ username, email: `${username}@acme.test`, password: 'my_password' });
  const users = ['george.becker', 'ann', 'burst', 'waits'].map(user);
  const passwords = { lockAfter: LOCK_AFTER, lockWindow: 60, lockFor: 600 };
  server = await startTestServer({ realms: [acme({ users, passwords })] });
});
afterAll(() => server.stop());
afterEach(() => {
  vi.useRealTimers();
});

const login = (username: string, password: string): Promise<Answer> =>
  postForm(server.endpoint('acme', 'token'), {
    client_id: 'dc-ui',
    grant_type: 'password',
    username,
    password,
  });
const statuses = async (names: readonly string[], password: string): Promise<readonly number[]> => {
  const found: number[] = [];
  for (const name of names) found.push((await login(name, password)).status);
  return found;
};

describe('wrong passwords', () => {
  it('lock the user, not the name that was typed', async () => {
    const names = ['george.becker', 'George.Becker', 'george.becker@acme.test', 'GEORGE.BECKER@ACME.TEST'];
    expect(await statuses(names.slice(1), 'wrong')).toEqual([400, 400, 400]);
    expect(await statuses(names.slice(0, 1), 'my_password')).toEqual([200]);

    await login('george.becker', 'wrong');

    expect(await statuses(names, 'my_password')).toEqual([400, 400, 400, 400]);
    expect((await login('ann', 'my_password')).status).toBe(200);
  });

  it('look the same for a name that is nobody’s, before and after', async () => {
    const tell = ({ status, json }: Answer) => ({ status, json });
    const tried = async (name: string) => {
      const answers: object[] = [];
      for (let index = 0; index < LOCK_AFTER + 2; index += 1) answers.push(tell(await login(name, 'wrong')));
      return answers;
    };

    expect(await tried('nobody')).toEqual(await tried('ann'));
  });

  it('lock for lockFor seconds', async () => {
    await statuses(Array(LOCK_AFTER).fill('waits'), 'wrong');
    const now = Date.now();
    const at = async (seconds: number) => {
      vi.useFakeTimers({ toFake: ['Date'], now: now + seconds * 1000 });
      return (await login('waits', 'my_password')).status;
    };

    // Each try while it lasts is wrong too, but does not make it last longer.
    expect([await at(100), await at(500), await at(605)]).toEqual([400, 400, 200]);
  });

  it('of one moment are no way around it', async () => {
    const { store, registry, bruteForce, events } = server.services;
    const passwords = createPasswords({ queue: createWorkQueue({ concurrency: 1, maxWaiting: 100 }) });
    const one = createAuthenticator({ store, registry, passwords, bruteForce, events });
    const realm = await registry.findRealm('acme');
    if (realm === undefined) throw new Error('there is no realm');
    const attempts = [...Array.from({ length: 12 }, (_, index) => `guess-${index}`), 'my_password'];

    const outcomes = await Promise.all(
      attempts.map((attempt) => one.password(realm, { login: 'burst', password: attempt })),
    );

    expect(outcomes.filter(({ ok }) => ok)).toEqual([]);
  });
});
