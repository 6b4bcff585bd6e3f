import { describe, expect, it } from 'vitest';
import { useServer } from '../support/use-server.ts';
import { admins, callerWith, head, tenant } from './support.ts';

const server = useServer({ realms: [head, tenant('acme'), tenant('globex')] });

describe('realms by the admin API', () => {
  it('are created, shown, changed and removed', async () => {
    const root = await admins(server, head.name, 'root');

    const created = await root({
      method: 'POST',
      path: '/realms',
      body: { name: 'initech', displayName: 'Initech' },
    });
    expect(created.status).toBe(201);
    expect(created.headers.get('Location')).toBe(`${server.url}/admin/v1/realms/initech`);
    expect(created.body).toMatchObject({ name: 'initech', enabled: true, profile: 'strict' });

    const shown = await root({ path: '/realms/initech' });
    expect([shown.status, shown.body, shown.etag]).toEqual([200, created.body, created.etag]);

    const patch = { displayName: null, lifetimes: { accessToken: 600 } };
    const changed = await root({
      method: 'PATCH',
      path: '/realms/initech',
      body: patch,
      headers: { 'If-Match': shown.etag },
    });
    expect(changed.status).toBe(200);
    expect(changed.body.lifetimes).toMatchObject({ accessToken: 600, sessionIdle: 86_400 });
    expect(changed.body).not.toHaveProperty('displayName');

    const removed = await root({
      method: 'DELETE',
      path: '/realms/initech',
      headers: { 'If-Match': changed.etag },
    });
    expect([removed.status, removed.body]).toEqual([
      200,
      { removed: 'initech', isCleared: true, effect: expect.stringMatching(/^Dead now/) },
    ]);
    expect((await root({ path: '/realms/initech' })).status).toBe(404);
  });

  it('refuses a change without the version it changes, or of an older one', async () => {
    const root = await admins(server, head.name, 'root');
    const change = { method: 'PATCH', path: '/realms/acme', body: { displayName: 'A' } };
    const { etag } = await root({ path: '/realms/acme' });

    expect((await root(change)).status).toBe(428);
    expect((await root({ ...change, headers: { 'If-Match': etag } })).status).toBe(200);
    const late = await root({ ...change, body: { displayName: 'B' }, headers: { 'If-Match': etag } });

    expect([late.status, late.body.code]).toEqual([412, 'precondition_failed']);
    expect((await root({ path: '/realms/acme' })).body.displayName).toBe('A');
  });

  it('are seen by their own administrators, and no others', async () => {
    const own = await admins(server, 'acme', 'realm-admin');

    expect((await own({ path: '/realms/acme' })).status).toBe(200);
    expect((await own({ path: '/realms/globex' })).status).toBe(401);
    expect((await own({ path: '/realms' })).status).toBe(401);
    expect((await callerWith(server, '')({ path: '/realms/acme' })).status).toBe(401);
  });
});
