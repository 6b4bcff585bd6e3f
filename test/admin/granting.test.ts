/** Nobody grants what they do not have, and nobody takes the ground from under themselves. */
import { describe, expect, it } from 'vitest';
import { useServer } from '../support/use-server.ts';
import { admins, adminToken, callerWith, everyAdminPermission, head, tenant } from './support.ts';

const desk = [
  'users:read',
  'users:write',
  'users:credentials',
  'clients:write',
  'clients:read',
  'realm:write',
  'realm:read',
];

function withDesk() {
  const base = tenant('acme');
  return {
    ...base,
    roles: [
      ...base.roles,
      { name: 'desk', permissions: desk.map((one) => `daypass:${one}`) },
      { name: 'second', permissions: everyAdminPermission },
    ],
    clients: [
      ...base.clients,
      { id: 'desk', secret: 'desk-secret', grants: ['client_credentials'], roles: ['desk'] },
      { id: 'second', secret: 'second-secret', grants: ['client_credentials'], roles: ['second'] },
    ],
    users: [{ username: 'boss', password: 'boss_password', roles: ['realm-admin'] }],
  };
}

const server = useServer({ realms: [head, withDesk()] });
const acme = '/realms/acme';

async function boss() {
  const root = await admins(server, head.name, 'root');
  const { body } = await root({ path: `${acme}/users?search=boss` });
  return body.items[0];
}

describe('an administrator with a part of the permissions', () => {
  it('gives nobody a role that gives more', async () => {
    const call = await admins(server, 'acme', 'desk');

    const user = await call({
      method: 'POST',
      path: `${acme}/users`,
      body: { username: 'x', roles: ['realm-admin'] },
    });
    const client = await call({
      method: 'POST',
      path: `${acme}/clients`,
      body: { id: 'x', grants: ['client_credentials'], roles: ['realm-admin'] },
    });
    const own = await call({
      method: 'POST',
      path: `${acme}/users`,
      body: { username: 'y', roles: ['desk'] },
    });

    expect([user.status, user.body.code]).toEqual([403, 'access_denied']);
    expect(client.status).toBe(403);
    expect(own.status).toBe(201);
  });

  it('makes no role that gives more, and no own role wider', async () => {
    const call = await admins(server, 'acme', 'desk');
    const more = { name: 'more', permissions: ['daypass:keys:rotate'] };
    const { etag } = await call({ path: `${acme}/roles/desk` });
    const headers = { 'If-Match': etag };

    expect((await call({ method: 'POST', path: `${acme}/roles`, body: more })).status).toBe(403);
    const path = `${acme}/roles/desk`;
    expect((await call({ method: 'PATCH', path, body: { includes: ['second'] }, headers })).status).toBe(403);
    const ofData = { name: 'reports', permissions: ['analytics:reports:write'] };
    expect((await call({ method: 'POST', path: `${acme}/roles`, body: ofData })).status).toBe(201);
  });

  it('becomes nobody who may more, by password, link or secret', async () => {
    const call = await admins(server, 'acme', 'desk');
    const { id } = await boss();
    const user = `${acme}/users/${id}`;
    const { etag } = await call({ path: user });
    const headers = { 'If-Match': etag };
    const password = { password: 'another_password' };

    expect((await call({ method: 'POST', path: `${user}/password`, body: password })).status).toBe(403);
    expect((await call({ method: 'POST', path: `${user}/password-link`, body: {} })).status).toBe(403);
    expect((await call({ method: 'PATCH', path: user, body: password, headers })).status).toBe(403);
    expect((await call({ method: 'DELETE', path: user, headers })).status).toBe(403);
    expect((await call({ method: 'POST', path: `${acme}/clients/second/secret`, body: {} })).status).toBe(
      403,
    );
  });
});

describe('an administrator', () => {
  it('does not end its own administration', async () => {
    const call = await admins(server, 'acme', 'second');
    const client = await call({ path: `${acme}/clients/second` });
    const role = await call({ path: `${acme}/roles/second` });
    const realm = await call({ path: acme });

    const tries = await Promise.all([
      call({ method: 'DELETE', path: `${acme}/clients/second`, headers: { 'If-Match': client.etag } }),
      call({
        method: 'PATCH',
        path: `${acme}/clients/second`,
        body: { enabled: false },
        headers: { 'If-Match': client.etag },
      }),
      call({
        method: 'PATCH',
        path: `${acme}/clients/second`,
        body: { roles: [] },
        headers: { 'If-Match': client.etag },
      }),
      call({
        method: 'PATCH',
        path: `${acme}/roles/second`,
        body: { permissions: [] },
        headers: { 'If-Match': role.etag },
      }),
      call({ method: 'PATCH', path: acme, body: { enabled: false }, headers: { 'If-Match': realm.etag } }),
    ]);

    expect(tries.map(({ status }) => status)).toEqual([409, 409, 409, 409, 409]);
  });

  it('and another who remove one another at once are not both gone', async () => {
    const root = await admins(server, head.name, 'root');
    for (let round = 0; round < 5; round += 1) {
      const names = [`a${round}`, `b${round}`] as const;
      for (const id of names) {
        const body = { id, secret: `${id}-secret`, grants: ['client_credentials'], roles: ['second'] };
        expect((await root({ method: 'POST', path: `${acme}/clients`, body })).status).toBe(201);
      }
      const calls = await Promise.all(
        names.map(async (id) => callerWith(server, await adminToken(server, 'acme', id))),
      );
      const others = [names[1], names[0]];
      const answers = await Promise.all(
        calls.map((call, at) =>
          call({ method: 'DELETE', path: `${acme}/clients/${others[at]}`, headers: { 'If-Match': '*' } }),
        ),
      );

      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    }
  });
});
