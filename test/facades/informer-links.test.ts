import { describe, expect, it, onTestFinished } from 'vitest';
import { postForm } from '../support/http.ts';
import { openRedis } from '../support/raw-store.ts';
import {
  apiKey,
  type FacadeServer,
  informerCalls,
  replay,
  report,
  send,
  startFor,
  startForFile,
  tokenOf,
  withSection,
} from './support.ts';

let server: FacadeServer;
let ada: string;
let george: string;
startForFile(
  async (started) => {
    server = started;
    ada = await tokenOf(server, 'ada.admin', 'ada_password');
    george = await tokenOf(server, 'george.becker', 'my_password');
  },
  { change: withSection('informer', { assistants: ['assistant-123'] }) },
);
const { call, create, publish, bearer } = informerCalls(() => ({ server, token: ada }));

describe('publishing', () => {
  it('gives one link however often, and as documented', async () => {
    const text = `POST /api/reports/team:sales-dashboard/_cloud-publish HTTP/1.1
Content-Type: application/json

{ "progress": "progress-monitor-id" }`;

    const first = await replay(server.base, text, bearer());
    const second = await publish();

    expect([first.status, Object.keys(first.json)]).toEqual([
      200,
      ['id', 'type', 'reportId', 'token', 'url', 'createdAt', '_links'],
    ]);
    expect(first.json.url).toBe(`${server.base}/view/${first.json.token}`);
    expect(second.json).toEqual(first.json);
  });

  // On Redis, where other requests get on while one waits.
  it('gives one link to many at once, also after it was taken back', async () => {
    const engine = await openRedis();
    onTestFinished(() => engine.stop());
    const own = await startFor({ store: engine.url });
    const token = await tokenOf(own, 'ada.admin', 'ada_password');
    const round = async () => {
      const answers = await Promise.all(Array.from({ length: 8 }, () => publish({ on: own, token })));
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
      expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
      return answers[0]?.json;
    };

    const first = await round();
    await call('POST', `/api/reports/${report}/_cloud-unpublish`, { on: own, token });
    const second = await round();

    expect(second.token).not.toBe(first.token);
    expect((await own.introspect(first.token)).active).toBe(false);
    const { tokens } = (await call('GET', `/api/reports/${report}/tokens`, { on: own, token })).json;
    expect(tokens.map(({ id }: { id: string }) => id)).toEqual([second.id]);
  });

  it('is taken back at once, and as often as asked', async () => {
    const { token } = (await publish()).json;
    const unpublish = () =>
      replay(server.base, 'POST /api/reports/team:sales-dashboard/_cloud-unpublish HTTP/1.1', bearer());

    const before = await server.introspect(token);
    const answers = [await unpublish(), await unpublish()];

    expect(before).toMatchObject({ active: true });
    expect(before.exp).toBeUndefined();
    expect(answers.map(({ status, text }) => [status, text])).toEqual([
      [204, ''],
      [204, ''],
    ]);
    expect((await server.introspect(token)).active).toBe(false);
  });
});

describe('the link', () => {
  it('leads to where the report is shown, telling nobody where it came from', async () => {
    const { token, url } = (await publish()).json;

    const links = [url, `${server.base}/v/report.html?token=${token}`];
    for (const link of links) {
      const answer = await send(link, { method: 'GET' });

      expect(answer.status).toBe(302);
      expect(answer.headers.get('location')).toBe(`http://localhost:3000/demo/report?token=${token}`);
      expect(answer.headers.get('referrer-policy')).toBe('no-referrer');
      expect(answer.headers.get('cache-control')).toBe('no-store');
    }
  });

  it('is a page that says so when the token is dead, unknown or another product’s', async () => {
    const made = (await create()).json;
    await call('DELETE', `/api/tokens/${made.id}`);
    const other = await send(`${server.base}/api/v1/guest-token/create`, {
      token: apiKey,
      body: { clientId: 'id', workspaceName: 'workspacename' },
    });

    const answers = await Promise.all(
      [made.token, 'nothing', other.json.token].map((token) =>
        send(`${server.base}/view/${token}`, { method: 'GET' }),
      ),
    );

    for (const { status, headers, text } of answers) {
      expect([status, headers.get('content-type')]).toEqual([404, 'text/html; charset=utf-8']);
      expect(headers.get('referrer-policy')).toBe('no-referrer');
      expect(text).toContain('<h1');
    }
  });
});

describe('who may call', () => {
  const paths: readonly (readonly [string, string, 'read' | 'write'])[] = [
    ['GET', `/api/reports/${report}/tokens`, 'read'],
    ['GET', '/api/tokens', 'read'],
    ['GET', '/api/tokens/gt_x', 'read'],
    ['POST', '/api/tokens', 'write'],
    ['DELETE', '/api/tokens/gt_x', 'write'],
    ['POST', `/api/reports/${report}/_cloud-publish`, 'write'],
    ['POST', `/api/reports/${report}/_cloud-unpublish`, 'write'],
  ];

  it.each(paths)('%s %s: nobody without a token that counts', async (method, path) => {
    const { token } = (await create()).json;

    const none = await send(`${server.base}${path}`, { method });
    const wrong = await call(method, path, { token: 'dpa_nothing' });
    const guest = await call(method, path, { token });

    for (const answer of [none, wrong, guest]) {
      expect([answer.status, answer.json.error]).toEqual([401, 'Unauthorized']);
      expect(answer.headers.get('www-authenticate')).toContain('Bearer');
    }
  });

  it.each(paths)('%s %s: george, who may read, as far as that goes (%s)', async (method, path, kind) => {
    const answer = await call(method, path, { token: george });

    expect(answer.status === 403).toBe(kind === 'write');
  });

  it('a service with the permission', async () => {
    const { access_token: token } = (
      await postForm(
        server.endpoint('acme', 'token'),
        { grant_type: 'client_credentials', scope: 'reports:read' },
        { auth: ['ds-engine', 'ds-engine-secret'] },
      )
    ).json;

    expect((await call('GET', '/api/tokens', { token })).status).toBe(200);
  });

  it('nobody with a token for another API, even one with a permission of the same name', async () => {
    const own = await startFor({
      change: (acme) => ({
        ...acme,
        apis: (acme.apis ?? []).map((api) =>
          api.id === 'warehouse' ? { ...api, permissions: [{ name: 'reports:read' }] } : api,
        ),
        roles: [
          { name: 'engine', permissions: ['warehouse:reports:read'] },
          { name: 'analyst' },
          { name: 'realm-admin' },
        ],
      }),
    });
    const answer = await postForm(
      own.endpoint('acme', 'token'),
      { grant_type: 'client_credentials', resource: 'https://warehouse.acme.test' },
      { auth: ['ds-engine', 'ds-engine-secret'] },
    );

    expect(answer.json.scope).toBe('reports:read');
    expect((await call('GET', '/api/tokens', { on: own, token: answer.json.access_token })).status).toBe(403);
  });
});
