/** Two processes on one Redis: what an administrator changes at one is in force at the other, and Redis decides. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { postForm } from '../support/http.ts';
import { type ServerProcess, startServerProcess } from '../support/process.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { callerWith, head, tenant } from './support.ts';

let redis: RedisServer;
let first: ServerProcess;
let second: ServerProcess;
let token: string;

beforeAll(async () => {
  redis = await startRedis({ appendonly: true });
  const shared = { store: redis.url, publicUrl: 'http://127.0.0.1:3999', realms: [head, tenant('acme')] };
  first = await startServerProcess(shared);
  second = await startServerProcess(shared);
  const form = { grant_type: 'client_credentials', resource: 'urn:daypass:admin' };
  const answer = await postForm(first.endpoint(head.name, 'token'), form, { auth: ['root', 'root-secret'] });
  token = answer.json.access_token;
});

afterAll(async () => {
  await first?.stop();
  await second?.stop();
  await redis?.stop();
});

const at = (server: ServerProcess) => callerWith(server, token);

function serviceToken(server: ServerProcess, id: string, secret: string, more: Record<string, string> = {}) {
  const form = { grant_type: 'client_credentials', ...more };
  return postForm(server.endpoint('acme', 'token'), form, { auth: [id, secret] });
}

describe('a change at one process', () => {
  it('is in force at the other: a client made, changed, given a new secret, disabled, removed', async () => {
    const call = at(first);
    const body = { id: 'moves', grants: ['client_credentials'], roles: ['engine'] };
    const made = await call({ method: 'POST', path: '/realms/acme/clients', body });
    const secret: string = made.body.secret;
    await expect.poll(async () => (await serviceToken(second, 'moves', secret)).status).toBe(200);

    const path = '/realms/acme/clients/moves';
    const narrower = { permissions: ['analytics:reports:read'] };
    const changed = await call({ method: 'PATCH', path, body: narrower, headers: { 'If-Match': made.etag } });
    await expect
      .poll(async () => (await serviceToken(second, 'moves', secret)).json.scope)
      .toBe('reports:read');

    const rotated = await call({ method: 'POST', path: `${path}/secret`, body: {} });
    await expect.poll(async () => (await serviceToken(second, 'moves', secret)).status).toBe(401);
    const { json } = await serviceToken(second, 'moves', rotated.body.secret);

    expect(changed.etag).not.toBe(rotated.etag);
    const off = await call({ method: 'PATCH', path, body: { enabled: false }, headers: { 'If-Match': '*' } });
    const asked = await postForm(
      second.endpoint('acme', 'token/introspect'),
      { token: json.access_token },
      { auth: ['gateway', 'gateway-secret'] },
    );
    expect(asked.json).toEqual({ active: false });
    await call({ method: 'DELETE', path, headers: { 'If-Match': off.etag } });
    expect((await at(second)({ path })).status).toBe(404);
  });

  it('is read at the other at once, with its version', async () => {
    const path = '/realms/acme/clients/portal';
    const before = await at(second)({ path });
    const change = {
      method: 'PATCH',
      path,
      body: { clientName: 'One' },
      headers: { 'If-Match': before.etag },
    };
    const changed = await at(first)(change);
    const late = { ...change, body: { clientName: 'Two' } };

    expect((await at(second)({ path })).etag).toBe(changed.etag);
    expect((await at(second)(late)).status).toBe(412);
  });

  it('takes a permission from an administrator at the other', async () => {
    const own = await serviceToken(second, 'realm-admin', 'realm-admin-secret', {
      resource: 'urn:daypass:admin',
    });
    const admin = callerWith(second, own.json.access_token);
    expect((await admin({ path: '/realms/acme/users' })).status).toBe(200);

    const path = '/realms/acme/roles/realm-admin';
    const { etag } = await at(first)({ path });
    const fewer = { permissions: ['daypass:clients:read'] };
    await at(first)({ method: 'PATCH', path, body: fewer, headers: { 'If-Match': etag } });

    await expect.poll(async () => (await admin({ path: '/realms/acme/users' })).status).toBe(403);
    expect((await admin({ path: '/realms/acme/clients' })).status).toBe(200);
  });

  it('of one thing by many calls at both is won once', async () => {
    const path = '/realms/acme/clients/gateway';
    const { etag } = await at(first)({ path });
    const calls = Array.from({ length: 20 }, (_, index) =>
      at(index % 2 === 0 ? first : second)({
        method: 'PATCH',
        path,
        body: { clientName: `name ${index}` },
        headers: { 'If-Match': etag },
      }),
    );

    const statuses = (await Promise.all(calls)).map(({ status }) => status);

    expect(statuses.filter((status) => status === 200)).toHaveLength(1);
    expect(statuses.filter((status) => status === 412)).toHaveLength(19);
  });
});

describe('without Redis', () => {
  it('every call is 503, and nothing is let in', async () => {
    await redis.stop();

    const calls = [
      at(first)({ path: '/realms/acme/clients' }),
      at(first)({ method: 'POST', path: '/realms/acme/users', body: { username: 'nobody' } }),
      callerWith(first, 'dpa_wrong')({ path: '/realms/acme/clients' }),
    ];

    for (const { status, headers, body } of await Promise.all(calls)) {
      expect([status, headers.has('Retry-After'), body.code]).toEqual([503, true, 'temporarily_unavailable']);
    }
  });
});
