/** RFC 7592: how registered clients look after themselves. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { postForm } from '../support/http.ts';
import { acme, gateway } from '../support/realms.ts';
import { app, callback, registrationAddress, sendJson } from '../support/registration.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

let server: TestServer;
beforeAll(async () => {
  const registration = { open: true, permissions: ['analytics:reports:read'] };
  server = await startTestServer({ realms: [acme({ name: 'open', registration })] });
});
afterAll(() => server?.stop());

const address = () => registrationAddress(server, 'open');
const register = (body: unknown = app) => sendJson('POST', address(), { body });
const send = (method: string, url: string, body?: unknown, token?: string) =>
  sendJson(method, url, { body, token });

describe('management', () => {
  it('reads the client back, its secret included', async () => {
    const { json } = await register();

    const answer = await send('GET', json.registration_client_uri, undefined, json.registration_access_token);

    expect(answer.status).toBe(200);
    expect(answer.json).toEqual({ ...json });
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  it('replaces what the client says of itself, takes effect at once, and keeps what the operator decided', async () => {
    const { json } = await register({ ...app, grant_types: ['client_credentials'], response_types: [] });
    const auth = [json.client_id, json.client_secret] as const;
    const { registry } = server.services;
    await registry.updateClient('open', json.client_id, (client) => ({
      ...client,
      roles: ['analyst'],
      accessTokenTtl: 77,
    }));
    const ask = () =>
      postForm(server.endpoint('open', 'token'), { grant_type: 'client_credentials' }, { auth });
    const before = await ask();

    const body = {
      client_id: json.client_id,
      client_secret: json.client_secret,
      redirect_uris: [callback],
      client_name: 'Renamed',
    };
    const updated = await send('PUT', json.registration_client_uri, body, json.registration_access_token);
    const after = await ask();

    expect(before.json).toMatchObject({ expires_in: 77, scope: 'reports:read' });
    expect(updated).toMatchObject({
      status: 200,
      json: { client_name: 'Renamed', grant_types: ['authorization_code'] },
    });
    expect(after).toMatchObject({ status: 400, json: { error: 'unauthorized_client' } });
    expect(await registry.findClient('open', json.client_id)).toMatchObject({
      roles: ['analyst'],
      accessTokenTtl: 77,
      grants: ['authorization_code'],
    });
  });

  it('lets a client give up its secret, and get one again', async () => {
    const { json } = await register();
    const url = json.registration_client_uri;
    const body = { client_id: json.client_id, redirect_uris: [callback] };

    const asPublic = await send(
      'PUT',
      url,
      { ...body, token_endpoint_auth_method: 'none' },
      json.registration_access_token,
    );
    const stored = await server.services.registry.findClient('open', json.client_id);
    const again = await send('PUT', url, body, json.registration_access_token);

    expect(asPublic.status).toBe(200);
    expect(stored).toMatchObject({ public: true });
    expect(stored).not.toHaveProperty('secret');
    expect(again.json.client_secret).toMatch(/^dpc_/);
    expect(again.json.client_secret).not.toBe(json.client_secret);
  });

  it('checks an update like a registration', async () => {
    const { json } = await register();
    const put = (body: object) =>
      send('PUT', json.registration_client_uri, body, json.registration_access_token);
    const same = { client_id: json.client_id, redirect_uris: [callback] };

    const answers = [
      await put({ ...same, client_id: 'gateway' }),
      await put({ ...same, client_secret: 'not-the-secret' }),
      await put({ ...same, redirect_uris: ['http://app.example.test/cb'] }),
      await put({ ...same, grant_types: ['password'] }),
      await put({ ...same, registration_access_token: 'x' }),
    ];

    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 400));
    const { json: unchanged } = await send(
      'GET',
      json.registration_client_uri,
      undefined,
      json.registration_access_token,
    );
    expect(unchanged).toEqual(json);
  });

  it('is for the holder of its token only', async () => {
    const [a, b] = [(await register()).json, (await register()).json];

    const answers = [
      await send('GET', a.registration_client_uri),
      await send('GET', a.registration_client_uri, undefined, 'made-up'),
      await send('DELETE', `${address()}/gateway`, undefined, b.registration_access_token),
      await send('PUT', `${address()}/gateway`, { client_id: 'gateway' }, a.registration_access_token),
    ];

    expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 401]);
    expect(await server.services.registry.findClient('open', 'gateway')).toBeDefined();
  });

  it('removes the client and everything that it has', async () => {
    const { json } = await register({ grant_types: ['client_credentials'], response_types: [] });
    const auth = [json.client_id, json.client_secret] as const;
    const token = await postForm(
      server.endpoint('open', 'token'),
      { grant_type: 'client_credentials' },
      { auth },
    );
    const introspect = () =>
      postForm(
        server.endpoint('open', 'token/introspect'),
        { token: token.json.access_token },
        { auth: gateway },
      );
    expect((await introspect()).json.active).toBe(true);

    const removed = await send(
      'DELETE',
      json.registration_client_uri,
      undefined,
      json.registration_access_token,
    );

    expect([removed.status, removed.text]).toEqual([204, '']);
    expect((await introspect()).json.active).toBe(false);
    expect(
      (await send('GET', json.registration_client_uri, undefined, json.registration_access_token)).status,
    ).toBe(401);
    const again = await postForm(
      server.endpoint('open', 'token'),
      { grant_type: 'client_credentials' },
      { auth },
    );
    expect(again.status).toBe(401);
  });

  it('is shut to a client that an operator disabled', async () => {
    const { json } = await register();
    const { registry } = server.services;

    await registry.updateClient('open', json.client_id, (client) => ({ ...client, enabled: false }));
    const disabled = await send(
      'PUT',
      json.registration_client_uri,
      { client_id: json.client_id },
      json.registration_access_token,
    );

    expect(disabled.status).toBe(401);
    expect(await registry.findClient('open', json.client_id)).toMatchObject({ enabled: false });
  });
});

it('keeps neither secrets nor tokens of registration readable at rest', async () => {
  const { json } = await register();
  const stored = await server.services.store.read([{ realm: 'open', kind: 'client', id: json.client_id }]);

  expect(stored[0]?.value).toContain(json.client_id);
  expect(stored[0]?.value).not.toContain(json.client_secret);
  expect(stored[0]?.value).not.toContain(json.registration_access_token);
});
