/** Records of public links that something else has written over: that side is lost, and nothing beside it. */
import { Redis } from 'ioredis';
import { expect, it, onTestFinished } from 'vitest';
import { openRedis } from '../support/raw-store.ts';
import { type FacadeServer, report, send, startFor, tokenOf } from './support.ts';

const published = `/api/reports/${report}/tokens`;
const pointer = `dp:{acme}:informer-cloud:${report}`;

type Published = {
  readonly server: FacadeServer;
  readonly redis: Redis;
  readonly log: readonly string[];
  readonly local: string;
  readonly cloud: string;
  call(method: string, path: string): ReturnType<typeof send>;
};

/** A report with a token of its own and a link, on Redis. */
async function startPublished(): Promise<Published> {
  const engine = await openRedis();
  onTestFinished(() => engine.stop());
  const log: string[] = [];
  const server = await startFor({ store: engine.url, log });
  const redis = new Redis({ port: Number(new URL(engine.url).port), host: '127.0.0.1' });
  onTestFinished(() => redis.disconnect());
  const token = await tokenOf(server, 'ada.admin', 'ada_password');
  const call = (method: string, path: string) => send(`${server.base}${path}`, { method, token });
  const body = { type: 'report', reportId: report };
  const local = (await send(`${server.base}/api/tokens`, { token, body })).json.id;
  const cloud = (await call('POST', `/api/reports/${report}/_cloud-publish`)).json.id;
  return { server, redis, log, local, cloud, call };
}

const idsOf = (tokens: readonly { readonly id: string }[]) => tokens.map(({ id }) => id);

const damages: readonly (readonly [string, (at: Published) => Promise<unknown>])[] = [
  [
    'a list in the place of the pointer',
    async ({ redis }) => {
      await redis.del(pointer);
      await redis.rpush(pointer, 'x');
    },
  ],
  ['text in the place of the pointer', ({ redis }) => redis.set(pointer, 'x')],
  [
    'a list in the place of the token',
    async ({ redis, cloud }) => {
      await redis.del(`dp:{acme}:informer-token:${cloud}`);
      await redis.rpush(`dp:{acme}:informer-token:${cloud}`, 'x');
    },
  ],
  [
    'a token that is none',
    ({ server, cloud }) =>
      server.services.store.commit([
        { put: { realm: 'acme', kind: 'informer-token', id: cloud }, value: '{"v":1}', ttl: 600 },
      ]),
  ],
  [
    'a token that is no JSON',
    ({ server, cloud }) =>
      server.services.store.commit([
        { put: { realm: 'acme', kind: 'informer-token', id: cloud }, value: '{', ttl: 600 },
      ]),
  ],
];

it.each(damages)('of %s only the link is lost', async (_name, damage) => {
  const at = await startPublished();
  await damage(at);

  const ofReport = await at.call('GET', published);
  const byReport = await at.call('GET', `/api/tokens?reportId=${encodeURIComponent(report)}`);
  const publishing = await at.call('POST', `/api/reports/${report}/_cloud-publish`);
  const unpublishing = await at.call('POST', `/api/reports/${report}/_cloud-unpublish`);

  expect([ofReport.status, idsOf(ofReport.json.tokens)]).toEqual([200, [at.local]]);
  expect(ofReport.json.warning).toMatchObject({ statusCode: 503, error: 'Service Unavailable' });
  expect([byReport.status, idsOf(byReport.json._embedded['inf:token'])]).toEqual([200, [at.local]]);
  expect(byReport.headers.get('x-guest-warnings')).toBe('the list is not whole: it lacks the public link');
  for (const { status, json, headers } of [publishing, unpublishing]) {
    expect([status, json.statusCode, headers.get('retry-after')]).toEqual([503, 503, '1']);
  }
  expect(at.log.join('')).toContain('cannot be read');
});

it.each(damages.filter(([name]) => name.includes('token')))(
  'of %s the list of all has the others, says so, and keeps it',
  async (_name, damage) => {
    const at = await startPublished();
    await damage(at);

    const [first, second] = [await at.call('GET', '/api/tokens'), await at.call('GET', '/api/tokens')];
    const alone = await at.call('GET', `/api/tokens/${at.cloud}`);

    for (const { status, json, headers } of [first, second]) {
      expect([status, idsOf(json._embedded['inf:token'])]).toEqual([200, [at.local]]);
      expect(headers.get('x-guest-warnings')).toBe('the list is not whole: a record cannot be read');
    }
    expect(alone.status).toBe(503);
  },
);

it('is an outage when the whole store is away', async () => {
  const engine = await openRedis();
  onTestFinished(() => engine.stop());
  const server = await startFor({ store: engine.url });
  const token = await tokenOf(server, 'ada.admin', 'ada_password');

  await engine.redis?.stop();
  const { status, json } = await send(`${server.base}${published}`, { method: 'GET', token });

  expect([status, json.statusCode]).toEqual([503, 503]);
});
