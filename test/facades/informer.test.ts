import { describe, expect, it } from 'vitest';
import { Failure } from '../../src/base/errors.ts';
import type { Store } from '../../src/storage/port/port.ts';
import {
  apiKey,
  detailOf,
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
startForFile(
  async (started) => {
    server = started;
    ada = await tokenOf(server, 'ada.admin', 'ada_password');
  },
  { change: withSection('informer', { assistants: ['assistant-123'] }) },
);
const { call, create, publish, bearer } = informerCalls(() => ({ server, token: ada }));

const tokenKeys = [
  'id',
  'username',
  'type',
  'notes',
  'token',
  'readOnly',
  'restrict',
  'cidr',
  'reportId',
  'datasourceId',
  'assistantId',
  'createdAt',
  'data',
  '_links',
];

describe('tokens of a report', () => {
  it('are listed, local and public, as documented', async () => {
    const own = await startFor();
    const token = await tokenOf(own, 'ada.admin', 'ada_password');
    const local = (await create({}, { on: own, token })).json;
    own.advance(1);
    const cloud = (await publish({ on: own, token })).json;

    const raw = await replay(own.base, 'GET /api/reports/team:sales-dashboard/tokens HTTP/1.1', {
      Authorization: `Bearer ${token}`,
    });
    const encoded = await call('GET', '/api/reports/team%3Asales-dashboard/tokens', { on: own, token });

    expect(raw.status).toBe(200);
    expect(encoded.text).toBe(raw.text);
    expect(Object.keys(raw.json)).toEqual(['tokens', 'warning']);
    expect(raw.json.warning).toBeNull();
    const [first, second] = raw.json.tokens;
    expect(Object.keys(first)).toEqual(['id', 'type', 'reportId', 'token', 'cloud', 'createdAt', '_links']);
    expect(Object.keys(second)).toEqual([
      'id',
      'type',
      'reportId',
      'token',
      'cloud',
      'url',
      'createdAt',
      '_links',
    ]);
    expect(first).toMatchObject({ id: local.id, token: local.token, cloud: false, reportId: report });
    expect(second).toMatchObject({ id: cloud.id, token: cloud.token, cloud: true, url: cloud.url });
    expect(first.createdAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  });

  it('come with a warning, and without the public one, while that side cannot be asked', async () => {
    let isCloudDown = false;
    const own = await startFor({
      adapt: (services) => ({
        ...services,
        store: losing(services.store, 'informer-cloud', () => isCloudDown),
      }),
    });
    const token = await tokenOf(own, 'ada.admin', 'ada_password');
    const local = (await create({}, { on: own, token })).json;
    await publish({ on: own, token });

    isCloudDown = true;
    const answer = await call('GET', `/api/reports/${report}/tokens`, { on: own, token });
    const publishing = await publish({ on: own, token });

    expect(answer.status).toBe(200);
    expect(answer.json.tokens.map(({ id }: { id: string }) => id)).toEqual([local.id]);
    expect(answer.json.warning).toEqual({
      statusCode: 503,
      error: 'Service Unavailable',
      message: 'Cloud tokens could not be looked up',
    });
    expect([publishing.status, publishing.json.statusCode]).toEqual([503, 503]);
  });

  it('are not there for a report that is not', async () => {
    const answer = await call('GET', '/api/reports/other/tokens');
    const malformed = await call('GET', '/api/reports/%E0%A4%A/tokens');

    expect([answer.status, answer.json]).toEqual([
      404,
      { statusCode: 404, error: 'Not Found', message: 'Report not found' },
    ]);
    expect(malformed.status).toBe(400);
  });
});

/** The store when what holds one kind of records has gone: a shard of a cluster, say. */
function losing(store: Store, kind: string, isDown: () => boolean): Store {
  return {
    ...store,
    read: (keys) =>
      isDown() && keys.some((key) => key.kind === kind)
        ? Promise.reject(new Failure('unavailable', 'the store cannot be reached'))
        : store.read(keys),
  };
}

describe('a token', () => {
  it('is made by the documented request', async () => {
    const answer = await replay(
      server.base,
      `POST /api/tokens HTTP/1.1
Content-Type: application/json

{ "type": "report", "notes": "partner portal", "readOnly": true,
  "restrict": "cidr", "cidr": "10.0.0.0/8", "reportId": "team:sales-dashboard" }`,
      bearer(),
    );

    expect([answer.status, Object.keys(answer.json)]).toEqual([201, tokenKeys]);
    expect(answer.headers.get('location')).toBe(`${server.base}/api/tokens/${answer.json.id}`);
    expect(answer.json).toMatchObject({
      username: 'ada.admin',
      type: 'report',
      notes: 'partner portal',
      readOnly: true,
      restrict: 'cidr',
      cidr: '10.0.0.0/8',
      reportId: report,
      datasourceId: null,
      assistantId: null,
      _links: { self: { href: `/realms/acme/api/tokens/${answer.json.id}` } },
    });
    expect(answer.headers.get('x-guest-expires-at')).toBe('never');
  });

  it('counts only in its network', async () => {
    const { token } = (await create({ restrict: 'cidr', cidr: '10.0.0.0/8' })).json;

    const inside = await server.introspect(token, { ip: '10.1.2.3' });
    const outside = await server.introspect(token, { ip: '192.0.2.1' });
    const unsaid = await server.introspect(token);

    expect(inside.active).toBe(true);
    expect(outside).toEqual({ active: false, guest_reason: 'ip_mismatch' });
    expect(unsaid).toEqual({ active: false, guest_reason: 'ip_mismatch' });
  });

  it('counts only from its host', async () => {
    const answer = await create({ restrict: 'host', host: '192.0.2.7' });

    expect(Object.keys(answer.json)).toContain('host');
    expect((await server.introspect(answer.json.token, { ip: '192.0.2.7' })).active).toBe(true);
    expect((await server.introspect(answer.json.token, { ip: '192.0.2.8' })).active).toBe(false);
  });

  it('can do nothing but read when it is readOnly', async () => {
    const reading = (await create({ readOnly: true })).json.token;
    const writing = (await create()).json.token;

    const actionsOf = async (token: string) => detailOf(await server.introspect(token), report).actions;
    expect(await actionsOf(reading)).not.toContain('edit');
    expect(await actionsOf(reading)).toContain('view');
    expect(await actionsOf(writing)).toContain('edit');
  });

  it('is shown again, alone and in the list', async () => {
    const made = (await create({ notes: 'again', data: { customField: 'value' } })).json;

    const got = await replay(server.base, `GET /api/tokens/${made.id} HTTP/1.1`, bearer());
    const list = await replay(server.base, 'GET /api/tokens HTTP/1.1', bearer());

    expect([got.status, got.json]).toEqual([200, made]);
    expect(Object.keys(list.json)).toEqual(['_links', '_embedded', 'start', 'count', 'total']);
    expect(Object.keys(list.json._embedded)).toEqual(['inf:token']);
    expect(list.json._embedded['inf:token']).toContainEqual(made);
    expect(made).toMatchObject({ notes: 'again', data: { customField: 'value' } });
  });

  it.each<[string, readonly string[]]>([
    ['reportId=team%3Asales-dashboard', ['report']],
    ['assistantId=assistant-123', ['assistant']],
    ['username=ada.admin', ['assistant', 'personal', 'report']],
    ['username=nobody', []],
    ['queryId=q', []],
    ['start=1&limit=1', ['personal']],
  ])('is found by %s', async (query, types) => {
    const own = await startFor({ change: withSection('informer', { assistants: ['assistant-123'] }) });
    const token = await tokenOf(own, 'ada.admin', 'ada_password');
    await create({}, { on: own, token });
    own.advance(1);
    await call('POST', '/api/tokens', { on: own, token, body: { type: 'personal' } });
    own.advance(1);
    await call('POST', '/api/tokens', {
      on: own,
      token,
      body: { type: 'assistant', assistantId: 'assistant-123' },
    });

    const { json } = await call('GET', `/api/tokens?${query}`, { on: own, token });

    const found = json._embedded['inf:token'].map(({ type }: { type: string }) => type);
    expect(found.sort()).toEqual(types);
    expect(json.count).toBe(types.length);
  });

  it('is dead at once when it is deleted, and gone', async () => {
    const made = (await create()).json;

    const before = await server.introspect(made.token);
    const deleted = await replay(server.base, `DELETE /api/tokens/${made.id} HTTP/1.1`, bearer());
    const after = await server.introspect(made.token);
    const again = await call('DELETE', `/api/tokens/${made.id}`);

    expect(before.active).toBe(true);
    expect([deleted.status, deleted.text]).toEqual([204, '']);
    expect(after).toEqual({ active: false, guest_reason: 'revoked' });
    expect([again.status, again.json.error]).toEqual([404, 'Not Found']);
    expect((await call('GET', `/api/tokens/${made.id}`)).status).toBe(404);
  });

  it('is not shown when another product made it', async () => {
    const other = await send(`${server.base}/api/v1/guest-token/create`, {
      token: apiKey,
      body: { clientId: 'id', workspaceName: 'workspacename' },
    });

    const answer = await call('GET', `/api/tokens/${other.headers.get('x-guest-token-id')}`);

    expect(answer.status).toBe(404);
  });

  it('of a person dies with the person', async () => {
    const own = await startFor();
    const token = await tokenOf(own, 'ada.admin', 'ada_password');
    const made = await call('POST', '/api/tokens', { on: own, token, body: { type: 'personal' } });
    const before = await own.introspect(made.json.token);
    const found = await own.services.registry.findUserByLogin('acme', 'ada.admin');

    await own.services.registry.updateUser('acme', found?.user.id ?? '', (user) => ({
      ...user,
      enabled: false,
    }));

    expect(before).toMatchObject({ active: true, exp: before.iat + 2_592_000, guest_id: found?.user.id });
    expect((await own.introspect(made.json.token)).active).toBe(false);
  });

  it.each<[string, unknown]>([
    ['no JSON', '{'],
    ['no type', { reportId: report }],
    ['a type without its thing', { type: 'report' }],
    ['a type of nothing', { type: 'other' }],
    ['an unknown report', { type: 'report', reportId: 'other' }],
    ['an unknown field', { type: 'report', reportId: report, extra: 1 }],
    ['a restriction without its network', { type: 'report', reportId: report, restrict: 'cidr' }],
    ['a network without a restriction', { type: 'report', reportId: report, cidr: '10.0.0.0/8' }],
    [
      'the network of another restriction',
      { type: 'report', reportId: report, restrict: 'host', cidr: '10.0.0.0/8' },
    ],
    ['a network that is none', { type: 'report', reportId: report, restrict: 'cidr', cidr: '10.0.0.0/99' }],
    ['an unknown restriction', { type: 'report', reportId: report, restrict: 'planet' }],
  ])('is refused for %s', async (_name, body) => {
    const answer = await call('POST', '/api/tokens', { body });

    expect([answer.status, Object.keys(answer.json), answer.json.error]).toEqual([
      400,
      ['statusCode', 'error', 'message'],
      'Bad Request',
    ]);
  });
});
