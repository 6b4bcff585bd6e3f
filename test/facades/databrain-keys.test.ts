import { describe, expect, it, onTestFinished } from 'vitest';
import { openEmbedded, openRedis } from '../support/raw-store.ts';
import {
  apiKey,
  type FacadeServer,
  send,
  serviceToken,
  startFacades,
  startFor,
  startForFile,
  uuid,
  withSection,
} from './support.ts';

const tokens = '/api/v2/data-app/api-tokens';
const request = { dataAppName: 'sales-dashboard', name: 'backend' };

let server: FacadeServer;
startForFile((started) => {
  server = started;
});

function callsOf(on: () => FacadeServer) {
  return {
    make: (body: unknown = request, token = serviceToken, path = tokens) =>
      send(`${on().base}${path}`, { token, body }),
    list: (query = 'dataAppName=sales-dashboard', token = serviceToken) =>
      send(`${on().base}${tokens}?${query}`, { method: 'GET', token }),
    rotate: (token: string, body: unknown) =>
      send(`${on().base}/api/v2/data-app/rotate-api`, { token, body }),
    mint: async (token: string) =>
      (
        await send(`${on().base}/api/v2/guest-token/create`, {
          token,
          body: { clientId: 'id', dataAppName: 'sales-dashboard' },
        })
      ).status,
  };
}

const { make, list, rotate, mint } = callsOf(() => server);

describe('API tokens', () => {
  it.each([tokens, '/api/v2/dataApp/api-tokens'])('are made at %s, and mint', async (path) => {
    const answer = await make(request, serviceToken, path);

    expect([answer.status, Object.keys(answer.json)]).toEqual([200, ['key']]);
    expect(answer.json.key).toMatch(uuid);
    expect(await mint(answer.json.key)).toBe(200);
  });

  it('are nothing that an API key can make or list', async () => {
    const made = await make(request, apiKey);
    const listed = await list(undefined, apiKey);

    expect([made.status, made.json.error.code]).toEqual([401, 'AUTHENTICATION_ERROR']);
    expect(listed.status).toBe(401);
  });

  it.each<[string, unknown]>([
    ['INVALID_REQUEST_BODY', { dataAppName: 'sales-dashboard' }],
    ['INVALID_REQUEST_BODY', { ...request, name: 5 }],
    ['INVALID_REQUEST_BODY', { ...request, extra: 1 }],
    ['INVALID_REQUEST_BODY', 'no json'],
    ['DATA_APP_NOT_FOUND', { ...request, dataAppName: 'other' }],
    ['DATA_APP_NOT_FOUND', { name: 'x' }],
  ])('are refused with %s for %j', async (code, body) => {
    const answer = await make(body);

    expect([answer.status, answer.json.error.code]).toEqual([400, code]);
  });

  it('are listed ten to a page, shown in clear, oldest first', async () => {
    const own = await startFor();
    const calls = callsOf(() => own);
    const made = [];
    for (let index = 0; index < 12; index += 1) {
      own.advance(1);
      made.push((await calls.make({ ...request, name: `key ${index}`, description: 'd' })).json.key);
    }

    const first = (await calls.list('dataAppName=sales-dashboard&isPagination=true&pageNumber=1')).json.data;
    const second = (await calls.list('dataAppName=sales-dashboard&isPagination=true&pageNumber=2')).json.data;
    const whole = (await calls.list()).json.data;

    expect([first.length, second.length, whole.length]).toEqual([10, 3, 13]);
    expect(Object.keys(first[1])).toEqual(['key', 'name', 'description', 'createdAt']);
    expect(whole.map(({ key }: { key: string }) => key)).toEqual([apiKey, ...made]);
    expect(second.at(-1)).toMatchObject({ name: 'key 11', description: 'd' });
  });

  it.each([
    ['DATA_APP_NOT_FOUND', 'dataAppName=other'],
    ['DATA_APP_NOT_FOUND', ''],
    ['INVALID_REQUEST_BODY', 'dataAppName=sales-dashboard&isPagination=true&pageNumber=0'],
  ])('cannot be listed (%s) by %j', async (code, query) => {
    const answer = await list(query);

    expect([answer.status, answer.json.error.code]).toEqual([400, code]);
  });

  it('are at rest sealed only', async () => {
    const engine = await openEmbedded();
    onTestFinished(() => engine.stop());
    const own = await startFor({ store: engine.url });
    const { key } = (await callsOf(() => own).make()).json;

    const dump = (await engine.dump()).toString('latin1');

    expect(dump).toContain('databrain-key');
    for (const secret of [key, apiKey, serviceToken]) expect(dump).not.toContain(secret);
  });

  it('are gone with the data app, and with the realm', async () => {
    const own = await startFor();
    const calls = callsOf(() => own);
    const { key } = (await calls.make()).json;
    const { registry } = own.services;
    const realm = await registry.findRealm('acme');
    const { revision: _, ...view } = realm ?? { revision: 0 };

    await registry.updateRealm('acme', (settings) => ({
      ...settings,
      compat: { ...settings.compat, databrain: { ...settings.compat?.['databrain'], dataApps: [] } },
    }));
    const withoutApp = await calls.mint(key);
    await registry.removeRealm('acme');
    await registry.putRealm(settingsOf(view));
    const inNewRealm = await calls.mint(key);

    expect([withoutApp, inNewRealm]).toEqual([401, 401]);
    expect(await calls.mint(apiKey)).toBe(200);
  });
});

function settingsOf(view: object): Parameters<FacadeServer['services']['registry']['putRealm']>[0] {
  return JSON.parse(
    JSON.stringify({
      ...view,
      apisByAudience: undefined,
      defaultApi: undefined,
      permissionNames: undefined,
    }),
  );
}

describe('rotation', () => {
  it('gives a successor, and lets the old key count for its grace', async () => {
    const own = await startFor();
    const calls = callsOf(() => own);
    const old = (await calls.make()).json.key;

    const answer = await calls.rotate(old, { expireAt: '60' });
    const during = [await calls.mint(old), await calls.mint(answer.json.key)];
    own.advance(59);
    const atTheEnd = await calls.mint(old);
    own.advance(1);
    const after = [await calls.mint(old), await calls.mint(answer.json.key)];

    expect([answer.status, Object.keys(answer.json)]).toEqual([200, ['key']]);
    expect([during, atTheEnd, after]).toEqual([[200, 200], 200, [401, 200]]);
    expect((await calls.list()).json.data.map(({ key }: { key: string }) => key)).toEqual([
      apiKey,
      answer.json.key,
    ]);
  });

  it('ends the old key at once for 0, also one of the realm file, over a restart', async () => {
    const engine = await openEmbedded();
    onTestFinished(() => engine.stop());
    const first = await startFacades({ store: engine.url });
    const { key } = (await callsOf(() => first).rotate(apiKey, { expireAt: 0 })).json;
    const before = await callsOf(() => first).mint(apiKey);
    await first.stop();

    const second = await startFor({ store: engine.url });
    const calls = callsOf(() => second);
    const after = [await calls.mint(apiKey), await calls.mint(key)];

    expect([before, after]).toEqual([401, [401, 200]]);
  });

  // On Redis, where other requests get on while one waits.
  it.each(['a key that was made', 'a key of the file'])(
    'gives one successor to many at once: %s',
    async (which) => {
      const engine = await openRedis();
      onTestFinished(() => engine.stop());
      const own = await startFor({ store: engine.url });
      const calls = callsOf(() => own);
      const old = which === 'a key of the file' ? apiKey : (await calls.make()).json.key;

      const answers = await Promise.all(Array.from({ length: 8 }, () => calls.rotate(old, { expireAt: 60 })));

      const codes = answers.map(({ status, json }) => `${status} ${json.error?.code ?? 'ok'}`).sort();
      expect(codes).toEqual(['200 ok', ...Array.from({ length: 7 }, () => '400 AUTHENTICATION_ERROR')]);
    },
  );

  it('can be asked for by a service token that names the key', async () => {
    const old = (await make()).json.key;

    const answer = await rotate(serviceToken, { expireAt: 0, key: old });
    const wrong = await rotate(serviceToken, { expireAt: 0, key: 'nothing' });

    expect([answer.status, await mint(old), await mint(answer.json.key)]).toEqual([200, 401, 200]);
    expect([wrong.status, wrong.json.error.code]).toEqual([400, 'AUTHENTICATION_ERROR']);
  });

  it('replaces a service token', async () => {
    const own = await startFor();
    const calls = callsOf(() => own);
    const url = `${own.base}/api/v2/service-token/rotate`;

    const answer = await send(url, { token: serviceToken, body: { expireAt: 0 } });

    expect([answer.status, Object.keys(answer.json)]).toEqual([200, ['key']]);
    expect((await calls.list()).status).toBe(401);
    expect((await calls.list(undefined, answer.json.key)).status).toBe(200);
    expect((await send(url, { token: apiKey, body: { expireAt: 0 } })).status).toBe(401);
  });

  it.each<[unknown]>([
    [{}],
    [{ expireAt: -1 }],
    [{ expireAt: 'soon' }],
    [{ expireAt: 1.5 }],
    [{ expireAt: null }],
  ])('is INVALID_REQUEST_BODY for %j', async (body) => {
    const answer = await rotate(apiKey, body);

    expect([answer.status, answer.json.error.code]).toEqual([400, 'INVALID_REQUEST_BODY']);
  });

  it('needs a key that counts', async () => {
    const answer = await rotate('00000000-0000-4000-8000-000000000000', { expireAt: 0 });

    expect([answer.status, answer.json.error.code]).toEqual([401, 'AUTHENTICATION_ERROR']);
  });
});

describe('the section', () => {
  it('needs datasourceName when it has several', async () => {
    const own = await startFor({ change: withSection('databrain', { datasources: ['a', 'b'] }) });
    const ask = (more: object) =>
      send(`${own.base}/api/v1/guest-token/create`, {
        token: apiKey,
        body: { clientId: 'id', workspaceName: 'workspacename', ...more },
      });

    expect((await ask({})).json.error.code).toBe('INVALID_REQUEST_BODY');
    expect((await ask({ datasourceName: 'b' })).status).toBe(200);
  });
});
