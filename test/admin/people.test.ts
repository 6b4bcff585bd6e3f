import { describe, expect, it } from 'vitest';
import { postForm } from '../support/http.ts';
import { useServer } from '../support/use-server.ts';
import { admins, head, tenant } from './support.ts';

const server = useServer({ realms: [head, tenant('acme')] });

const users = '/realms/acme/users';

function login(username: string, password: string) {
  const form = { grant_type: 'password', client_id: 'dc-ui', username, password, scope: 'openid' };
  return postForm(server.endpoint('acme', 'token'), form);
}

async function ownAdmin() {
  return admins(server, 'acme', 'realm-admin');
}

describe('people by the admin API', () => {
  it('are created, found, changed, and removed with all that they hold', async () => {
    const call = await ownAdmin();
    const body = {
      username: 'Erika.M',
      email: 'erika@acme.test',
      password: 'erika_password',
      roles: ['analyst'],
    };

    const created = await call({ method: 'POST', path: users, body });
    expect(created.status).toBe(201);
    expect(created.body).toMatchObject({ username: 'Erika.M', roles: ['analyst'], hasPassword: true });
    expect(JSON.stringify(created.body)).not.toMatch(/argon2|erika_password/);
    const path = `${users}/${created.body.id}`;
    expect(created.headers.get('Location')).toBe(`${server.url}/admin/v1${path}`);

    const { json: tokens } = await login('erika@acme.test', 'erika_password');
    expect(tokens.access_token).toBeTypeOf('string');

    const changed = await call({
      method: 'PATCH',
      path,
      body: { name: 'Erika', attributes: { region: 'south' } },
      headers: { 'If-Match': created.etag },
    });
    expect([changed.status, changed.body.name, changed.body.attributes]).toEqual([
      200,
      'Erika',
      { region: 'south' },
    ]);

    const removed = await call({ method: 'DELETE', path, headers: { 'If-Match': changed.etag } });
    expect(removed.status).toBe(200);
    expect((await call({ path })).status).toBe(404);
    const gateway = { auth: ['gateway', 'gateway-secret'] as const };
    const asked = await postForm(
      server.endpoint('acme', 'token/introspect'),
      { token: tokens.access_token },
      gateway,
    );
    expect(asked.json).toEqual({ active: false });
  });

  it('are found by how a name or address begins, a page at a time, each once', async () => {
    const call = await ownAdmin();
    for (const name of ['zoe.a', 'zoe.b', 'ZOE.c', 'zo']) {
      const email = name === 'zoe.b' ? { email: 'zoe.b@acme.test' } : {};
      expect((await call({ method: 'POST', path: users, body: { username: name, ...email } })).status).toBe(
        201,
      );
    }

    const found: string[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const more: string = cursor === '' ? '' : `&cursor=${cursor}`;
      const { body } = await call({ path: `${users}?search=Zoe&limit=2${more}` });
      found.push(...body.items.map(({ username }: { username: string }) => username));
      cursor = body.next;
    }

    expect(found).toEqual(['zoe.a', 'zoe.b', 'ZOE.c']);
    expect((await call({ path: `${users}?search=nobody` })).body).toEqual({ items: [], next: null });
  });

  it('tells where a body is wrong', async () => {
    const call = await ownAdmin();

    const unknown = await call({ method: 'POST', path: users, body: { username: 'x', roles: ['analyzt'] } });
    const short = await call({ method: 'POST', path: users, body: { username: 'x', password: 'short' } });
    const shape = await call({ method: 'POST', path: users, body: { username: 5, colour: 'red' } });

    expect([unknown.status, unknown.body.errors]).toEqual([
      400,
      [
        {
          pointer: '/roles/0',
          code: 'invalid_request',
          detail: expect.stringContaining('did you mean "analyst"'),
        },
      ],
    ]);
    expect([short.status, short.body.errors[0].pointer]).toEqual([400, '/password']);
    expect([
      shape.status,
      shape.body.errors.map(({ pointer }: { pointer: string }) => pointer).sort(),
    ]).toEqual([400, ['/colour', '/username']]);
  });

  it('get a new password, which ends their sessions and their lock', async () => {
    const call = await ownAdmin();
    const { body: user } = await call({
      method: 'POST',
      path: users,
      body: { username: 'paul', password: 'paul_password' },
    });
    const path = `${users}/${user.id}`;
    const { json: before } = await login('paul', 'paul_password');
    for (let tries = 0; tries < 10; tries += 1) await login('paul', 'wrong_password');
    expect((await call({ path })).body.lockedFor).toBeGreaterThan(0);

    const set = await call({
      method: 'POST',
      path: `${path}/password`,
      body: { password: 'another_password' },
    });

    expect(set.status).toBe(200);
    expect((await call({ path })).body).not.toHaveProperty('lockedFor');
    expect((await login('paul', 'paul_password')).status).toBe(400);
    expect((await login('paul', 'another_password')).status).toBe(200);
    const refresh = { grant_type: 'refresh_token', client_id: 'dc-ui', refresh_token: before.refresh_token };
    expect((await postForm(server.endpoint('acme', 'token'), refresh)).status).toBe(400);
  });

  it('choose a password by a link, once', async () => {
    const call = await ownAdmin();
    const { body: user } = await call({ method: 'POST', path: users, body: { username: 'nora' } });

    const made = await call({
      method: 'POST',
      path: `${users}/${user.id}/password-link`,
      body: { expiresIn: 600 },
    });
    expect(made.status).toBe(201);
    const { link } = made.body;
    const page = await (await fetch(link)).text();
    const csrf = /name="csrf" value="([^"]+)"/.exec(page)?.[1] ?? '';
    const choose = (password: string, repeated = password) =>
      postForm(link, { csrf, new_password: password, repeat_password: repeated });

    expect((await choose('nora_password', 'other_password')).status).toBe(400);
    expect((await choose('short')).status).toBe(400);
    expect((await choose('nora_password')).status).toBe(303);
    expect((await login('nora', 'nora_password')).status).toBe(200);
    expect((await choose('nora_password2')).status).toBe(404);
    expect((await fetch(link)).status).toBe(404);
  });

  it('get no link while they are disabled, and a link dies with them', async () => {
    const call = await ownAdmin();
    const { body: user, etag } = await call({ method: 'POST', path: users, body: { username: 'olga' } });
    const path = `${users}/${user.id}`;
    const made = await call({ method: 'POST', path: `${path}/password-link`, body: {} });
    expect((await fetch(made.body.link)).status).toBe(200);

    await call({ method: 'PATCH', path, body: { enabled: false }, headers: { 'If-Match': etag } });

    expect((await fetch(made.body.link)).status).toBe(404);
    expect((await call({ method: 'POST', path: `${path}/password-link`, body: {} })).status).toBe(409);
  });

  it('have sessions that are listed and ended', async () => {
    const call = await ownAdmin();
    const { body: user } = await call({
      method: 'POST',
      path: users,
      body: { username: 'sam', password: 'sam_password' },
    });
    const { json: tokens } = await login('sam', 'sam_password');

    const listed = await call({ path: `/realms/acme/sessions?user=${user.id}` });
    expect(listed.body.items).toMatchObject([{ user: user.id, clients: ['dc-ui'] }]);
    const [session] = listed.body.items;
    expect((await call({ path: `/realms/acme/sessions/${session.id}` })).body).toEqual(session);
    const ended = await call({ method: 'DELETE', path: `/realms/acme/sessions/${session.id}` });

    expect(ended.body).toEqual({ ended: [session.id] });
    expect((await call({ path: `/realms/acme/users/${user.id}/sessions` })).body.items).toEqual([]);
    const refresh = { grant_type: 'refresh_token', client_id: 'dc-ui', refresh_token: tokens.refresh_token };
    expect((await postForm(server.endpoint('acme', 'token'), refresh)).status).toBe(400);
  });
});
