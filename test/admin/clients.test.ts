import { describe, expect, it } from 'vitest';
import { postForm } from '../support/http.ts';
import { useServer } from '../support/use-server.ts';
import { admins, head, tenant } from './support.ts';

const server = useServer({ realms: [head, tenant('acme')] });

const clients = '/realms/acme/clients';

function token(id: string, secret: string) {
  return postForm(
    server.endpoint('acme', 'token'),
    { grant_type: 'client_credentials' },
    { auth: [id, secret] },
  );
}

async function ownAdmin() {
  return admins(server, 'acme', 'realm-admin');
}

describe('clients by the admin API', () => {
  it('are made with a secret that is shown once', async () => {
    const call = await ownAdmin();

    const body = { id: 'billing', grants: ['client_credentials'], roles: ['engine'] };
    const created = await call({ method: 'POST', path: clients, body });

    expect(created.status).toBe(201);
    expect(created.body).toMatchObject({
      id: 'billing',
      hasSecret: true,
      secret: expect.stringMatching(/^dpc_/),
    });
    expect((await token('billing', created.body.secret)).status).toBe(200);
    const shown = await call({ path: `${clients}/billing` });
    expect(shown.body).not.toHaveProperty('secret');
    expect(shown.etag).toBe(created.etag);
    expect((await call({ method: 'POST', path: clients, body })).status).toBe(409);
  });

  it('get a new secret, and the old one counts for a while', async () => {
    const call = await ownAdmin();
    const made = await call({
      method: 'POST',
      path: clients,
      body: { id: 'r', grants: ['client_credentials'] },
    });
    const old: string = made.body.secret;

    const rotated = await call({ method: 'POST', path: `${clients}/r/secret`, body: { overlap: 3600 } });

    expect([rotated.status, rotated.body.previousSecretUntil]).toEqual([201, expect.any(String)]);
    expect((await token('r', rotated.body.secret)).status).toBe(200);
    expect((await token('r', old)).status).toBe(200);
    const path = `${clients}/r/secret/previous`;
    expect((await call({ method: 'DELETE', path, headers: { 'If-Match': rotated.etag } })).status).toBe(200);
    expect((await token('r', old)).status).toBe(401);
    expect((await token('r', rotated.body.secret)).status).toBe(200);
  });

  it('are disabled, enabled and removed, at once', async () => {
    const call = await ownAdmin();
    const made = await call({
      method: 'POST',
      path: clients,
      body: { id: 'off', grants: ['client_credentials'] },
    });
    const path = `${clients}/off`;
    const { json } = await token('off', made.body.secret);
    const introspect = async () =>
      (
        await postForm(
          server.endpoint('acme', 'token/introspect'),
          { token: json.access_token },
          { auth: ['gateway', 'gateway-secret'] },
        )
      ).json.active;
    expect(await introspect()).toBe(true);

    const patch = (enabled: boolean, etag: string) =>
      call({ method: 'PATCH', path, body: { enabled }, headers: { 'If-Match': etag } });
    const disabled = await patch(false, made.etag);
    expect(await introspect()).toBe(false);
    expect((await token('off', made.body.secret)).status).toBe(401);
    const enabled = await patch(true, disabled.etag);
    expect((await token('off', made.body.secret)).status).toBe(200);
    expect(await introspect()).toBe(false);

    expect((await call({ method: 'DELETE', path })).status).toBe(428);
    expect((await call({ method: 'DELETE', path, headers: { 'If-Match': enabled.etag } })).status).toBe(200);
    expect((await token('off', made.body.secret)).status).toBe(401);
    expect((await call({ path })).status).toBe(404);
  });

  it('that a realm file could not have are refused, with the place', async () => {
    const call = await ownAdmin();
    const made = await call({
      method: 'POST',
      path: clients,
      body: { id: 'good', grants: ['client_credentials'] },
    });

    const fragment = await call({
      method: 'PATCH',
      path: `${clients}/good`,
      body: { redirectUris: ['https://app.example.com/cb#x'] },
      headers: { 'If-Match': made.etag },
    });
    const ciba = await call({
      method: 'POST',
      path: clients,
      body: { id: 'till', grants: ['urn:openid:params:grant-type:ciba'] },
    });

    expect([fragment.status, fragment.body.errors[0].pointer]).toEqual([400, '/redirectUris/0']);
    expect([ciba.status, ciba.body.errors[0].pointer]).toEqual([400, '/grants/0']);
  });

  it('tell what their tokens would be', async () => {
    const call = await ownAdmin();

    const { body } = await call({ path: `${clients}/ds-engine/preview` });

    expect(body.apis).toMatchObject([
      { api: 'analytics', format: 'opaque', ttl: 1800, own: ['reports:read', 'python:execute'] },
      { api: 'warehouse', format: 'jwt', own: ['warehouse:query'] },
      { api: 'daypass', own: [] },
    ]);
  });

  it('are made once per Idempotency-Key, and the answer is the same', async () => {
    const call = await ownAdmin();
    const body = { id: 'once', grants: ['client_credentials'] };
    const headers = { 'Idempotency-Key': 'a-key' };

    const first = await call({ method: 'POST', path: clients, body, headers });
    const again = await call({ method: 'POST', path: clients, body, headers });
    const other = await call({ method: 'POST', path: clients, body: { ...body, id: 'twice' }, headers });

    expect([again.status, again.body]).toEqual([201, first.body]);
    expect(other.status).toBe(409);
  });
});

describe('a change by two administrators at once', () => {
  it('is won by one of them', async () => {
    const call = await ownAdmin();
    const { etag } = await call({ path: `${clients}/portal` });

    const answers = await Promise.all(
      ['one', 'two', 'three'].map((clientName) =>
        call({
          method: 'PATCH',
          path: `${clients}/portal`,
          body: { clientName },
          headers: { 'If-Match': etag },
        }),
      ),
    );

    expect(answers.map(({ status }) => status).sort()).toEqual([200, 412, 412]);
    const won = answers.find(({ status }) => status === 200);
    expect((await call({ path: `${clients}/portal` })).body.clientName).toBe(won?.body.clientName);
  });
});
