import { describe, expect, it } from 'vitest';
import { useServer } from '../support/use-server.ts';
import { admins, head, tenant } from './support.ts';

const server = useServer({ realms: [head, tenant('acme')] });
const path = '/realms/acme/compat';

async function own() {
  return admins(server, 'acme', 'realm-admin');
}

type Call = Awaited<ReturnType<typeof own>>;

async function databrainKey(key: string) {
  const response = await fetch(`${server.issuer('acme')}/api/v2/guest-token/create`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' },
    body: JSON.stringify({ clientId: 'tenant-1', dataAppName: 'sales' }),
  });
  return response.status;
}

async function semaphorToken(dashboard: string, secret: string) {
  const response = await fetch(`${server.issuer('acme')}/api/v1/token`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ dashboardId: dashboard, dashboardSecret: secret }),
  });
  return response.status;
}

const etagOf = async (call: Call, product: string) => (await call({ path: `${path}/${product}` })).etag;

describe('embed products by the admin API', () => {
  it('DataBrain: keys of a data app are made, shown once, and removed', async () => {
    const call = await own();
    const created = await call({
      method: 'PUT',
      path: `${path}/databrain`,
      body: { dataApps: [{ name: 'sales' }] },
    });
    expect(created.status).toBe(201);

    const made = await call({ method: 'POST', path: `${path}/databrain/dataApps/sales/apiKeys` });
    expect([made.status, await databrainKey(made.body.secret)]).toEqual([201, 200]);
    const shown = await call({ path: `${path}/databrain` });
    expect(shown.body.dataApps).toEqual([{ name: 'sales', apiKeys: [made.body.id] }]);
    expect(JSON.stringify(shown.body)).not.toContain(made.body.secret);

    const key = `${path}/databrain/dataApps/sales/apiKeys/${made.body.id}`;
    expect((await call({ method: 'DELETE', path: key })).status).toBe(428);
    const headers = { 'If-Match': shown.etag };
    expect((await call({ method: 'DELETE', path: key, headers })).status).toBe(200);
    expect(await databrainKey(made.body.secret)).toBe(401);
  });

  it('Semaphor: dashboards are added, get new secrets, and are removed', async () => {
    const call = await own();
    await call({ method: 'PUT', path: `${path}/semaphor`, body: {} });

    const added = await call({ method: 'POST', path: `${path}/semaphor/dashboards`, body: { id: 'd_1' } });
    expect([added.status, await semaphorToken('d_1', added.body.secret)]).toEqual([201, 200]);
    const rotated = await call({ method: 'POST', path: `${path}/semaphor/dashboards/d_1/secret` });
    expect(await semaphorToken('d_1', added.body.secret)).not.toBe(200);
    expect(await semaphorToken('d_1', rotated.body.secret)).toBe(200);

    const headers = { 'If-Match': await etagOf(call, 'semaphor') };
    expect((await call({ method: 'DELETE', path: `${path}/semaphor/dashboards/d_1`, headers })).status).toBe(
      200,
    );
    expect(await semaphorToken('d_1', rotated.body.secret)).not.toBe(200);
  });

  it('keep their keys when what was shown is sent back, and refuse a hidden key that is none', async () => {
    const call = await own();
    await call({ method: 'PUT', path: `${path}/semaphor`, body: {}, headers: { 'If-Match': '*' } });
    const added = await call({ method: 'POST', path: `${path}/semaphor/dashboards`, body: { id: 'd_2' } });
    const shown = await call({ path: `${path}/semaphor` });
    const [dashboard] = shown.body.dashboards;
    expect(dashboard.secret).toMatch(/^hidden:/);

    const change = { dashboards: [{ ...dashboard, project: 'p_1' }] };
    const headers = { 'If-Match': shown.etag };
    const changed = await call({ method: 'PATCH', path: `${path}/semaphor`, body: change, headers });

    expect(changed.status).toBe(200);
    expect(await semaphorToken('d_2', added.body.secret)).toBe(200);
    const wrong = { dashboards: [{ id: 'd_2', secret: 'hidden:0123456789abcdef' }] };
    const refused = await call({
      method: 'PATCH',
      path: `${path}/semaphor`,
      body: wrong,
      headers: { 'If-Match': changed.etag },
    });
    expect(refused.status).toBe(400);
  });

  it('are disabled, and refused with the place of a fault', async () => {
    const call = await own();
    const informer = {
      reports: ['team:sales'],
      readPermission: 'analytics:reports:read',
      writePermission: 'analytics:reports:write',
    };
    const created = await call({ method: 'PUT', path: `${path}/informer`, body: informer });
    expect(created.status).toBe(201);
    const address = `${server.issuer('acme')}/api/tokens`;
    expect((await fetch(address)).status).toBe(401);

    const bad = await call({
      method: 'PATCH',
      path: `${path}/informer`,
      body: { readPermission: 'analytics:nothing' },
      headers: { 'If-Match': created.etag },
    });
    expect([bad.status, bad.body.errors[0].pointer]).toEqual([400, '/readPermission']);
    const off = { enabled: false };
    await call({
      method: 'PATCH',
      path: `${path}/informer`,
      body: off,
      headers: { 'If-Match': created.etag },
    });
    expect((await fetch(address)).status).toBe(404);
    expect((await call({ path: `${path}/superset` })).status).toBe(404);
  });
});
