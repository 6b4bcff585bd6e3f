/** The quota of minting behind the calls of the embed products: their own errors, our header fields. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { apiKey, type FacadeServer, semaphorDashboard, send, startFacades, tokenOf } from './support.ts';

const QUOTA = 2;

describe('above the quota of its section', () => {
  let server: FacadeServer;
  beforeAll(async () => {
    server = await startFacades({
      change: (acme) => ({ ...acme, quotas: { guestTokensPerMinute: QUOTA } }),
    });
  });
  afterAll(() => server.stop());

  const calls = {
    databrain: async () =>
      send(`${server.base}/api/v1/guest-token/create`, {
        token: apiKey,
        body: { clientId: 'id', workspaceName: 'workspacename' },
      }),
    semaphor: async () =>
      send(`${server.base}/api/v1/token`, {
        body: semaphorDashboard,
      }),
    informer: async () =>
      send(`${server.base}/api/tokens`, {
        token: await tokenOf(server, 'ada.admin', 'ada_password'),
        body: { type: 'report', reportId: 'team:sales-dashboard' },
      }),
  };

  it.each([
    [
      'databrain',
      200,
      { error: { code: 'TOO_MANY_REQUESTS', message: 'too many requests, try again later' } },
    ],
    ['semaphor', 200, { error: 'Too many requests, try again later.', code: 'RATE_LIMIT_EXCEEDED' }],
    ['informer', 201, { statusCode: 429, error: 'Too Many Requests', message: 'Rate limit exceeded' }],
  ] as const)('%s says so as the product does, and when to come back', async (name, status, body) => {
    const first = await calls[name]();
    await calls[name]();
    const late = await calls[name]();

    expect(first.status).toBe(status);
    expect(first.headers.get('ratelimit-policy')).toBe(`"guest-tokens";q=${QUOTA};w=60`);
    expect(first.headers.get('ratelimit')).toContain(';r=1;');
    expect([late.status, late.json]).toEqual([429, body]);
    expect(Number(late.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(late.headers.get('ratelimit')).toContain(';r=0;');
  });

  it('a report that is published already is still published', async () => {
    const own = await startFacades({
      change: (acme) => ({ ...acme, quotas: { guestTokensPerMinute: 1 } }),
    });
    const address = `${own.base}/api/reports/team:sales-dashboard/_cloud-publish`;
    const ada = await tokenOf(own, 'ada.admin', 'ada_password');

    const answers = [await send(address, { token: ada }), await send(address, { token: ada })];

    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(answers[1]?.json.token).toBe(answers[0]?.json.token);
    await own.stop();
  });
});
