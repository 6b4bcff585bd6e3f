/** Many wrong passwords of one network, for whoever: that network waits, and nobody else does. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requestUrl } from '../support/authorization.ts';
import { get, postForm } from '../support/http.ts';
import { acme } from '../support/realms.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { createVisitor } from '../support/visitor.ts';
import { env, from, network, statusesOf, times } from './guessing-support.ts';
import { browserRealm } from './oidc-realm.ts';

const MAX = 5;
let server: TestServer;
beforeAll(async () => {
  const networkLimits = { wrongPasswordsPerMinute: MAX };
  server = await startTestServer({
    env,
    realms: [
      acme({ networkLimits }),
      browserRealm({ name: 'pages', networkLimits }),
      acme({
        name: 'free',
        networkLimits: { wrongPasswordsPerMinute: 'unlimited' },
        passwords: { lockAfter: 1000 },
      }),
    ],
  });
});
afterAll(() => server?.stop());

const login = (username: string, password: string, address: string, realm = 'acme') =>
  postForm(
    server.endpoint(realm, 'token'),
    { grant_type: 'password', client_id: 'dc-ui', username, password },
    from(address),
  );

it('keeps nobody waiting behind many logins of one network', async () => {
  const [many, one] = [network(), network()];
  const flood = Array.from({ length: 170 }, (_, index) => login(`nobody-${index}`, 'x', many, 'free'));

  const mine = await login('george.becker', 'my_password', one, 'free');
  const answers = await Promise.all(flood);

  expect(mine.status).toBe(200);
  expect([400, 503]).toEqual(expect.arrayContaining(statusesOf(answers)));
});

describe('wrong passwords of one network', () => {
  it('hold it off, whoever they were for, and no other network', async () => {
    const [here, there] = [network(), network()];
    const wrong = await times(MAX, (index) => login(`nobody-${index}`, 'Summer2026!', here));

    const late = await login('george.becker', 'my_password', here);

    expect(statusesOf(wrong)).toEqual([400]);
    expect([late.status, late.json.error]).toEqual([429, 'too_many_requests']);
    expect(Number(late.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await login('george.becker', 'my_password', there)).status).toBe(200);
  });

  it('are one when one is repeated', async () => {
    const here = network();
    await times(2 * MAX, () => login('nobody', 'the same', here));

    expect((await login('george.becker', 'my_password', here)).status).toBe(200);
  });

  it('are not counted where the realm says so', async () => {
    const here = network();

    const wrong = await times(MAX + 3, (index) => login(`nobody-${index}`, 'x', here, 'free'));

    expect(statusesOf(wrong)).toEqual([400]);
  });

  it('are told of at the login page, and in the metrics', async () => {
    await times(MAX, (index) => {
      const source = {
        kind: 'password',
        realm: 'pages',
        target: '',
        network: '127.0.0.1',
        max: MAX,
      } as const;
      return server.services.bruteForce.wrong(source, `${index}`);
    });
    const visitor = createVisitor(server.url);
    const view = await visitor.open(requestUrl(server, { realm: 'pages' }));
    const answer = await visitor.submit(view, { username: 'george.becker', password: 'my_password' });

    expect(answer.status).toBe(429);
    const metrics = (await get(`${server.adminUrl}/metrics`)).text;
    expect(metrics).toMatch(/daypass_wrong_credentials_total\{kind="password",outcome="answered"\} \d+/);
    expect(metrics).toMatch(/daypass_wrong_credentials_total\{kind="password",outcome="held_off"\} \d+/);
  });
});
