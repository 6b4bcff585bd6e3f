import { describe, expect, it } from 'vitest';
import { postForm } from '../support/http.ts';
import { useServer } from '../support/use-server.ts';
import { admins, head, tenant } from './support.ts';

const mints = { apis: ['analytics'], types: ['dashboard'], actions: ['view'], maxTtl: 3600 };

function withMinter() {
  const base = tenant('acme');
  const minter = { id: 'embedder', secret: 'embedder-secret', grants: ['client_credentials'], mints };
  return { ...base, clients: [...base.clients, minter] };
}

const server = useServer({ realms: [head, withMinter()] });
const path = '/realms/acme/guest-tokens';

async function mint(tenantName: string, subject = 'u1') {
  const response = await fetch(`${server.issuer('acme')}/guest-tokens`, {
    method: 'POST',
    headers: {
      Authorization: `Basic ${btoa('embedder:embedder-secret')}`,
      'Content-Type': 'application/json',
    },
    body: JSON.stringify({
      subject: { tenant: tenantName, id: subject },
      resources: [
        { type: 'dashboard', id: 'sales', actions: ['view'], rows: { col: 'a', op: 'eq', value: 1 } },
      ],
      lifetime: { ttl: 600 },
    }),
  });
  return (await response.json()) as { id: string; token: string };
}

async function isActive(token: string) {
  const url = server.endpoint('acme', 'token/introspect');
  return (await postForm(url, { token }, { auth: ['gateway', 'gateway-secret'] })).json.active;
}

describe('guest tokens by the admin API', () => {
  it('are found by tenant or client, read and revoked', async () => {
    const call = await admins(server, 'acme', 'realm-admin');
    const one = await mint('green');
    const two = await mint('green', 'u2');
    expect(await isActive(one.token)).toBe(true);

    const listed = await call({ path: `${path}?tenant=green` });
    expect(listed.body.items.map(({ id }: { id: string }) => id).sort()).toEqual([one.id, two.id].sort());
    const ofSubject = await call({ path: `${path}?client=embedder&subject=u2` });
    expect(ofSubject.body.items).toMatchObject([{ id: two.id, state: 'active', client: 'embedder' }]);
    expect(JSON.stringify([listed.body, ofSubject.body])).not.toContain(one.token);

    expect((await call({ method: 'DELETE', path: `${path}/${one.id}` })).body).toEqual({ revoked: [one.id] });
    expect((await call({ path: `${path}/${one.id}` })).body.state).toBe('revoked');
    expect([await isActive(one.token), await isActive(two.token)]).toEqual([false, true]);
    const { body } = await call({ path: `${path}/${one.id}/events` });
    expect(body.events.map(({ event }: { event: string }) => event)).toContain('guest.revoked');
  });

  it('are shown and revoked by their value too, each realm its own', async () => {
    const call = await admins(server, 'acme', 'realm-admin');
    const { id, token } = await mint('blue', 'by-value');
    // The key must not bring an old answer back.
    const headers = { 'Idempotency-Key': 'a-key' };
    const introspect = () =>
      call({ method: 'POST', path: '/realms/acme/tokens/introspect', body: { token }, headers });
    const elsewhere = '/realms/daypass-admin/tokens/introspect';

    expect((await introspect()).body).toMatchObject({ active: true, id });
    expect((await call({ method: 'POST', path: elsewhere, body: { token } })).status).toBe(401);

    const revoke = { method: 'POST', path: '/realms/acme/tokens/revoke', body: { token } };
    expect((await call(revoke)).body).toEqual({ revoked: true });
    expect((await introspect()).body).toEqual({ active: false });
    expect(await isActive(token)).toBe(false);
    expect(await call({ ...revoke, body: { token: 'dpg_unknown' } })).toMatchObject({ status: 404 });
    expect(await call({ ...revoke, body: { token: 'x'.repeat(16_385) } })).toMatchObject({ status: 400 });
  });

  it('are cut by one selector, and nothing else is', async () => {
    const call = await admins(server, 'acme', 'realm-admin');
    const [blue, red] = [await mint('blue'), await mint('red')];

    const done = await call({ method: 'POST', path: `${path}/revoke`, body: { tenant: 'blue' } });

    expect([done.status, done.body.cut]).toEqual([200, { tenant: 'blue' }]);
    expect([await isActive(blue.token), await isActive(red.token)]).toEqual([false, true]);
    const both = await call({ method: 'POST', path: `${path}/revoke`, body: { tenant: 'red', label: 'x' } });
    expect(both.status).toBe(400);
    expect(await isActive(red.token)).toBe(true);
  });

  it('are seen by the help desk, and not changed', async () => {
    const call = await admins(server, 'acme', 'support');
    const { id } = await mint('yellow');

    expect((await call({ path: `${path}/${id}` })).status).toBe(200);
    expect((await call({ method: 'PATCH', path: `${path}/${id}`, body: {} })).status).toBe(403);
    expect((await call({ method: 'DELETE', path: `${path}/${id}` })).status).toBe(200);
  });
});
