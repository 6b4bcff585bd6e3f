import { describe, expect, it } from 'vitest';
import type { Answer } from '../support/http.ts';
import { startServerProcess } from '../support/process.ts';
import { openRedis } from '../support/raw-store.ts';
import {
  apiKey,
  databrainCalls,
  demoRealms,
  type FacadeServer,
  semaphorDashboard,
  send,
  serviceToken,
  startFor,
  startForFile,
  withSection,
} from './support.ts';

let server: FacadeServer;
startForFile((started) => {
  server = started;
});

const { create } = databrainCalls(() => server);

describe('errors', () => {
  const at = (code: string, status = 400) => ({ status, keys: ['message', 'code'], code });
  const payload = ({ status, json }: Answer) => ({
    status,
    keys: Object.keys(json.error),
    code: json.error.code,
  });

  it.each<[string, string]>([
    ['none', ''],
    ['an unknown one', '550e8400-e29b-41d4-a716-446655440001'],
    ['a service token', serviceToken],
  ])('is AUTHENTICATION_ERROR for %s in place of the API key', async (_name, key) => {
    const answer = await create(1, { clientId: 'id', workspaceName: 'workspacename' }, key);

    expect(payload(answer)).toEqual(at('AUTHENTICATION_ERROR', 401));
    expect(Object.keys(answer.json)).toEqual(['error']);
  });

  it.each<[string, string, unknown]>([
    ['INVALID_REQUEST_BODY', 'no JSON', '{"clientId":'],
    ['INVALID_REQUEST_BODY', 'no object', '[]'],
    ['INVALID_REQUEST_BODY', 'no body', ''],
    ['INVALID_REQUEST_BODY', 'an unknown field', { extra: 1 }],
    ['INVALID_REQUEST_BODY', 'accessSettings', { accessSettings: {} }],
    ['INVALID_REQUEST_BODY', 'allowedEmbeds at the top', { allowedEmbeds: ['a'] }],
    ['INVALID_REQUEST_BODY', 'params that are none', { params: [] }],
    ['INVALID_REQUEST_BODY', 'a life of text', { expiryTime: '1000' }],
    ['INVALID_REQUEST_BODY', 'no life at all', { expiryTime: 0 }],
    ['INVALID_REQUEST_BODY', 'a data source of no name', { datasourceName: 5 }],
    ['INVALID_REQUEST_BODY', 'an unknown data source', { datasourceName: 'other' }],
    ['INVALID_REQUEST_BODY', 'an unknown parameter', { params: { rlsSetting: [] } }],
    ['INVALID_REQUEST_BODY', 'no embed at all', { params: { allowedEmbeds: [] } }],
    ['INVALID_REQUEST_BODY', 'a time zone that is none', { params: { timezone: 'Mars/Base' } }],
    ['CLIENT_ID_ERROR', 'no client', { clientId: undefined }],
    ['CLIENT_ID_ERROR', 'an empty client', { clientId: '' }],
    ['CLIENT_ID_ERROR', 'a client that is a number', { clientId: 5 }],
    ['WORKSPACE_ID_ERROR', 'no workspace', { workspaceName: undefined }],
    ['WORKSPACE_ID_ERROR', 'an unknown workspace', { workspaceName: 'other' }],
    ['WORKSPACE_ID_ERROR', 'a workspace that is a number', { workspaceName: 5 }],
    ['DASHBOARD_PARAM_ERROR', 'a dashboard that is text', { params: { dashboard: 'dash' } }],
    [
      'DASHBOARD_PARAM_ERROR',
      'dashboard filters without values',
      { params: { dashboardAppFilters: [{ dashboardId: 'd' }] } },
    ],
    [
      'DASHBOARD_PARAM_ERROR',
      'one filter twice',
      {
        params: {
          dashboardAppFilters: [
            { dashboardId: 'd', values: { a: 1 } },
            { dashboardId: 'd', values: { a: 2 } },
          ],
        },
      },
    ],
    ['APP_FILTER_PARAM_ERROR', 'app filters that are none', { params: { appFilters: {} } }],
    [
      'APP_FILTER_PARAM_ERROR',
      'an app filter without a filter',
      { params: { appFilters: [{ metricId: 'm', values: {} }] } },
    ],
    ['RLS_SETTINGS_PARAM_ERROR', 'row limits that are none', { params: { rlsSettings: 'x' } }],
    [
      'RLS_SETTINGS_PARAM_ERROR',
      'a row limit of nothing',
      { params: { rlsSettings: [{ metricId: 'm', values: { a: null } }] } },
    ],
  ])('is %s for %s', async (code, _name, change) => {
    const valid = { clientId: 'id', workspaceName: 'workspacename' };
    const isWhole = typeof change === 'string' || Array.isArray(change);

    const answer = await create(1, isWhole ? change : { ...valid, ...(change as object) });

    expect(payload(answer)).toEqual(at(code));
  });

  it('is DATA_APP_NOT_FOUND for a data app that is not the key’s', async () => {
    const two = await startFor({
      change: withSection('databrain', {
        dataApps: [
          { name: 'sales-dashboard', apiKeys: [apiKey] },
          { name: 'other', apiKeys: ['other-key-other-key'] },
        ],
      }),
    });
    const ask = (dataAppName: unknown) =>
      send(`${two.base}/api/v2/guest-token/create`, { token: apiKey, body: { clientId: 'id', dataAppName } });

    expect(payload(await ask('nothing'))).toEqual(at('DATA_APP_NOT_FOUND'));
    expect(payload(await ask('other'))).toEqual(at('DATA_APP_NOT_FOUND'));
    expect(payload(await ask(undefined))).toEqual(at('DATA_APP_NOT_FOUND'));
  });

  it('is found in the order key, body, client, workspace, params', async () => {
    const everything = {
      extra: 1,
      clientId: '',
      workspaceName: 'other',
      params: { dashboard: 1, appFilters: 1, rlsSettings: 1 },
    };
    const { extra: _, ...known } = everything;
    const codes = [];
    for (const [body, key] of [
      [everything, 'wrong'],
      [everything, apiKey],
      [known, apiKey],
      [{ ...known, clientId: 'id' }, apiKey],
      [{ ...known, clientId: 'id', workspaceName: 'workspacename' }, apiKey],
      [{ clientId: 'id', workspaceName: 'workspacename', params: { appFilters: 1, rlsSettings: 1 } }, apiKey],
      [{ clientId: 'id', workspaceName: 'workspacename', params: { rlsSettings: 1 } }, apiKey],
    ] as const) {
      codes.push((await create(1, body, key)).json.error.code);
    }

    expect(codes).toEqual([
      'AUTHENTICATION_ERROR',
      'INVALID_REQUEST_BODY',
      'CLIENT_ID_ERROR',
      'WORKSPACE_ID_ERROR',
      'DASHBOARD_PARAM_ERROR',
      'APP_FILTER_PARAM_ERROR',
      'RLS_SETTINGS_PARAM_ERROR',
    ]);
  });

  it('is 413 for a body over 64 KiB, and 405 for another method', async () => {
    const large = await create(1, { clientId: 'id', workspaceName: 'x'.repeat(70_000) });
    const other = await send(`${server.base}/api/v1/guest-token/create`, {
      method: 'PUT',
      token: apiKey,
      body: {},
    });

    expect(payload(large)).toEqual(at('INVALID_REQUEST_BODY', 413));
    expect([other.status, other.headers.get('allow')]).toEqual([405, 'POST']);
  });

  it('is 429 with Retry-After for who guesses keys, but not for a right key, nor for other products', async () => {
    const own = await startFor();
    const url = `${own.base}/api/v1/guest-token/create`;
    const body = { clientId: 'id', workspaceName: 'workspacename' };
    const attempt = (token: string) => send(url, { token, body });

    const bruteForce = [];
    for (let index = 0; index < 20; index += 1) bruteForce.push((await attempt(`guess-${index}`)).status);
    const late = await attempt('guess-20');
    const right = await attempt(apiKey);
    const elsewhere = await send(`${own.base}/api/v1/token`, { body: semaphorDashboard });

    expect([right.status, elsewhere.status]).toEqual([200, 200]);
    expect(new Set(bruteForce)).toEqual(new Set([401]));
    expect(payload(late)).toEqual(at('TOO_MANY_REQUESTS', 429));
    expect(Number(late.headers.get('retry-after'))).toBeGreaterThan(0);
  });

  it('stays AUTHENTICATION_ERROR for an old key, however often it is sent', async () => {
    const own = await startFor();
    const url = `${own.base}/api/v1/guest-token/create`;
    const body = { clientId: 'id', workspaceName: 'workspacename' };

    for (let index = 0; index < 30; index += 1) {
      expect((await send(url, { token: 'an-old-key', body })).status).toBe(401);
    }
    expect((await send(url, { token: apiKey, body })).status).toBe(200);
  });

  it('is INTERNAL_SERVER_ERROR with 503 while the store is away', async () => {
    const engine = await openRedis();
    const { acme } = await demoRealms();
    const own = await startServerProcess({ store: engine.url, realms: [acme] });
    try {
      const ask = () =>
        send(`${own.url}/realms/acme/api/v1/guest-token/create`, {
          token: apiKey,
          body: { clientId: 'id', workspaceName: 'workspacename' },
        });
      expect((await ask()).status).toBe(200);

      await engine.redis?.kill9();
      const answer = await ask();

      expect(payload(answer)).toEqual(at('INTERNAL_SERVER_ERROR', 503));
      expect(answer.headers.get('retry-after')).toBe('1');
    } finally {
      await own.stop();
      await engine.stop();
    }
  });
});
